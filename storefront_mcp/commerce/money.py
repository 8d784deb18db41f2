"""Money: integer minor units and a currency, never a float."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Annotated, Final

from msgspec import Meta, Struct

EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
    | dict.fromkeys("CLF UYW".split(), 4)
)
"""Digits after the decimal point where they are not two (ISO 4217)."""
DIGITS: Final = 18
"""Digits of the largest amount in minor units: what a 64-bit integer holds."""


class Money(Struct, frozen=True):
    """An amount in a currency's minor unit, as ISO 4217 counts it: 27900 AUD is 279.00 Australian dollars."""

    minor: Annotated[int, Meta(description="Minor units (cents)")]
    currency: Annotated[str, Meta(description="ISO 4217")]

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> "Money":
        """Read an amount in major units; halves of a minor unit round away from zero.

        Raises ValueError when `amount` is not a finite number, or one that no shop asks.
        """
        try:
            scaled = Decimal(amount).scaleb(exponent(currency))
            minor = int(scaled.to_integral_value(ROUND_HALF_UP)) if scaled.adjusted() < DIGITS else None
        except (ArithmeticError, ValueError):
            minor = None
        if minor is None:
            message = f"not an amount of money: {str(amount)[:40]!r}"
            raise ValueError(message)
        return cls(minor, currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in `currency`."""
        return cls(0, currency)

    def major(self) -> Decimal:
        """The amount in major units, with the currency's digits: Decimal("279.00")."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        """For people: `AUD 279.00`."""
        return f"{self.currency} {self.major():f}"

    def __add__(self, other: "Money") -> "Money":
        """Sum of two amounts in one currency; another currency is a ValueError."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Difference of two amounts in one currency; another currency is a ValueError."""
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        """The amount `times` over."""
        return Money(self.minor * times, self.currency)

    def __bool__(self) -> bool:
        """Whether there is anything at all."""
        return self.minor != 0

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            message = f"{self.currency} and {other.currency} do not add up"
            raise ValueError(message)
        return other.minor


def exponent(currency: str) -> int:
    """Digits after the decimal point of a currency (ISO 4217)."""
    return EXPONENTS.get(currency, 2)
