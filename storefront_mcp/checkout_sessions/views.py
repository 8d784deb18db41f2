"""What a protocol is told of a session."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.calls.error_texts import without_tool_names
from storefront_mcp.checkout.views import iso_timestamp
from storefront_mcp.checkout_sessions.ordering import goods_digest
from storefront_mcp.checkout_sessions.problems import CHECKOUT_CLOSED, ORDER_FAILED, PAYMENT_REQUIRED
from storefront_mcp.checkout_sessions.record import CheckoutSession, SessionProblem
from storefront_mcp.checkout_sessions.state import SessionState, SessionStatus
from storefront_mcp.commerce.cart import Cart, CartTotals
from storefront_mcp.commerce.checkout import CheckoutStatus, CheckoutView
from storefront_mcp.commerce.money import Money

CHECKOUT_STATUSES: Final[Mapping[CheckoutStatus, SessionStatus]] = {
    "requires_escalation": "requires_escalation",
    "complete_in_progress": "in_progress",
    "completed": "completed",
}
"""What a session is by its checkout; without one, or with one that ended without an order, it is by itself."""
OVER_STATUSES: Final[frozenset[SessionStatus]] = frozenset({"completed", "canceled", "expired"})
CLOSED_TEXT: Final = "The payment page was closed before anybody paid. Send an update to go on."
PAY_TEXT: Final = "The buyer has to open continue_url and pay there."


def session_state(
    session: CheckoutSession,
    cart: Cart,
    checkout: CheckoutView | None,
    problems: Sequence[SessionProblem],
    *,
    now: float,
) -> SessionState:
    """The state of a session; `continue_url` is that of its checkout, or of a page that a problem names.

    The page of an item that needs options is not meant: the cart's page takes them, and names it.

    `now` is in Unix seconds.
    """
    status = _status(session, checkout, problems, now)
    told = list(problems)
    shown = None
    if checkout is not None and checkout.status in CHECKOUT_STATUSES and status not in {"canceled", "expired"}:
        shown = checkout
    elif checkout is not None and status not in OVER_STATUSES:
        code = ORDER_FAILED if checkout.status == "failed" else CHECKOUT_CLOSED
        told.append(SessionProblem(code=code, text=without_tool_names(checkout.notice or "") or CLOSED_TEXT))
    if shown is not None and status == "requires_escalation":
        told.append(SessionProblem(code=PAYMENT_REQUIRED, text=PAY_TEXT, kind="buyer_input"))
    pages = (one.url for one in told if one.kind == "buyer_input" and one.url and one.item is None)
    over = status in OVER_STATUSES
    until = shown.expires_at if shown is not None and shown.expires_at else iso_timestamp(session.expires_at)
    return SessionState(
        id=session.id,
        status=status,
        cart=replace(
            cart, cart_id=session.cart, totals=_with_shipping(cart, session) if shown is None else shown.totals
        ),
        buyer=None if over else session.details.buyer,
        destination=None if over else session.details.destination,
        methods=session.methods,
        option=session.option,
        codes=session.codes,
        checkout=shown,
        problems=tuple(told),
        continue_url=None if over else next(pages, None) if shown is None else shown.continue_url,
        expires_at=None if over else until,
    )


def _with_shipping(cart: Cart, session: CheckoutSession) -> CartTotals:
    """The cart's totals with the chosen way of shipping, as it was quoted for these goods, until the order has its own.

    The shop's own figure stays where it has one, and where gift cards may pay for the shipping too.
    """
    totals = cart.totals
    price = next((method.price for method in session.methods if method.code == session.option), None)
    if price is None or totals.shipping is not None or totals.gift_cards or price.currency != totals.total.currency:
        return totals
    if session.goods != goods_digest(cart):
        return totals
    return replace(totals, shipping=price, total=Money(totals.total.minor + price.minor, price.currency))


def _status(
    session: CheckoutSession, checkout: CheckoutView | None, problems: Sequence[SessionProblem], now: float
) -> SessionStatus:
    if session.ended == "canceled":
        return "canceled"
    if checkout is not None and checkout.status in CHECKOUT_STATUSES:
        return CHECKOUT_STATUSES[checkout.status]
    if session.ended:
        return session.ended
    if now >= session.expires_at:
        return "expired"
    return "requires_escalation" if any(one.kind == "buyer_input" for one in problems) else "incomplete"
