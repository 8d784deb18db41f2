"""What a protocol asks of a checkout session, and what it is told."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import asdict

from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.checkout_sessions.record import SessionAddress, SessionBuyer, SessionProblem
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.shipping import ShippingMethod

MAX_LINES: Final = 100
"""Of one request: each may take several calls of the shop."""
MAX_CODES: Final = 10
MAX_TEXT_CHARS: Final = 500
"""Of any one text of a request; what the shop takes is shorter."""

SessionStatus = Literal["incomplete", "requires_escalation", "in_progress", "completed", "canceled", "expired"]
"""incomplete: `problems` say what is missing. requires_escalation: a person has to open `continue_url`. in_progress:
paid or confirmed, the order is being made. completed: there is an order. canceled and expired: over, without one."""


class WantedLine(Struct, frozen=True, kw_only=True):
    """A line that the cart should have."""

    sku: str
    quantity: int
    """0: none of it."""
    line_id: str | None = None
    """The line of the cart that is meant, where it is known."""
    options: Mapping[str, str | Sequence[str]] = {}
    """Custom options of a new line: option id to text, value id or value ids."""


class SessionRequest(Struct, frozen=True, kw_only=True):
    """What is known, or to be changed. None: unchanged; an empty tuple: none at all."""

    lines: tuple[WantedLine, ...] | None = None
    cart_id: str | None = None
    """Of `create`: a cart to go on with, whose lines and codes count."""
    buyer: SessionBuyer | None = None
    destination: SessionAddress | None = None
    option: str | None = None
    """Code of a shipping method; an empty text takes the choice back."""
    codes: tuple[str, ...] | None = None


class SessionState(Struct, frozen=True, kw_only=True):
    """A checkout session as it is now."""

    id: str
    status: SessionStatus
    cart: Cart
    """With the totals of the order, once there is a checkout."""
    buyer: SessionBuyer | None = None
    destination: SessionAddress | None = None
    methods: tuple[ShippingMethod, ...] = ()
    option: str | None = None
    codes: tuple[str, ...] = ()
    checkout: CheckoutView | None = None
    problems: tuple[SessionProblem, ...] = ()
    continue_url: str | None = None
    """Where a person goes on: the payment page, or before that a page with the cart."""
    order_url: str | None = None
    """A page that tells the order's number, once there is an order; None where there are no such pages."""
    expires_at: str | None = None
    """ISO 8601, UTC; None once it is over."""


def check_bounds(request: SessionRequest) -> None:
    """Refuse what nobody means, before anything of it is kept. Raises ArgumentsRefused, which names the field."""
    lines, codes = request.lines or (), request.codes or ()
    for name, values, most in (("lines", lines, MAX_LINES), ("codes", codes, MAX_CODES)):
        if len(values) > most:
            message = f"{name}: wanted at most {most}, got {len(values)}"
            raise ArgumentsRefused(message)
    texts = {"option": request.option or "", **{f"codes[{place}]": code for place, code in enumerate(codes)}}
    for part in ("buyer", "destination"):
        known: SessionBuyer | SessionAddress | None = getattr(request, part)
        texts |= {} if known is None else {f"{part}.{name}": text for name, text in asdict(known).items()}
    for name, text in texts.items():
        if len(text) > MAX_TEXT_CHARS:
            message = f"{name}: wanted at most {MAX_TEXT_CHARS} characters, got {len(text)}"
            raise ArgumentsRefused(message)
