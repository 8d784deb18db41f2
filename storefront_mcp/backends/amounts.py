"""Amounts of money as shops write them, bounded."""

from decimal import Decimal
from typing import Final

from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.money import Money

MAX_PRICE: Final = Decimal(10) ** 12
"""Bound of an amount, in major units."""


def shop_money(amount: Decimal | None, currency: str) -> Money:
    """An amount in major units as Money; None is zero. Raises ShopDown above `MAX_PRICE` or if not finite.

    >>> shop_money(Decimal("19.949999999999996"), "AUD").minor
    1995
    """
    if amount is None:
        return Money(0, currency)
    if not amount.is_finite() or abs(amount) > MAX_PRICE:
        raise ShopDown(internal=f"not an amount of money: {amount:.20}")
    return Money.of(amount, currency)
