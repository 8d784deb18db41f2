"""Dependencies and policy of one store's checkouts, and the keyed digests that records hold."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.checkout.record import Checkout, CheckoutRepository
from storefront_mcp.commerce.accounts import CustomerAccounts
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.provider import PaymentProvider
from storefront_mcp.roadmap.terms import FlipTerms

MIN_PAGE_LIFETIME_SECONDS: Final = 35 * 60
"""Seconds that a payment page must be open at least; providers want half an hour, by their own clock."""
MAX_PAGE_LIFETIME_SECONDS: Final = 24 * 3600 - 5 * 60


class CheckoutPolicy(Struct, frozen=True, kw_only=True):
    """What an operator sets about checkouts."""

    method: str = ""
    """The shop's code of the payment method for orders that are paid at the provider."""
    offline: tuple[str, ...] = ()
    """The shop's codes of payment methods that are paid outside, after the order."""
    instructions: Mapping[str, str] = {}
    """How buyers pay by each of them, for those buyers."""
    sends_mail: bool = False
    """Whether buyers get a confirmation by e-mail."""
    lifetime_seconds: float = 6 * 3600.0
    """How long a buyer has to pay."""
    settle_seconds: float = 90.0
    """After an unclear answer of the shop: until that call has surely ended."""
    lease_seconds: float = 120.0
    """Duration of a lease; longer than any single call."""
    place_timeout_seconds: float = 45.0
    """Upper bound of the place-order call."""
    poll_seconds: float = 15.0
    """Between two polls of an open payment page."""
    lease_wait_seconds: float = 5.0
    """How long a request waits for a lease that another worker holds."""
    retry_seconds: float = 24 * 3600.0
    """How long an authorized or unknown checkout is retried before it is released, or needs an operator."""


class CheckoutContext(Struct, frozen=True, kw_only=True):
    """Dependencies of one store's checkouts."""

    store: Store
    backend: ShopBackend
    provider: PaymentProvider | None
    records: CheckoutRepository
    policy: CheckoutPolicy
    secret: bytes
    """Key of page tokens and digests, shared by all workers."""
    now: Callable[[], float]
    """Unix seconds."""
    payment_stop: Callable[[], FlipTerms | None] = lambda: None
    """Why nobody can pay now; None as long as checkouts can be paid."""
    accounts: CustomerAccounts | None = None
    """None where customers cannot sign in."""

    def handle_secret(self, id_: str, cart: CartId) -> str:
        """The part of an agent's checkout id that no record holds: 128 bits of an HMAC over the cart's handle.

        The same in every worker and after every repetition, and known to nobody who has only the database: that holds
        the key, and of the handle a digest.
        """
        return _base64(self._mac(b"handle", id_.encode(), cart.encode())[:16])

    def pay_token(self, id_: str, secret: str) -> str:
        """The token in a payment page's URL, derived from the secret part of the agent's checkout id."""
        return _base64(self._mac(b"pay", id_.encode(), secret.encode())[:24])

    def known_token(self, checkout: Checkout, secret: str) -> str | None:
        """The token whose digest is on record, by the secret part; None when that is missing or wrong."""
        # Checkouts that an older version opened have a token that depends on their id alone.
        former = _base64(self._mac(b"pay", checkout.id.encode())[:24])
        tokens = (self.pay_token(checkout.id, secret), former)
        return next((token for token in tokens if hmac.compare_digest(pay_key(token), checkout.pay_key)), None)

    def pay_url(self, token: str) -> str:
        """URL of the payment page."""
        return self.store.url(f"/pay/{token}")

    def request_digest(self, cart: CartId, draft: OrderDraft, customer: str = "") -> str:
        """Digest of cart, draft and whose name it is in; keyed, so that addresses cannot be found by guessing."""
        parts = (cart.encode(), msgspec.json.encode(draft), *([customer.encode()] if customer else []))
        return self._mac(b"wish", *parts).hex()

    def key_digest(self, key: str) -> str:
        """Digest of an idempotency key."""
        return self._mac(b"key", key.encode()).hex()

    def cart_digest(self, handle: CartId) -> str:
        """Digest of a cart's handle, which is a secret."""
        return self._mac(b"cart", handle.encode()).hex()

    def _mac(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(4) + part for part in (self.store.id.encode(), *parts))
        return hmac.digest(self.secret, framed, "sha256")


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def pay_key(token: str) -> str:
    """SHA-256 of a payment page's token, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def provider_key(checkout: Checkout, name: str, number: int = 1) -> str:
    """The provider's idempotency key of a step, the same at every repetition."""
    return f"{checkout.id}:{name}:{number}"
