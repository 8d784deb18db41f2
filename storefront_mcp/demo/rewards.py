"""Coupons and gift cards."""

from typing import Final

from msgspec import Struct


class Coupon(Struct, frozen=True, kw_only=True):
    """A code that takes a percentage or a fixed amount (AUD cents) off the goods."""

    code: str
    percent: int = 0
    cents: int = 0
    minimum: int = 0
    """The goods must be worth this much, in AUD cents."""
    active: bool = True

    def applies(self, goods: int) -> bool:
        """Whether a cart with goods of this value may use it."""
        return self.active and goods > 0 and goods >= self.minimum


COUPONS: Final = {
    coupon.code: coupon
    for coupon in (
        Coupon(code="SAVE10", percent=10),
        Coupon(code="PICKLE5", cents=5_00),
        Coupon(code="BIGDILL20", cents=20_00, minimum=150_00),
        Coupon(code="LASTSUMMER", percent=25, active=False),
    )
}

GIFT_CARDS: Final = {"GC-BRINE-50": 50_00, "GC-BRINE-5": 5_00}
"""Gift card codes and their first balance in AUD cents."""


def find_coupon(code: str) -> Coupon | None:
    """The coupon with this code, in any spelling of case."""
    return COUPONS.get(code.strip().upper())


def line_discounts(coupon: Coupon, rows: list[int]) -> list[int]:
    """What the coupon takes off each row, never more than the row.

    A percentage is rounded per row, half a cent up; a fixed amount is spread by value so that the parts add up to it.
    """
    if coupon.percent:
        return [(row * coupon.percent + 50) // 100 for row in rows]
    whole = sum(rows)
    amount = min(coupon.cents, whole)
    discounts, seen, given = [], 0, 0
    for row in rows:
        seen += row
        until_here = amount * seen // whole if whole else 0
        discounts.append(until_here - given)
        given = until_here
    return discounts
