"""Amounts as Stripe counts them, which for a few currencies is not how ISO 4217 does.

Source: docs.stripe.com/currencies, "Zero-decimal", "Three-decimal" and "Special cases".
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from storefront_mcp.commerce.money import Money, exponent

DIGITS: Final[Mapping[str, int]] = MappingProxyType({"ISK": 2, "UGX": 2, "MGA": 0})
"""Digits after the decimal point, where Stripe's differ. Krónur and Ugandan shillings are sent as hundredths that are
always 00, for the sake of old integrations; the ariary's fifths are not sent at all."""


class NotPayable(ValueError):
    """An amount that Stripe has no number for, or a number of Stripe's that is no amount."""


def sent(amount: Money) -> tuple[int, str]:
    """An amount and a currency as Stripe writes them.

    >>> sent(Money(5500, "AUD")), sent(Money(5500, "JPY")), sent(Money(5500, "ISK")), sent(Money(5500, "KWD"))
    ((5500, 'aud'), (5500, 'jpy'), (550000, 'isk'), (5500, 'kwd'))

    Raises NotPayable for nothing, for thousandths that do not end in 0, and for fractions where Stripe has none.
    """
    if amount.minor <= 0:
        message = f"{amount} cannot be paid, there is nothing to pay"
        raise NotPayable(message)
    if exponent(amount.currency) == 3 and amount.minor % 10:  # noqa: PLR2004 - that is what "three-decimal" means
        message = f"{amount} cannot be paid by card, whose networks want the last of three decimals to be 0"
        raise NotPayable(message)
    return _shifted(amount.minor, by=_more(amount.currency), said=str(amount)), amount.currency.lower()


def received(number: int, currency: str) -> Money:
    """The amount that Stripe means. Raises NotPayable for a number that is no whole minor unit."""
    upper = currency.upper()
    return Money(_shifted(number, by=-_more(upper), said=f"{number} {currency}"), upper)


def _more(currency: str) -> int:
    """How many digits more Stripe writes than ISO 4217 counts."""
    return DIGITS.get(currency, exponent(currency)) - exponent(currency)


def _shifted(number: int, *, by: int, said: str) -> int:
    """`number` with its point moved, exactly."""
    if by >= 0:
        return number * int(10**by)
    shifted, rest = divmod(number, int(10**-by))
    if rest:
        message = f"{said} is a fraction of what Stripe counts"
        raise NotPayable(message)
    return shifted
