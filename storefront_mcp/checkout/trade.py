"""What the checkouts of one store work with: the shop, the provider, the records, and the operator's terms."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.checkout.record import Checkout, Records
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import OrderDraft
from storefront_mcp.commerce.store import Store
from storefront_mcp.payments.port import Provider

PAGE_LEAST: Final = 31 * 60
"""Seconds that a payment page must be open at least; providers want half an hour."""
PAGE_MOST: Final = 24 * 3600 - 60


class Terms(Struct, frozen=True, kw_only=True):
    """How an operator wants checkouts to go; times in seconds."""

    method: str = ""
    """The shop's code for orders that are paid at the provider."""
    offline: tuple[str, ...] = ()
    """The shop's codes of ways to order first and pay outside."""
    lasts: float = 6 * 3600.0
    """How long a buyer has to pay."""
    settle: float = 90.0
    """After an unclear answer of the shop: how long until the call cannot be running any more."""
    lease: float = 120.0
    """How long a worker may be silent before another one takes over; longer than any single call."""
    call: float = 45.0
    """The longest that asking the shop for an order can take."""
    poll: float = 15.0
    """Between two looks at an open payment page."""
    wait: float = 5.0
    """How long a request waits for a checkout that somebody else is working on."""
    patience: float = 24 * 3600.0
    """How long an authorized or unclear checkout is tried before it is released, or handed to a person."""


class Trade(Struct, frozen=True, kw_only=True):
    """One store's collaborators."""

    store: Store
    backend: Backend
    provider: Provider | None
    records: Records
    terms: Terms
    secret: bytes
    """Shared by all workers: addresses of payment pages and digests of wishes are made with it."""
    now: Callable[[], float]
    """Unix seconds."""

    def pay_token(self, id_: str) -> str:
        """The last part of a payment page's address: 192 bits that nobody can guess, the same in every worker."""
        return base64.urlsafe_b64encode(self._mac(b"pay", id_.encode())[:24]).decode()

    def pay_url(self, id_: str) -> str:
        """Where the buyer pays."""
        return self.store.url(f"/pay/{self.pay_token(id_)}")

    def wish(self, cart: CartId, draft: OrderDraft) -> str:
        """Digest of what an agent asks for. Keyed, since addresses could be guessed and tried otherwise."""
        return self._mac(b"wish", cart.encode(), msgspec.json.encode(draft)).hex()

    def key(self, key: str) -> str:
        """Digest of an idempotency key."""
        return self._mac(b"key", key.encode()).hex()

    def cart(self, handle: CartId) -> str:
        """Digest of a cart's handle: who reads the record must not get the cart."""
        return self._mac(b"cart", handle.encode()).hex()

    def _mac(self, *parts: bytes) -> bytes:
        framed = b"".join(len(part).to_bytes(4) + part for part in (self.store.id.encode(), *parts))
        return hmac.digest(self.secret, framed, "sha256")


def pay_key(token: str) -> str:
    """What is written down of a payment page's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def step(checkout: Checkout, name: str, number: int = 1) -> str:
    """The provider's idempotency key of a step: the same whenever the step is taken again."""
    return f"{checkout.id}:{name}:{number}"
