"""The record of one checkout, and `CheckoutRepository`, the port of its storage."""

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.cart import CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, PaymentMethod
from storefront_mcp.records.audit import AuditEntry

State = Literal[
    "open", "closing", "authorizing", "authorized", "placing", "unknown", "capturing", "releasing",
    "placed", "failed", "expired", "canceled", "needs_human",
]  # fmt: skip
"""`states.TRANSITIONS` has the transitions."""


class PersonalDetails(Struct, frozen=True, kw_only=True):
    """Personal data: encrypted at rest, erased after the retention, never logged."""

    draft: OrderDraft
    order: Order | None = None
    """With its access token."""


class CheckoutStep(Struct, frozen=True):
    """One change of state, and its moment in Unix seconds."""

    state: State
    at: float


class Checkout(Struct, frozen=True, kw_only=True):
    """One checkout. Times are Unix seconds."""

    id: str
    store: StoreId
    cart: str
    """Digest of the cart's handle; unique among live checkouts."""
    upstream: CartId
    """The backend's id of the frozen cart: a secret."""
    pay_key: str
    """Digest of the token in the payment page's address."""
    request: str
    """Keyed digest of cart and draft; the same request finds the same checkout."""
    owner: str = ""
    """Subject of the signed-in customer whose checkout it is; empty for whoever has its id."""
    grant: str = ""
    """Of the customer in whose name the order is made; empty for an order of a guest."""
    state: State = "open"
    fence: int = 0
    """Fencing token: grows with every lease, and a write with an older one fails."""
    lease_until: float = 0.0
    due_at: float | None = None
    """When the reconciler advances it next; None when nothing is left to do."""
    created_at: float
    expires_at: float
    since: float
    """When its present state began."""
    paid_at: float | None = None
    """When the buyer had paid, or had confirmed an order without payment."""
    looks: int = 0
    """Steps without a change of state since then, for the backoff."""
    ended_at: float | None = None
    steps: tuple[CheckoutStep, ...] = ()
    """Its changes of state, the oldest first; the newest `states.MAX_STEPS` of them."""

    lines: tuple[CartLine, ...]
    totals: CartTotals
    before: Money | None = None
    """The total that was shown before, when it has changed since."""
    method_title: str = ""
    """Of the shipping method."""
    settle_by: str
    """The shop's code of the payment method."""
    settles: Literal["provider", "free", "offline"] = "provider"
    """offline: paid outside, after the order. The buyer may change it while it is open."""
    offline: tuple[PaymentMethod, ...] = ()
    """Payment methods that the buyer may choose instead of the provider."""
    online: bool = True
    """Whether the provider can be chosen."""

    session: str | None = None
    """Id of the provider's session, once it is known."""
    session_try: int = 0
    """Number of the session, part of its idempotency key; 0 before the first."""
    session_until: int = 0
    """Expiry that the session was requested with; like `session_amount`, the same in every repetition."""
    session_amount: Money | None = None
    session_over: bool = True
    """Whether the session of this number has ended, or was never opened."""
    declined: bool = False
    payment: str | None = None
    """Id of the provider's payment."""
    taken: Money | None = None
    """What was charged where that is wrong: there is no order, or its total is another."""
    token_try: int = 0
    """Number of the payment by a token, part of its idempotency keys; 0 before the first."""
    challenged: bool = False
    """Whether the buyer's bank wanted to see the buyer, so that only the provider's page takes the payment."""
    closing_to: Literal["expired", "canceled"] | None = None
    """State after `closing` when the session ended unpaid."""

    place_try: int = 0
    """Number of place-order calls."""
    asked_shop_at: float | None = None
    """Time of the last of them, committed before the call."""
    over: bool = False
    """Whether that call has surely ended."""
    order_number: str | None = None
    order_total: Money | None = None
    """The order's total, where it is another than the one agreed; what is captured then."""
    reason: str | None = None
    """Why it ended, or what went wrong, for buyer and agent; without personal data."""
    problem: str | None = None
    """The same for the operator, and what to do."""

    confirms_by_mail: bool = False
    """Whether its order is confirmed by mail, which is queued when it is `placed`."""
    personal: PersonalDetails | None = None
    """None once erased."""

    @property
    def method(self) -> PaymentMethod | None:
        """The payment method outside the provider that the buyer chose."""
        chosen = self.offline if self.settles == "offline" else ()
        return next((method for method in chosen if method.code == self.settle_by), None)

    @property
    def live(self) -> bool:
        """Whether it is in no terminal state, so that no other checkout of its cart may open."""
        return self.state not in {"placed", "failed", "expired", "canceled"}


BUSY: Final = "{id} is being worked on at this moment. Try again in a minute."
"""What an operator is told of a checkout that another worker holds."""


class LeaseLost(Exception):
    """Another worker holds the lease; nothing was written."""


class KeyConflict(Exception):
    """The idempotency key was sent with the same cart for another request."""


class CheckoutRepository(Protocol):
    """Storage of checkouts, shared by every worker; each method is one transaction, durable before it returns."""

    async def open(self, checkout: Checkout, *, key: str | None = None) -> Checkout:
        """Insert a checkout; if its cart has a live one or knows `key` (a digest), return that one instead.

        Raises KeyConflict when the cart knows `key` for another `request`.
        """

    async def find(self, store: StoreId, id_: str) -> Checkout | None:
        """By its id."""

    async def crowding(self, store: StoreId) -> Sequence[str]:
        """Ids of open checkouts of a store that are too many: the oldest of the request's client, and of all."""

    async def find_by_pay_key(self, store: StoreId, pay_key: str) -> Checkout | None:
        """By the digest of its payment page's token."""

    async def find_by_key(self, store: StoreId, cart: str, key: str) -> Checkout | None:
        """By the digests of a cart and of an idempotency key that was sent with it."""

    async def find_by_cart(self, store: StoreId, cart: str) -> Checkout | None:
        """The newest checkout of a cart, live or not."""

    async def lease(self, id_: str, *, now: float, seconds: float) -> Checkout | None:
        """Lease a checkout and increment its fence. None when it is leased already or unknown."""

    async def write(self, checkout: Checkout, *, release: bool = False, entry: AuditEntry | None = None) -> None:
        """Update every field if the fence is unchanged; `release` ends the lease.

        `entry` goes into the audit with it. Raises LeaseLost, and then nothing was written.
        """

    async def mark_due(self, store: StoreId, id_: str, *, now: float) -> None:
        """Make it due now, even one that has ended. Needs no lease."""

    async def due(self, *, now: float, limit: int) -> Sequence[str]:
        """Ids that are due and not leased, the longest due first."""

    async def list_by_state(
        self, store: StoreId | None, states: Sequence[State], *, limit: int, made_before: float | None = None
    ) -> Sequence[Checkout]:
        """Checkouts in these states, newest first, without personal data. All stores when `store` is None.

        `made_before` is in Unix seconds.
        """

    async def keep_event(self, provider: str, event: str, *, store: StoreId, checkout: str | None, now: float) -> bool:
        """Record a provider's event; whether it is new."""

    async def erase(self, *, before: dt.datetime) -> int:
        """Erase personal data, keys and events of checkouts that ended before; the number of checkouts."""
