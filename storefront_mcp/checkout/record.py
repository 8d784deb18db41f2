"""The record of one checkout, and the port of where records are kept."""

import datetime as dt
from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from storefront_mcp.calls.audit import Entry
from storefront_mcp.commerce.cart import Line, Totals
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId, StoreId
from storefront_mcp.commerce.order import Order, OrderDraft, PaymentMethod

State = Literal[
    "open", "closing", "authorized", "placing", "unknown", "capturing", "releasing",
    "placed", "failed", "expired", "canceled", "needs_human",
]  # fmt: skip
"""See `states` for what leads where."""


class Personal(Struct, frozen=True, kw_only=True):
    """What must be encrypted at rest, erased in time, and never logged."""

    draft: OrderDraft
    order: Order | None = None
    """With its access token."""


class Checkout(Struct, frozen=True, kw_only=True):
    """One checkout. Times are Unix seconds."""

    id: str
    store: StoreId
    cart: str
    """Digest of the cart's handle: at most one live checkout has it."""
    upstream: CartId
    """The backend's id of the frozen cart: a secret."""
    pay_key: str
    """Digest of the token in the payment page's address."""
    request: str
    """Keyed digest of what was asked for; the same wish finds the same checkout."""
    state: State = "open"
    fence: int = 0
    """Grows with every lease; a writer with an older one is too late."""
    lease_until: float = 0.0
    due_at: float | None = None
    """When the reconciler looks next; None when there is nothing left to do."""
    created_at: float
    expires_at: float
    since: float
    """When its present state began."""
    paid_at: float | None = None
    """When the buyer had paid, or had confirmed an order without payment."""
    looks: int = 0
    """How many times the reconciler looked in vain since then."""
    ended_at: float | None = None

    lines: tuple[Line, ...]
    totals: Totals
    before: Money | None = None
    """The total that was shown before, when it has changed since."""
    method_title: str = ""
    """Of the shipping method."""
    settle_by: str
    """The shop's code for the way to pay."""
    settles: Literal["provider", "free", "offline"] = "provider"
    """Offline: the operator lets the order come first. The buyer may still choose while it is open."""
    offline: tuple[PaymentMethod, ...] = ()
    """What the buyer may choose instead of the provider."""
    online: bool = True
    """Whether the provider can be chosen."""

    session: str | None = None
    """The provider's page, once it has answered."""
    session_try: int = 0
    """Number of the page; the provider's key is made of it. 0 before the first."""
    session_until: int = 0
    """When the page was asked to close; like the amount part of what was sent, so the same in every repetition."""
    session_amount: Money | None = None
    session_over: bool = True
    """Whether the page of this number is known to be closed, or was never made."""
    declined: bool = False
    payment: str | None = None
    """The provider's id of the money."""
    closing_to: Literal["expired", "canceled"] | None = None
    """Where `closing` leads when the page was closed before anybody paid."""

    place_try: int = 0
    """How many times the shop was asked to make the order."""
    asked_shop_at: float | None = None
    """When it was last asked: committed before the call."""
    over: bool = False
    """Whether the last call has surely ended."""
    order_number: str | None = None
    reason: str | None = None
    """Why it ended, or what went wrong, for the buyer and the agent: no personal data."""
    problem: str | None = None
    """For the operator: what was seen and what to do."""

    personal: Personal | None = None
    """None once erased."""

    @property
    def live(self) -> bool:
        """Whether it still holds its cart."""
        return self.state not in {"placed", "failed", "expired", "canceled"}


class LeaseLost(Exception):
    """Somebody else works on this checkout now: stop, and touch nothing more."""


class KeyTaken(Exception):
    """The idempotency key was used for another wish."""


class Records(Protocol):
    """Where checkouts are kept: durable before a method returns, shared by every worker."""

    async def open(self, checkout: Checkout, *, key: str | None = None) -> Checkout:
        """Write a new checkout, unless its cart has a live one or `key` (a digest) is known: then that one is answered.

        Raises KeyTaken when `key` is known for another `request`.
        """

    async def find(self, store: StoreId, id_: str) -> Checkout | None:
        """By its id."""

    async def of_pay_key(self, store: StoreId, pay_key: str) -> Checkout | None:
        """By the digest of its payment page's token."""

    async def of_key(self, store: StoreId, key: str) -> Checkout | None:
        """By an idempotency key's digest."""

    async def of_cart(self, store: StoreId, cart: str) -> Checkout | None:
        """The newest checkout of a cart, live or not."""

    async def lease(self, id_: str, *, now: float, seconds: float) -> Checkout | None:
        """Take the checkout for yourself: its fence grows. None when somebody else holds it, or it does not exist."""

    async def write(self, checkout: Checkout, *, let_go: bool = False, entry: Entry | None = None) -> None:
        """Write every field, in one transaction, if the fence is still ours; `let_go` ends the lease.

        `entry` goes into the audit with it. Raises LeaseLost, and then nothing was written.
        """

    async def hasten(self, store: StoreId, id_: str, *, now: float) -> None:
        """Let the reconciler look at once, also at one that has ended. No lease needed."""

    async def due(self, *, now: float, limit: int) -> Sequence[str]:
        """Ids whose time has come and whom nobody holds, the longest due first."""

    async def needing(self, store: StoreId | None, states: Sequence[State], *, limit: int) -> Sequence[Checkout]:
        """Checkouts in these states, newest first, for an operator. Without personal data."""

    async def keep_event(self, provider: str, event: str, *, store: StoreId, checkout: str | None, now: float) -> bool:
        """Write an event down; whether it is new."""

    async def erase(self, *, before: dt.datetime) -> int:
        """Erase the personal data of checkouts that ended before, and their keys and events; how many."""
