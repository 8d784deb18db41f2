"""Cents: what is GST in a price, what a price is in another currency, how Maho writes an amount."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from msgspec import Struct


class Currency(Struct, frozen=True, kw_only=True):
    """A currency the shop shows prices in; `rate` is what one Australian dollar buys."""

    code: str
    symbol: str
    rate: Decimal

    def of(self, cents: int) -> int:
        """AUD cents in this currency's cents, half a cent up."""
        return int((cents * self.rate).quantize(Decimal(1), ROUND_HALF_UP))


AUD: Final = Currency(code="AUD", symbol="$", rate=Decimal(1))
CURRENCIES: Final = {"AUD": AUD, "NZD": Currency(code="NZD", symbol="NZ$", rate=Decimal("1.09"))}

GST_PERCENT: Final = 10


def gst_inside(amount: int) -> int:
    """The GST in an amount that includes it: one eleventh, half a cent up."""
    return (2 * amount + 11) // 22


def major(amount: int) -> int | float:
    """Minor units as the number Maho writes: whole amounts without a fraction."""
    return amount // 100 if amount % 100 == 0 else amount / 100


def optional_major(amount: int | None) -> int | float | None:
    """The same for an amount that may be unknown."""
    return None if amount is None else major(amount)
