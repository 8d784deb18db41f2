"""Currencies and their rates, GST, and amounts in minor units and as Maho writes them."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from msgspec import Struct


class DemoCurrency(Struct, frozen=True, kw_only=True):
    """A currency the shop shows prices in; `rate` is what one Australian dollar buys."""

    code: str
    symbol: str
    rate: Decimal
    digits: int = 2
    """Digits after the decimal point (ISO 4217)."""

    def of(self, cents: int) -> int:
        """AUD cents in this currency's minor units, half of one up."""
        return int((cents * self.rate).scaleb(self.digits - 2).quantize(Decimal(1), ROUND_HALF_UP))

    def major(self, amount: int) -> int | float:
        """Minor units as the number Maho writes: whole amounts without a fraction."""
        unit: int = 10**self.digits
        return amount // unit if amount % unit == 0 else amount / unit

    def optional_major(self, amount: int | None) -> int | float | None:
        """The same for an amount that may be unknown."""
        return None if amount is None else self.major(amount)


AUD: Final = DemoCurrency(code="AUD", symbol="$", rate=Decimal(1))
CURRENCIES: Final = {
    currency.code: currency
    for currency in (
        AUD,
        DemoCurrency(code="NZD", symbol="NZ$", rate=Decimal("1.09")),
        DemoCurrency(code="JPY", symbol="¥", rate=Decimal("98.4"), digits=0),
        DemoCurrency(code="KWD", symbol="KD", rate=Decimal("0.2"), digits=3),
    )
}

GST_PERCENT: Final = 10


def added_gst(amount: int) -> int:
    """The GST on an amount without it: a tenth, half a cent up."""
    return (amount * GST_PERCENT + 50) // 100


def included_gst(amount: int) -> int:
    """The GST in an amount that includes it: one eleventh, half a cent up."""
    return (2 * amount + 11) // 22
