"""Conversion of amounts to and from Stripe, whose exponents differ from ISO 4217 for a few currencies.

Source: docs.stripe.com/currencies, "Zero-decimal", "Three-decimal" and "Special cases".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from storefront_mcp.commerce.money import Money, currency_exponent
from storefront_mcp.payments.provider import RefusalCause

STRIPE_EXPONENTS: Final[Mapping[str, int]] = MappingProxyType({"ISK": 2, "UGX": 2, "MGA": 0})
"""Stripe's exponents where they differ from ISO 4217: ISK and UGX are sent in hundredths that are
always 00, MGA without fifths."""


MIN_CHARGES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
        "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50,
        "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000, "USD": 50,
    }
)  # fmt: skip
"""Smallest charges in minor units ("Minimum and maximum charge amounts"); other currencies are converted first."""
MAX_CHARGE: Final = 99_999_999
"""The largest number of a charge; for currencies of small units it is larger, and Stripe itself has to say."""
LARGER_CURRENCIES: Final = frozenset({"COP", "HUF", "IDR", "INR", "JPY", "KRW", "LBP", "VND"})


class NotPayable(ValueError):
    """An amount that cannot be expressed in Stripe's units, or the reverse."""

    def __init__(self, message: str, *, cause: RefusalCause = "step") -> None:
        super().__init__(message)
        self.cause: RefusalCause = cause


def to_stripe(amount: Money) -> tuple[int, str]:
    """Number and lower-case currency, as Stripe's API takes them.

    >>> to_stripe(Money(5500, "AUD")), to_stripe(Money(5500, "JPY")), to_stripe(Money(5500, "ISK"))
    ((5500, 'aud'), (5500, 'jpy'), (550000, 'isk'))

    Raises NotPayable for 0, for thousandths that do not end in 0, and for fractions that Stripe does not have.
    """
    if amount.minor <= 0:
        message = f"{amount} cannot be paid, there is nothing to pay"
        raise NotPayable(message, cause="too_small")
    if currency_exponent(amount.currency) == 3 and amount.minor % 10:  # noqa: PLR2004 - that is what "three-decimal" means
        message = f"{amount} cannot be paid by card, whose networks want the last of three decimals to be 0"
        raise NotPayable(message)
    return _shift(amount.minor, by=_exponent_difference(amount.currency), said=str(amount)), amount.currency.lower()


def check_charge(amount: Money) -> None:
    """Raise NotPayable as `to_stripe`, and for charges that are too small or too large."""
    number, _ = to_stripe(amount)
    least = MIN_CHARGES.get(amount.currency, 1)
    if amount.minor < least:
        message = f"{amount} cannot be paid, it takes at least {Money(least, amount.currency)}"
        raise NotPayable(message, cause="too_small")
    if number > MAX_CHARGE and amount.currency not in LARGER_CURRENCIES:
        message = f"{amount} cannot be paid at once"
        raise NotPayable(message, cause="too_large")


def from_stripe(number: int, currency: str) -> Money:
    """The amount of a number of Stripe's. Raises NotPayable for fractions of a minor unit."""
    upper = currency.upper()
    return Money(_shift(number, by=-_exponent_difference(upper), said=f"{number} {currency}"), upper)


def _exponent_difference(currency: str) -> int:
    """Stripe's exponent minus that of ISO 4217."""
    return STRIPE_EXPONENTS.get(currency, currency_exponent(currency)) - currency_exponent(currency)


def _shift(number: int, *, by: int, said: str) -> int:
    """`number` times ten to the power of `by`, exact; `said` is for the message."""
    if by >= 0:
        return number * int(10**by)
    shifted, rest = divmod(number, int(10**-by))
    if rest:
        message = f"{said} is a fraction of what Stripe counts"
        raise NotPayable(message)
    return shifted
