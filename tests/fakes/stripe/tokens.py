"""Shared payment tokens that agents granted to the account, and the payments that they confirm."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from tests.fakes.stripe.ledger import HOLD, Books, Intent
from tests.fakes.stripe.refusals import Refused, unexpected

PREVIEW = ".preview"
"""The end of the versions that know tokens at all."""


class Granted(Struct, frozen=True, kw_only=True):
    """A token as a test grants it. `card`: what the bank says: `good`, `declined` or `challenged`."""

    id: str
    currency: str = "aud"
    max_amount: int = 100_000
    expires_in: float = 3600.0
    card: str = "good"
    seller: str = "profile_test_pickle"
    deactivated: str | None = None
    """Why it is no longer good: `revoked`, `consumed`, `expired`, `resolved`."""
    sours: str | None = None
    """Code of the error that it is refused with when it confirms, though it looked good when it was read."""


@dataclass
class Tokens:
    """The tokens of an account. One pays once."""

    books: Books
    clock: Callable[[], float]
    seller: str = "profile_test_pickle"
    granted: dict[str, Granted] = field(default_factory=dict)
    expiry: dict[str, float] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)
    """Token to the payment that it confirmed."""

    def grant(self, token: Granted) -> None:
        self.granted[token.id] = token
        self.expiry[token.id] = self.clock() + token.expires_in

    def shape(self, id_: str) -> dict[str, Any]:
        """As Stripe writes it. One of another seller is not there at all."""
        token = self.granted.get(id_)
        if token is None or token.seller != self.seller:
            raise Refused(f"No such shared_payment_granted_token: {id_}", code="resource_missing", status=404)
        reason = "consumed" if id_ in self.used else token.deactivated
        return {
            "id": id_,
            "object": "shared_payment.granted_token",
            "agent_details": {"network_business_profile": "profile_test_agent"},
            "deactivated_at": int(self.clock()) if reason else None,
            "deactivated_reason": reason,
            "livemode": False,
            "usage_details": {"amount_captured": {"currency": token.currency, "value": 0}},
            "usage_limits": {
                "currency": token.currency,
                "expires_at": int(self.expiry[id_]),
                "max_amount": token.max_amount,
            },
        }

    def create(self, asked: dict[str, Any]) -> Intent:
        """A payment without a page, which holds nothing yet."""
        if asked.get("capture_method") != "manual" or asked.get("confirm"):
            raise Refused("This account only knows manual capture, and confirms afterwards.", param="capture_method")
        if asked.get("automatic_payment_methods", {}).get("allow_redirects") != "never":
            raise Refused("You must provide a `return_url`.", param="return_url")
        intent = Intent(
            id=f"pi_{len(self.books.intents) + 1:08}",
            session="",
            amount=asked["amount"],
            currency=asked["currency"],
            metadata=asked.get("metadata", {}),
            created=self.books.now(),
        )
        self.books.intents[intent.id] = intent
        self.books.tell("payment_intent.created", intent.shape())
        return intent

    def confirm(self, intent: Intent, id_: str | None) -> None:
        if intent.status != "requires_payment_method":
            message = f"You cannot confirm this PaymentIntent because it has a status of {intent.status}."
            raise unexpected(message, "payment_intent_unexpected_state")
        self._check(intent, id_)
        token = self.granted[id_ or ""]
        if token.card == "challenged":
            intent.status = "requires_action"
            self.books.tell("payment_intent.requires_action", intent.shape())
            return
        if token.card == "declined":
            intent.error = {"type": "card_error", "code": "card_declined"}
            self.books.tell("payment_intent.payment_failed", intent.shape())
            raise Refused("Your card was declined.", code="card_declined", status=402, kind="card_error", kept=True)
        self.used[token.id] = intent.id
        intent.status, intent.capturable = "requires_capture", intent.amount
        intent.capture_before = self.books.now() + HOLD
        heapq.heappush(self.books.deadlines, (intent.capture_before, intent.id))
        self.books.write("authorized", intent, intent.amount)
        self.books.tell("payment_intent.amount_capturable_updated", intent.shape())

    def _check(self, intent: Intent, id_: str | None) -> None:
        """What Stripe looks at itself when a token confirms."""
        token = self.granted.get(id_ or "")
        if token is None:
            raise unexpected("No such shared_payment_granted_token.", "resource_missing")
        code = token.sours
        if token.seller != self.seller:
            code = "spt_seller_mismatch"
        elif token.deactivated or token.id in self.used:
            code = "spt_revoked"
        elif self.expiry[token.id] <= self.clock():
            code = "spt_expired"
        elif token.currency != intent.currency or token.max_amount < intent.amount:
            code = "spt_max_amount_exceeded"
        if code is not None:
            raise unexpected("The shared payment token cannot be used.", code)
