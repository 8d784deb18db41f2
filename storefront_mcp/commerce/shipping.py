"""Shipping methods and their prices."""

from msgspec import Struct

from storefront_mcp.commerce.money import Money


class ShippingMethod(Struct, frozen=True, omit_defaults=True):
    """A shipping method for one address."""

    code: str
    title: str
    price: Money
    delivery: str | None = None
    """How long it takes, where the store says so."""
