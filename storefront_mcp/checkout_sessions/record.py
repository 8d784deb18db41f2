"""The record of one checkout session, and `CheckoutSessionRepository`, the port of its storage."""

from typing import Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.commerce.shipping import ShippingMethod

ProblemKind = Literal["recoverable", "buyer_input", "unrecoverable", "warning"]
"""recoverable: another request mends it. buyer_input: only a person can, on a page. unrecoverable: start anew.
warning: nothing has to be done."""


class SessionBuyer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of the buyer; an empty text is not known."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""


class SessionAddress(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where to send it, as far as it is known; an empty text is not known."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street: str = ""
    """Lines, by newlines."""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2; a name or another code is understood, too."""
    phone: str = ""


class UnconfiguredItem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An item that is wanted, and not in the cart, as it needs options that only the buyer can give."""

    sku: str
    quantity: int
    name: str
    options: tuple[str, ...] = ()
    """Titles of those that are required; empty where the shop does not tell them."""


class SessionProblem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is in the way of an order, or is worth saying."""

    code: str
    """Of the error, as in `docs/errors.md`, or one of `checkout_sessions.problems`."""
    field: str = ""
    """What it is about: `lines[0]` or `codes[1]` of the request, `destination.postcode`, `option`, `buyer.email`."""
    text: str
    """For agent and buyer; names no tool."""
    kind: ProblemKind = "recoverable"
    line_id: str = ""
    """The line of the cart that it is about, where there is one."""
    url: str = ""
    """A page of the shop where a person can do what cannot be done here."""
    item: UnconfiguredItem | None = None
    """What is not in the cart, of `options_required`."""


class SessionDetails(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Personal data: encrypted at rest, erased when the session ends, never logged."""

    buyer: SessionBuyer | None = None
    destination: SessionAddress | None = None
    checkout_id: str = ""
    """Our checkout's whole id, with its secret part; empty while there is none."""
    quoted: str = ""
    """Digest of goods and address that the shipping methods are of."""
    placed: str = ""
    """Digest of what the checkout was made of."""


NO_DETAILS: Final = SessionDetails()


class CheckoutSession(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One checkout session: the newest of its cart. Times are Unix seconds."""

    store: StoreId
    cart: CartId
    """The cart's handle: a secret, of which only a digest is stored."""
    number: int = 1
    """Of the sessions of this cart."""
    protocol: str = ""
    version: str = ""
    platform: str = ""
    """Who began it, as the protocol says."""
    owner: str = ""
    """Identifier of the only caller who may ask for it; empty: whoever knows its id."""
    tells_orders: bool = False
    """Whether the order of its checkout is told to its owner's receiver."""
    ended: Literal["completed", "canceled", ""] = ""
    option: str | None = None
    """Code of the chosen shipping method."""
    codes: tuple[str, ...] = ()
    """Coupon codes as they were sent last."""
    methods: tuple[ShippingMethod, ...] = ()
    """Of the last quote."""
    problems: tuple[SessionProblem, ...] = ()
    """Of the last request."""
    open_problems: tuple[SessionProblem, ...] = ()
    """What was in the way of an order after it; it is looked at anew at each request."""
    checkout: str = ""
    """Our checkout's id without its secret part; empty while there is none."""
    attempt: int = 0
    """How often an order was prepared, part of the idempotency key."""
    goods: str = ""
    """Digest of the cart's lines as they were last seen."""
    snapshot: Cart | None = None
    """The cart as it was last seen, without its id."""
    expires_at: float
    fence: int = 0
    """Fencing token: grows with every lease, and a write with an older one fails."""
    lease_until: float = 0.0
    details: SessionDetails = NO_DETAILS
    """Empty once erased."""

    @property
    def id(self) -> str:
        """The session's id: whoever has the cart's handle can tell it, so it is as much of a secret."""
        return f"{self.cart}.{self.number}"


class SessionLeaseLost(Exception):
    """Another worker holds the lease; nothing was written."""


class CheckoutSessionRepository(Protocol):
    """Storage of checkout sessions, one for each cart, shared by every worker; each method is one transaction."""

    async def find(self, store: StoreId, cart: CartId) -> CheckoutSession | None:
        """The newest session of a cart."""

    async def insert(self, session: CheckoutSession) -> None:
        """Store the first session of a cart; nothing where there is one."""

    async def lease(self, store: StoreId, cart: CartId, *, now: float, seconds: float) -> CheckoutSession | None:
        """Lease a session and increment its fence. None when it is leased already or unknown."""

    async def write(self, session: CheckoutSession, *, release: bool = False) -> None:
        """Update every field if the fence is unchanged; `release` ends the lease.

        Raises SessionLeaseLost, and then nothing was written.
        """

    async def erase(self, *, now: float) -> int:
        """Erase personal data of sessions that have expired, and rows that are no longer told; the number of erased."""


def split_session_id(id_: str) -> tuple[CartId, int | None]:
    """The cart's handle and the number in a session's id; None where the handle alone was sent.

    >>> split_session_id("cart_abc.2")
    ('cart_abc', 2)
    """
    cart, dot, number = id_.rpartition(".")
    if not dot:
        return CartId(id_), None
    return CartId(cart), int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 0  # noqa: PLR2004
