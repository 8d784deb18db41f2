"""What we read of Stripe's answers, and what it says in the port's words."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.payments.port import Payment, PaymentState, Session, SessionState
from storefront_mcp.payments.stripe_amounts import received

STATES: Final[Mapping[str, PaymentState]] = {
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "released",
}
"""What a PaymentIntent's status says about the money; in all others nothing is held yet."""


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


class Intent(Struct, frozen=True):
    """Of a PaymentIntent, what we read."""

    id: str
    status: str
    amount: int
    currency: str
    amount_capturable: int = 0
    amount_received: int = 0
    latest_charge: _Charge | str | None = None
    last_payment_error: dict[str, Any] | None = None

    def payment(self) -> Payment:
        """In the port's words."""
        state = STATES.get(self.status, "waiting")
        number = {"authorized": self.amount_capturable, "captured": self.amount_received}.get(state, self.amount)
        charge = self.latest_charge
        return Payment(
            id=self.id,
            state=state,
            amount=received(number, self.currency),
            capture_before=charge.capture_before if state == "authorized" and isinstance(charge, _Charge) else None,
        )


class CheckoutSession(Struct, frozen=True):
    """Of a Checkout Session, what we read: its `payment_status` means little while money is only held."""

    id: str
    status: SessionState
    url: str | None = None
    payment_intent: Intent | str | None = None
    """None until the person first tries to pay."""

    def session(self) -> Session:
        """In the port's words."""
        intent, open_ = self.payment_intent, self.status == "open"
        tried = intent if isinstance(intent, Intent) else None
        return Session(
            id=self.id,
            state=self.status,
            url=self.url if open_ else None,
            payment=tried.id if tried else intent if isinstance(intent, str) else None,
            declined=bool(open_ and tried and tried.status == "requires_payment_method" and tried.last_payment_error),
        )
