"""Shipping: destinations and options of UCP, and the address and the method of a session."""

import hashlib
from typing import Final

from storefront_mcp.checkout_sessions import SessionAddress, SessionState
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.ucp.catalog_shapes import UcpDescription
from storefront_mcp.ucp.failures import UcpOutcome
from storefront_mcp.ucp.purchase_shapes import (
    FulfillmentGroup,
    FulfillmentMethod,
    ShippingDestination,
    ShippingOption,
    UcpFulfillment,
    UcpTotal,
    WantedDestination,
    WantedFulfillment,
    WantedMethod,
)

METHOD_ID: Final = "shipping"
GROUP_ID: Final = "package"
FOREIGN_TYPES: Final = frozenset({"business_location", "retail_location"})
"""Destinations that only a business writes."""


def fulfillment_of(state: SessionState, sent_id: str | None) -> UcpFulfillment | None:
    """How a session is shipped; None where nothing is. `sent_id` is the platform's own id of the destination."""
    cart, to = state.cart, state.destination
    if cart.ships_nothing or not cart.lines:
        return None
    lines = tuple(line.line_id for line in cart.lines)
    known = to is not None and any(getattr(to, name) for name in to.__struct_fields__)
    destination = _destination(to, sent_id) if to is not None and known else None
    group = FulfillmentGroup(
        id=GROUP_ID,
        line_item_ids=lines,
        options=tuple(map(_option, state.methods)),
        selected_option_id=state.option if any(one.code == state.option for one in state.methods) else None,
    )
    method = FulfillmentMethod(
        id=METHOD_ID,
        type="shipping",
        line_item_ids=lines,
        destinations=() if destination is None else (destination,),
        selected_destination_id=None if destination is None else destination.id,
        groups=(group,) if state.methods else (),
    )
    return UcpFulfillment((method,))


def chosen_destination(wanted: WantedFulfillment | None) -> WantedDestination | None:
    """The destination that is selected, or the only one. Raises UcpOutcome for a selection of none of them."""
    method = _shipping(wanted)
    if method is None:
        return None
    offered = [one for one in method.destinations or () if one.type not in FOREIGN_TYPES]
    selected = method.selected_destination_id
    if not offered:
        return None
    if selected is None:
        return offered[0]
    found = [one for one in offered if one.id == selected]
    if found:
        return found[0]
    if len(offered) == 1 and offered[0].id is None:
        return offered[0]
    path = "$.fulfillment.methods[0].selected_destination_id"
    text = "No destination of this method has the selected id. Nothing was changed."
    raise UcpOutcome("invalid_destination", text, "recoverable", path)


def chosen_option(wanted: WantedFulfillment | None) -> str | None:
    """The id of the selected option; None where nothing is said of it."""
    method = _shipping(wanted)
    groups = () if method is None else method.groups or ()
    return next((group.selected_option_id for group in groups if group.selected_option_id), None)


def read_address(sent: WantedDestination) -> SessionAddress:
    """The address that was sent, as far as it goes."""
    street = "\n".join(part for part in (sent.street_address, sent.extended_address) if part)
    return SessionAddress(
        first_name=sent.first_name or "",
        last_name=sent.last_name or "",
        street=street,
        city=sent.address_locality or "",
        region=sent.address_region or "",
        postcode=sent.postal_code or "",
        country=sent.address_country or "",
        phone=sent.phone_number or "",
    )


def _shipping(wanted: WantedFulfillment | None) -> WantedMethod | None:
    """The first method, if it is shipping or says nothing of its kind."""
    methods = () if wanted is None else wanted.methods or ()
    return next((method for method in methods if method.type in {None, "shipping"}), None)


def _destination(to: SessionAddress, sent_id: str | None) -> ShippingDestination:
    street, _, more = to.street.partition("\n")
    return ShippingDestination(
        id=sent_id or _id_of(to),
        type="shipping_address",
        street_address=street or None,
        extended_address=", ".join(more.split("\n")) or None,
        address_locality=to.city or None,
        address_region=to.region or None,
        postal_code=to.postcode or None,
        address_country=to.country or None,
        first_name=to.first_name or None,
        last_name=to.last_name or None,
        phone_number=to.phone or None,
    )


def _id_of(to: SessionAddress) -> str:
    """An id of our own: the same for the same address."""
    told = "\0".join(getattr(to, name) for name in to.__struct_fields__)
    return f"dest_{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _option(method: ShippingMethod) -> ShippingOption:
    price = method.price.minor
    return ShippingOption(
        id=method.code,
        title=method.title,
        description=None if method.delivery is None else UcpDescription(method.delivery),
        totals=(UcpTotal(type="subtotal", amount=price), UcpTotal(type="total", amount=price)),
    )
