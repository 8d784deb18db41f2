"""Ways to send a cart somewhere, and what each costs."""

from msgspec import Struct

from storefront_mcp.commerce.money import Money


class ShippingMethod(Struct, frozen=True):
    """One offer for one address."""

    code: str
    title: str
    price: Money
