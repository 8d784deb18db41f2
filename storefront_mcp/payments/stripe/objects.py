"""Structs of Stripe's API objects, with the fields that we read, and their mapping to the provider protocol."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.payments.provider import Payment, PaymentSession, PaymentState, SessionState
from storefront_mcp.payments.stripe.amounts import from_stripe

PAYMENT_STATES: Final[Mapping[str, PaymentState]] = {
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "released",
}
"""By status of a PaymentIntent; every other status is `waiting`."""


class _Charge(Struct, frozen=True):
    class _Details(Struct, frozen=True):
        class _Card(Struct, frozen=True):
            capture_before: int | None = None

        card: _Card | None = None

    payment_method_details: _Details | None = None

    @property
    def capture_before(self) -> int | None:
        card = self.payment_method_details and self.payment_method_details.card
        return card.capture_before if card else None


class PaymentIntent(Struct, frozen=True):
    """A Stripe PaymentIntent."""

    id: str
    status: str
    amount: int
    currency: str
    amount_capturable: int = 0
    amount_received: int = 0
    latest_charge: _Charge | str | None = None
    last_payment_error: dict[str, Any] | None = None

    def payment(self) -> Payment:
        """The same as the provider protocol has it."""
        state = PAYMENT_STATES.get(self.status, "waiting")
        number = {"authorized": self.amount_capturable, "captured": self.amount_received}.get(state, self.amount)
        charge = self.latest_charge
        return Payment(
            id=self.id,
            state=state,
            amount=from_stripe(number, self.currency),
            capture_before=charge.capture_before if state == "authorized" and isinstance(charge, _Charge) else None,
        )


class StripeCheckoutSession(Struct, frozen=True):
    """A Stripe Checkout Session; its `payment_status` says nothing about authorized payments."""

    id: str
    status: SessionState
    url: str | None = None
    payment_intent: PaymentIntent | str | None = None
    """None before the first attempt to pay."""

    def session(self) -> PaymentSession:
        """The same as the provider protocol has it."""
        intent, open_ = self.payment_intent, self.status == "open"
        tried = intent if isinstance(intent, PaymentIntent) else None
        return PaymentSession(
            id=self.id,
            state=self.status,
            url=self.url if open_ else None,
            payment=tried.id if tried else intent if isinstance(intent, str) else None,
            declined=bool(open_ and tried and tried.status == "requires_payment_method" and tried.last_payment_error),
        )
