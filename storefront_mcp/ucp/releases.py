"""What older releases have otherwise: answers are made for the newest one and translated here."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.agent_protocols.ucp import PREVIOUS_RELEASE, UcpRelease
from storefront_mcp.ucp.catalog_shapes import UcpDescription
from storefront_mcp.ucp.purchase_shapes import (
    CheckoutAnswer,
    FulfillmentGroup,
    FulfillmentMethod,
    ShippingDestination,
    ShippingOption,
    UcpFulfillment,
)


def in_release(answer: CheckoutAnswer, release: UcpRelease) -> CheckoutAnswer:
    """The answer in the words of a release."""
    translate = TRANSLATIONS.get(release.id)
    return answer if translate is None else translate(answer)


def _for_previous(answer: CheckoutAnswer) -> CheckoutAnswer:
    """Before the newest: destinations have no type, descriptions of options are text."""
    if answer.fulfillment is None:
        return answer
    methods = tuple(
        replace(method, destinations=_without_type(method.destinations), groups=_with_plain_options(method))
        for method in answer.fulfillment.methods
    )
    return replace(answer, fulfillment=UcpFulfillment(methods))


def _without_type(destinations: tuple[ShippingDestination, ...]) -> tuple[ShippingDestination, ...]:
    return tuple(replace(destination, type=None) for destination in destinations)


def _with_plain_options(method: FulfillmentMethod) -> tuple[FulfillmentGroup, ...]:
    return tuple(replace(group, options=tuple(map(_in_plain_text, group.options))) for group in method.groups)


def _in_plain_text(option: ShippingOption) -> ShippingOption:
    description = option.description
    return replace(option, description=description.plain) if isinstance(description, UcpDescription) else option


TRANSLATIONS: Final[Mapping[str, Callable[[CheckoutAnswer], CheckoutAnswer]]] = {PREVIOUS_RELEASE.id: _for_previous}
"""By the release that needs one."""
