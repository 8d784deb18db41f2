"""Payment data that a message must not hold: buyers type it into the payment page, and nowhere else."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import UNSET

from storefront_mcp.a2a.model import MessagePart

CARD_DIGITS: Final = re.compile(r"(?<!\d)[3-6]\d{3}(?:[ -]?\d){11,12}(?!\d)")
"""15 or 16 digits, in groups or not; 13 of them are as likely a bar code."""
PAYMENT_MEMBERS: Final = frozenset({"a2a.ucp.checkout.payment", "payment_data", "card_number", "cvc", "cvv"})


def holds_payment_data(parts: Sequence[MessagePart]) -> bool:
    """Whether a part looks as if it held the number of a card, or names payment data as such."""
    return any((part.text is not UNSET and _holds_card(part.text)) or any(_finds(part.data)) for part in parts)


def _finds(value: Any) -> Iterator[bool]:  # noqa: ANN401 -- any JSON
    if isinstance(value, dict):
        for name, member in value.items():
            yield name in PAYMENT_MEMBERS
            yield from _finds(member)
    elif isinstance(value, list):
        for member in value:
            yield from _finds(member)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield _holds_card(str(value))


def _holds_card(text: str) -> bool:
    return any(_passes_luhn(re.sub(r"\D", "", found[0])) for found in CARD_DIGITS.finditer(text))


def _passes_luhn(digits: str) -> bool:
    """Whether the check digit of a card's number is right (ISO/IEC 7812-1)."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0  # noqa: PLR2004 -- digits add up
