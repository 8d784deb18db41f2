"""Shipping methods and their prices."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.money import Money


class ShippingMethod(Struct, frozen=True, omit_defaults=True):
    """A shipping method for one address."""

    code: str
    title: str
    price: Money
    delivery: str | None = None
    """How long it takes, where the store says so."""


def with_delivery_times(methods: Iterable[ShippingMethod], times: Mapping[str, str]) -> tuple[ShippingMethod, ...]:
    """The methods with how long they take, by their code, where the store says so."""
    return tuple(replace(one, delivery=times.get(one.code, one.delivery)) for one in methods)
