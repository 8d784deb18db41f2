"""Coupons and gift cards."""

from typing import Final

from msgspec import Struct


class DemoCoupon(Struct, frozen=True, kw_only=True):
    """A code that takes a percentage or a fixed amount (AUD cents) off the goods."""

    code: str
    percent: int = 0
    cents: int = 0
    minimum: int = 0
    """Least value of the goods in AUD cents."""
    active: bool = True

    def applies(self, goods: int) -> bool:
        """Whether a cart with goods of this value may use it."""
        return self.active and goods > 0 and goods >= self.minimum


COUPONS: Final = {
    coupon.code: coupon
    for coupon in (
        DemoCoupon(code="SAVE10", percent=10),
        DemoCoupon(code="PICKLE5", cents=5_00),
        DemoCoupon(code="BIGDILL20", cents=20_00, minimum=150_00),
        DemoCoupon(code="LASTSUMMER", percent=25, active=False),
    )
}

GIFT_CARDS: Final = {"GC-BRINE-50": 50_00, "GC-BRINE-5": 5_00, "GC-BARREL-500": 500_00}
"""Gift card codes and their first balance in AUD cents."""


def find_coupon(code: str) -> DemoCoupon | None:
    """The coupon with this code, in any spelling of case."""
    return COUPONS.get(code.strip().upper())


def line_discounts(coupon: DemoCoupon, rows: list[int], *, computations: int = 1) -> list[int]:
    """What the coupon takes off each row, never more than the row.

    A percentage is rounded per row, half a cent up, and what that took or gave is carried to the next row. As in Maho
    the rest of the last row is carried into the next of `computations`, so that the result depends on their number. A
    fixed amount is spread by value so that the parts add up to it.
    """
    if coupon.percent:
        carried, rounded = 0, [0] * len(rows)  # in hundredths of a minor unit
        for _ in range(computations):
            for at, row in enumerate(rows):
                exact = row * coupon.percent + carried
                rounded[at] = (exact + 50) // 100
                carried = exact - 100 * rounded[at]
        return [min(discount, row) for discount, row in zip(rounded, rows, strict=True)]
    whole = sum(rows)
    amount = min(coupon.cents, whole)
    discounts, seen, given = [], 0, 0
    for row in rows:
        seen += row
        until_here = amount * seen // whole if whole else 0
        discounts.append(until_here - given)
        given = until_here
    return discounts
