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
"""Digits after the decimal point where they are not `DEFAULT_EXPONENT` (ISO 4217)."""
DEFAULT_EXPONENT: Final = 2
MAX_DIGITS: Final = 18
"""Digits of the largest amount in minor units: it fits into 64 bits."""


class Money(Struct, frozen=True):
    """An amount in a currency's minor unit, as ISO 4217 counts it: 27900 AUD is 279.00 Australian dollars."""

    minor: Annotated[int, Meta(description="Minor units (cents)")]
    currency: Annotated[str, Meta(description="ISO 4217")]

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> "Money":
        """From an amount in major units, rounded half up (away from zero).

        Raises ValueError for what is not a finite number of at most `MAX_DIGITS` digits.
        """
        try:
            scaled = Decimal(amount).scaleb(EXPONENTS.get(currency, DEFAULT_EXPONENT))
            minor = int(scaled.to_integral_value(ROUND_HALF_UP)) if scaled.adjusted() < MAX_DIGITS else None
        except (ArithmeticError, ValueError):
            minor = None
        if minor is None:
            message = f"not an amount of money: {str(amount)[:40]!r}"
            raise ValueError(message)
        return cls(minor, currency)

    def major(self) -> Decimal:
        """The amount in major units, with the currency's digits: Decimal("279.00")."""
        return Decimal(self.minor).scaleb(-EXPONENTS.get(self.currency, DEFAULT_EXPONENT))

    def __str__(self) -> str:
        """For display: `AUD 279.00`."""
        return f"{self.currency} {self.major():f}"

    def __add__(self, other: "Money") -> "Money":
        """Sum. Raises ValueError for another currency."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Difference. Raises ValueError for another currency."""
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        """The amount multiplied by `times`."""
        return Money(self.minor * times, self.currency)

    def __bool__(self) -> bool:
        """Whether it is not zero."""
        return self.minor != 0

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            message = f"{self.currency} and {other.currency} do not add up"
            raise ValueError(message)
        return other.minor


def currency_exponent(currency: str) -> int:
    """Digits after the decimal point of a currency (ISO 4217)."""
    return EXPONENTS.get(currency, DEFAULT_EXPONENT)
