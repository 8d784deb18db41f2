"""A checkout in words: for the agent that polls it, and for the buyer who pays."""

import datetime as dt
from typing import Final

from storefront_mcp.checkout.paying import BilledLine, PayPage, PayState
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.checkout.trade import Trade
from storefront_mcp.commerce.checkout import CheckoutShown, CheckoutStatus, OrderShown
from storefront_mcp.commerce.order import OrderProgress

STATUS: Final[dict[State, CheckoutStatus]] = {
    "open": "requires_escalation",
    "closing": "complete_in_progress",
    "authorized": "complete_in_progress",
    "placing": "complete_in_progress",
    "unknown": "complete_in_progress",
    "capturing": "complete_in_progress",
    "releasing": "complete_in_progress",
    "needs_human": "complete_in_progress",
    "placed": "completed",
    "failed": "failed",
    "expired": "canceled",
    "canceled": "canceled",
}
PAGE: Final[dict[State, PayState]] = {
    "open": "open",
    "closing": "confirming",
    "authorized": "ordering",
    "placing": "ordering",
    "unknown": "ordering",
    "capturing": "ordering",
    "releasing": "ordering",
    "needs_human": "attention",
    "placed": "ordered",
    "failed": "refused",
    "expired": "expired",
    "canceled": "canceled",
}
NEXT: Final[dict[State, str]] = {
    "open": "Give the buyer continue_url to pay there, then call get_order_status with checkout_id.",
    "closing": "The payment page is being closed. Call get_order_status again in a few seconds.",
    "authorized": "The buyer has paid and the shop is taking the order. Call get_order_status in a few seconds.",
    "placing": "The buyer has paid and the shop is taking the order. Call get_order_status in a few seconds.",
    "unknown": "The buyer has paid; whether the shop took the order is being checked. Do not order again; call "
    "get_order_status in a minute.",
    "capturing": "The order is made and its payment is being completed. Call get_order_status in a few seconds.",
    "releasing": "The order could not be made; the payment is being released. Call get_order_status in a few seconds.",
    "needs_human": "The shop's staff has to look at this order. Do not order again; tell the buyer to contact the shop "
    "and name checkout_id.",
    "placed": "Done: tell the buyer. The shop sends the confirmation by e-mail.",
    "failed": "There is no order and nothing was charged. Look at the cart with view_cart before ordering again.",
    "expired": "It was not paid in time and nothing was charged. place_order starts anew.",
    "canceled": "It was given up and nothing was charged. place_order starts anew.",
}
DRY: Final = "Nothing is in the way. Show the buyer the totals, then call place_order without dry_run."


def shown(trade: Trade, checkout: Checkout, progress: OrderProgress | None = None) -> CheckoutShown:
    """For the agent."""
    placed = checkout.state == "placed"
    order = OrderShown(number=checkout.order_number) if placed else None
    if placed and progress is not None:
        order = OrderShown(number=progress.number, status=progress.status, parcels=progress.parcels)
    payable = checkout.state == "open"
    return CheckoutShown(
        checkout_id=checkout.id,
        status=STATUS[checkout.state],
        next_step=NEXT[checkout.state],
        totals=checkout.totals,
        continue_url=trade.pay_url(checkout.id) if payable else None,
        expires_at=moment(checkout.expires_at) if payable else None,
        order=order,
        notice=checkout.reason,
    )


def page(trade: Trade, checkout: Checkout) -> PayPage:
    """For the buyer. Somebody who only found the address learns no name, street or e-mail address."""
    state = PAGE[checkout.state]
    if state == "open" and trade.now() >= checkout.expires_at:
        state = "expired"
    draft = checkout.personal and checkout.personal.draft
    to = draft.shipping_address if draft else None
    return PayPage(
        checkout_id=checkout.id,
        state=state,
        lines=tuple(
            BilledLine(name=line.name, quantity=line.quantity, total=line.total, options=line.options)
            for line in checkout.lines
        ),
        totals=checkout.totals,
        before=checkout.before,
        online=checkout.online,
        offline=checkout.offline,
        declined=checkout.declined,
        email=masked(draft.email) if draft else "",
        ships_to=f"{to.city}, {to.country}" if to else "",
        ships_by=checkout.method_title,
        order_number=checkout.order_number,
        reason=checkout.reason,
        expires_at=int(checkout.expires_at),
    )


def masked(email: str) -> str:
    """An e-mail address that its owner recognises.

    >>> masked("ada@example.com")
    'a…@example.com'
    """
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"


def moment(seconds: float) -> str:
    """ISO 8601 in UTC, to the second."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
