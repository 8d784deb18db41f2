"""The account: sessions, intents, the ledger of money, and what may become of each."""

import heapq
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.stripe.refusals import Refused, unexpected

HOLD = 7 * 24 * 3600
"""Seconds for which a card's bank holds money."""
WHOLE = {"isk": 100, "ugx": 100, "bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10}
"""What amounts must be a multiple of."""
NOT_SUPPORTED = {"clf", "iqd", "lyd", "uyi", "uyw", "xau", "xxx"}
LARGEST = 99_999_999
SMALLEST = {"aud": 50, "eur": 50, "gbp": 30, "jpy": 50, "usd": 50}
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
URL = re.compile(r"https?://[^\s]+")


@dataclass(kw_only=True)
class Intent:
    """A PaymentIntent, of a Checkout Session or of none."""

    id: str
    session: str
    amount: int
    currency: str
    metadata: dict[str, str]
    created: int
    status: str = "requires_payment_method"
    capturable: int = 0
    received: int = 0
    error: dict[str, str] | None = None
    reason: str | None = None
    capture_before: int | None = None

    @property
    def checkout(self) -> str | None:
        return self.metadata.get("checkout_id")

    def shape(self, expand: list[str] | None = None) -> dict[str, Any]:
        """As Stripe writes it; `latest_charge` is an id unless it is to be expanded."""
        charge = f"ch_{self.id[3:]}" if self.capture_before else None
        if charge and "latest_charge" in (expand or []):
            card = {"brand": "visa", "last4": "4242", "capture_before": self.capture_before}
            details = {"type": "card", "card": card}
            charge = {"id": charge, "object": "charge", "amount": self.amount, "payment_method_details": details}  # type: ignore[assignment]
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.capturable,
            "amount_received": self.received,
            "cancellation_reason": self.reason,
            "capture_method": "manual",
            "created": self.created,
            "currency": self.currency,
            "last_payment_error": self.error,
            "latest_charge": charge,
            "livemode": False,
            "metadata": self.metadata,
            "payment_method_types": ["card"],
            "status": self.status,
        }


@dataclass(kw_only=True)
class Session:
    """A Checkout Session."""

    id: str
    asked: dict[str, Any]
    amount: int
    currency: str
    url: str
    created: int
    status: str = "open"
    intent: Intent | None = None

    @property
    def checkout(self) -> str | None:
        found = self.asked.get("client_reference_id")
        return str(found) if found else None

    def shape(self, expand: list[str] | None = None) -> dict[str, Any]:
        """As Stripe writes it; while money is only held the session counts as unpaid."""
        intent = self.intent
        paid = intent is not None and intent.status == "succeeded"
        return {
            "id": self.id,
            "object": "checkout.session",
            "amount_total": self.amount,
            "client_reference_id": self.checkout,
            "created": self.created,
            "currency": self.currency,
            "customer_email": self.asked.get("customer_email"),
            "expires_at": self.asked["expires_at"],
            "livemode": False,
            "metadata": self.asked.get("metadata", {}),
            "mode": "payment",
            "payment_intent": intent and (intent.shape() if "payment_intent" in (expand or []) else intent.id),
            "payment_method_types": ["card"],
            "payment_status": "paid" if paid else "unpaid",
            "status": self.status,
            "ui_mode": "hosted_page",
            "url": self.url if self.status == "open" else None,
        }


@dataclass
class Books:
    """Everything the account knows. `tell` is called with the kind and the object of every event."""

    clock: Callable[[], float]
    tell: Callable[[str, dict[str, Any]], None]
    shortest: int = 1800
    """Seconds that a session must live at least; a day at most."""
    sessions: dict[str, Session] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    """Money held, taken and let go, in the order in which it happened."""
    deadlines: list[tuple[float, str]] = field(default_factory=list)

    def now(self) -> int:
        return int(self.clock())

    def sweep(self) -> None:
        """Let end what has reached its time."""
        while self.deadlines and self.deadlines[0][0] <= self.clock():
            found = heapq.heappop(self.deadlines)[1]
            if found in self.sessions and self.sessions[found].status == "open":
                self._close(self.sessions[found])
            elif found in self.intents and self.intents[found].status == "requires_capture":
                self._let_go(self.intents[found], "expired")

    def session(self, id_: str) -> Session:
        if id_ not in self.sessions:
            message = f"No such checkout.session: {id_}"
            raise Refused(message, code="resource_missing", param="session", status=404)
        return self.sessions[id_]

    def intent(self, id_: str) -> Intent:
        if id_ not in self.intents:
            message = f"No such payment_intent: '{id_}'"
            raise Refused(message, code="resource_missing", param="intent", status=404)
        return self.intents[id_]

    # What the shop asks for ---------------------------------------------------------------------------------------

    def checked(self, asked: dict[str, Any]) -> tuple[int, str]:
        """Amount and currency of a session that may be opened; what is wrong is refused before anything is done."""
        if asked.get("mode") != "payment" or asked.get("ui_mode") != "hosted_page":
            raise Refused("This account only knows hosted pages for payments.", param="mode")
        if asked.get("payment_intent_data", {}).get("capture_method") != "manual":
            raise Refused("This account only knows manual capture.", param="payment_intent_data[capture_method]")
        if not EMAIL.fullmatch(asked.get("customer_email", "nobody@example.com")):
            message = f"Invalid email address: {asked['customer_email']}"
            raise Refused(message, code="email_invalid", param="customer_email")
        for name in ("success_url", "cancel_url"):
            if not URL.fullmatch(asked.get(name, "")):
                raise Refused("Not a valid URL", code="url_invalid", param=name)
        if len(asked.get("client_reference_id", "")) > 200:
            raise Refused("Invalid string", code="parameter_invalid_string", param="client_reference_id")
        lives = asked.get("expires_at", self.now() + 24 * 3600) - self.now()
        if not self.shortest <= lives <= 24 * 3600:
            message = "`expires_at` must be between 30 minutes and 24 hours from Checkout Session creation."
            raise Refused(message, param="expires_at")
        return self._priced(asked.get("line_items", []))

    def _priced(self, lines: list[dict[str, Any]]) -> tuple[int, str]:
        prices = [line["price_data"] for line in lines if "price_data" in line]
        currencies = {price["currency"] for price in prices}
        if len(currencies) != 1 or len(prices) != len(lines):
            raise Refused("line_items must have prices in one currency.", param="line_items")
        (currency,) = currencies
        if not re.fullmatch(r"[a-z]{3}", currency) or currency in NOT_SUPPORTED:
            raise Refused(f"Invalid currency: {currency}.", param="line_items[0][price_data][currency]")
        amount = sum(line["price_data"]["unit_amount"] * line.get("quantity", 1) for line in lines)
        if amount < SMALLEST.get(currency, 1):
            raise Refused("The total must be greater than 0 and no less than the minimum.", code="amount_too_small")
        if amount > LARGEST:
            raise Refused("Amount must be no more than 999,999.99.", code="amount_too_large")
        if amount % WHOLE.get(currency, 1):
            message = f"Invalid amount. {currency} amounts must be evenly divisible by {WHOLE[currency]}."
            raise Refused(message, code="invalid_charge_amount_no_decimal_compatible")
        return amount, currency

    def open_session(self, asked: dict[str, Any], *, origin: str) -> Session:
        amount, currency = self.checked(asked)
        id_ = f"cs_test_{len(self.sessions) + 1:08}"
        asked = {"expires_at": self.now() + 24 * 3600, **asked}
        url = f"{origin}/c/pay/{id_}"
        session = Session(id=id_, asked=asked, amount=amount, currency=currency, url=url, created=self.now())
        self.sessions[id_] = session
        heapq.heappush(self.deadlines, (asked["expires_at"], id_))
        return session

    def expire(self, session: Session) -> None:
        if session.status != "open":
            raise unexpected(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{session.status}`."
            )
        self._close(session)

    def capture(self, intent: Intent, amount: int | None = None) -> None:
        if intent.status != "requires_capture":
            message = f"This PaymentIntent could not be captured because it has a status of {intent.status}."
            raise unexpected(message, "payment_intent_unexpected_state")
        taken = intent.capturable if amount is None else amount
        if not 0 < taken <= intent.capturable:
            raise unexpected("amount_to_capture is more than what is held.", "amount_too_large")
        rest, intent.capturable = intent.capturable - taken, 0
        intent.status, intent.received = "succeeded", taken
        self.write("captured", intent, taken)
        if rest:
            self.write("released", intent, rest)
        self.tell("payment_intent.succeeded", intent.shape())

    def cancel(self, intent: Intent, reason: str | None) -> None:
        """Only held money of a session can be let go of this way: before that, the session is what must be expired."""
        unpaid = not intent.session and intent.status in {"requires_payment_method", "requires_action"}
        if intent.status != "requires_capture" and not unpaid:
            message = f"You cannot cancel this PaymentIntent because it has a status of {intent.status}."
            raise unexpected(message, "payment_intent_unexpected_state")
        self._let_go(intent, reason)

    # What the buyer does --------------------------------------------------------------------------------------------

    def pay(self, session: Session) -> None:
        """A card that is good."""
        intent = self._trying(session)
        intent.status, intent.error, intent.capturable = "requires_capture", None, intent.amount
        intent.capture_before = self.now() + HOLD
        heapq.heappush(self.deadlines, (intent.capture_before, intent.id))
        session.status = "complete"
        self.write("authorized", intent, intent.amount)
        self.tell("payment_intent.amount_capturable_updated", intent.shape())
        self.tell("checkout.session.completed", session.shape())

    def decline(self, session: Session, code: str = "card_declined") -> None:
        """A card that is not, or an authentication that failed; the page stays open for another try."""
        intent = self._trying(session)
        intent.status, intent.error = "requires_payment_method", {"type": "card_error", "code": code}
        self.tell("payment_intent.payment_failed", intent.shape())

    def challenge(self, session: Session) -> None:
        """A card whose bank wants to see its owner (3-D Secure)."""
        intent = self._trying(session)
        intent.status = "requires_action"
        self.tell("payment_intent.requires_action", intent.shape())

    def lapse(self, intent: Intent) -> None:
        """The bank no longer holds the money."""
        if intent.status == "requires_capture":
            self._let_go(intent, "expired")

    def _trying(self, session: Session) -> Intent:
        """The session's intent, which is made when the buyer first submits the page."""
        if session.status != "open":
            raise Refused(f"This page is {session.status}.", code="checkout_not_active")
        if session.intent is None:
            session.intent = Intent(
                id=f"pi_{len(self.intents) + 1:08}",
                session=session.id,
                amount=session.amount,
                currency=session.currency,
                metadata=session.asked["payment_intent_data"].get("metadata", {}),
                created=self.now(),
            )
            self.intents[session.intent.id] = session.intent
            self.tell("payment_intent.created", session.intent.shape())
        return session.intent

    def _close(self, session: Session) -> None:
        session.status = "expired"
        if session.intent is not None:
            self._let_go(session.intent, "automatic")
        self.tell("checkout.session.expired", session.shape())

    def _let_go(self, intent: Intent, reason: str | None) -> None:
        held, intent.capturable = intent.capturable, 0
        intent.status, intent.reason = "canceled", reason
        if held:
            self.write("released", intent, held)
        self.tell("payment_intent.canceled", intent.shape())

    def write(self, what: str, intent: Intent, amount: int) -> None:
        entry = {"what": what, "payment": intent.id, "session": intent.session, "checkout": intent.checkout}
        self.ledger.append(entry | {"amount": amount, "currency": intent.currency, "at": self.now()})
