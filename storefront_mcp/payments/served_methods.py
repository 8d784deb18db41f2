"""The shop's payment method that each provider serves by default."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class ServedMethod(Struct, frozen=True, kw_only=True):
    """A shop's payment method for orders that are paid at a provider; `payments.method` overrides its code."""

    code: str
    capture_field: str | None = None
    """Field for the payment's id, for methods whose module captures inside place-order."""


SERVED_METHODS: Final[Mapping[str, ServedMethod]] = {
    "stripe": ServedMethod(code="stripe_card", capture_field="stripe_payment_intent_id"),
    "sandbox": ServedMethod(code="prepaid"),
}
"""By the provider's name."""

CAPTURE_FIELDS: Final[Mapping[str, str]] = {
    served.code: served.capture_field for served in SERVED_METHODS.values() if served.capture_field is not None
}
"""Fields for the payment's id, by the code of the payment method."""
