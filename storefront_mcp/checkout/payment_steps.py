"""Steps that talk to the payment provider: open, poll and expire a session, capture or release a payment.

Each can be repeated after a crash: what is sent is derived from the record, which was written before.
"""

import logging
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout.context import (
    MAX_PAGE_LIFETIME_SECONDS,
    MIN_PAGE_LIFETIME_SECONDS,
    CheckoutContext,
    provider_key,
)
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import needs_operator, transition
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopError
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderSettlement
from storefront_mcp.payments.provider import (
    Payment,
    PaymentProvider,
    PaymentSession,
    PaymentSessionRequest,
    ProviderRefused,
    RefusalCause,
)

log: Final = logging.getLogger(__name__)

NOT_PAID_REASON = "It was not paid in time."
WITHDRAWN_REASON = "The payment was withdrawn, so no order was made."
REFUSAL_REASONS: Final[Mapping[RefusalCause, str]] = {
    "too_small": "This total is too small to be paid online.",
    "too_large": "This total is too large to be paid online at once.",
    "step": "This total cannot be paid online, as its last decimal is not 0; another quantity or delivery may help.",
    "currency": "The payment provider does not take this currency.",
    "email": "The payment provider does not take the buyer's e-mail address. Ask the buyer for another one.",
    "expiry": "The payment page could not be opened in time.",
    "configuration": "The shop's payments are not set up correctly, so nobody can pay online now. Contact the shop.",
}
"""Why there is no payment page, for buyer and agent."""


def provider_of(context: CheckoutContext) -> PaymentProvider:
    """The store's provider. Raises RuntimeError when none is set up any more."""
    if context.provider is None:
        message = f"{context.store.id}: a checkout waits for a payment provider, and none is set up"
        raise RuntimeError(message)
    return context.provider


def plan_session(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """The checkout with the parameters of its next payment session; to be written before `open_session` is called."""
    now = context.now()
    until = min(max(checkout.expires_at, now + MIN_PAGE_LIFETIME_SECONDS), now + MAX_PAGE_LIFETIME_SECONDS)
    return replace(
        checkout,
        session=None,
        session_try=checkout.session_try + 1,
        session_until=int(until),
        session_amount=checkout.totals.total,
        session_over=False,
        declined=False,
        payment=None,
    )


async def open_session(
    context: CheckoutContext, checkout: Checkout, token: str
) -> tuple[Checkout, PaymentSession | None]:
    """Open the planned session, or get it again; None when the provider rejected it. Raises ProviderDown.

    `token` is that of the payment page, to which the provider leads back: only its buyer can open a session.
    """
    personal, amount = checkout.personal, checkout.session_amount
    if personal is None or amount is None:
        message = f"{checkout.id}: no payment page can be opened without its personal data"
        raise RuntimeError(message)
    wanted = PaymentSessionRequest(
        checkout=checkout.id,
        amount=amount,
        title=f"{context.store.name} order {checkout.id}",
        email=personal.draft.email,
        return_url=f"{context.pay_url(token)}?done=1",
        cancel_url=context.pay_url(token),
        expires_at=checkout.session_until,
    )
    try:
        session = await provider_of(context).open_session(
            wanted, key=provider_key(checkout, "session", checkout.session_try)
        )
    except ProviderRefused as refused:
        reason = REFUSAL_REASONS[refused.cause]
        return replace(checkout, session_over=True, reason=reason, problem=f"no payment page: {refused}"), None
    return replace(checkout, session=session.id, payment=session.payment), session


async def poll_session(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """Poll the session of an open checkout: it stays open, or becomes authorized."""
    checkout = _without_lost_session(checkout)
    if checkout.session_over or checkout.session is None:
        return checkout
    return await apply_session(context, checkout, await provider_of(context).session(checkout.session))


async def expire_session(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """Expire the session; a buyer who paid before leaves the checkout authorized."""
    checkout = _without_lost_session(checkout)
    if checkout.session_over or checkout.session is None:
        return checkout
    key = provider_key(checkout, "expire", checkout.session_try)
    return await apply_session(context, checkout, await provider_of(context).expire_session(checkout.session, key=key))


def _without_lost_session(checkout: Checkout) -> Checkout:
    """A session whose id is not on record is over for us: its URL was never given to anybody, so none can pay there."""
    return replace(checkout, session_over=True) if checkout.session is None else checkout


async def apply_session(context: CheckoutContext, checkout: Checkout, session: PaymentSession) -> Checkout:
    """Apply the state of a session. The payment decides, as a complete session may be ahead of its payment."""
    checkout = replace(checkout, declined=session.declined, payment=session.payment or checkout.payment)
    held = await provider_of(context).payment(checkout.payment) if checkout.payment else None
    if held is not None and held.state in {"authorized", "captured"}:
        return transition(checkout, "authorized", now=context.now(), paid_at=context.now(), session_over=True)
    if session.state == "expired" or (held is not None and held.state == "released"):
        return replace(checkout, session_over=True)
    return checkout


async def settle_token_payment(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `authorizing`: what is held counts; what is not held yet is canceled first, so that it never will be.

    No payment on record was confirmed by nobody: its id is written before.
    """
    now = context.now()
    payment = None
    if checkout.payment is not None:
        provider = provider_of(context)
        payment = await provider.payment(checkout.payment)
        if payment.state == "waiting":
            key = provider_key(checkout, "cancel", checkout.token_try)
            payment = await provider.release(checkout.payment, key=key)
    if payment is None or payment.state == "released":
        return transition(checkout, "open", now=now, payment=None)
    if payment.state in {"authorized", "captured"}:
        return transition(checkout, "authorized", now=now, paid_at=now)
    return checkout


async def fetch_payment(context: CheckoutContext, checkout: Checkout) -> Payment | None:
    """The payment at the provider; None when there is none."""
    if checkout.settles != "provider" or checkout.payment is None:
        return None
    return await provider_of(context).payment(checkout.payment)


async def capture_step(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `capturing`: there is an order, so its total is captured."""
    if checkout.payment is None:
        return transition(checkout, "placed", now=context.now())
    try:
        payment = await provider_of(context).capture(
            checkout.payment, key=provider_key(checkout, "capture"), amount=_part_to_capture(checkout)
        )
    except ProviderRefused as refused:
        return needs_operator(
            checkout, f"the order exists, and its payment cannot be taken: {refused}", now=context.now()
        )
    if payment.state == "captured":
        return await _mark_paid(
            context, _place_unless_mischarged(checkout, payment.amount, now=context.now()), checkout
        )
    if payment.state == "released":
        return needs_operator(
            checkout, "the order exists, and its payment was let go before it was taken", now=context.now()
        )
    return checkout


def _place_unless_mischarged(checkout: Checkout, taken: Money, *, now: float) -> Checkout:
    """The order's total was charged; a person looks at any other amount once, and has the last word."""
    total = checkout.order_total or checkout.totals.total
    if taken in {total, checkout.taken}:
        return transition(checkout, "placed", now=now)
    said = f"The order's total is {total}, and {taken} was charged."
    known = replace(checkout, taken=taken, reason=said)
    return needs_operator(known, f"{taken} was taken for an order of {total}: settle the difference", now=now)


async def _mark_paid(context: CheckoutContext, after: Checkout, before: Checkout) -> Checkout:
    """Tell the shop that the order is paid before the checkout ends so. Raises ShopDown: the step is repeated.

    A shop that refuses that is a person's matter once, and the person has the last word.
    """
    if after.state != "placed":
        return after
    was_looked_at = any(step.state == "needs_human" for step in before.steps)
    personal = before.personal
    order = Order(number=before.order_number) if personal is None or personal.order is None else personal.order
    settlement = OrderSettlement(method=before.settle_by, payment=before.payment, reference=before.id)
    try:
        await context.backend.mark_paid(order, settlement)
    except ShopError as failed:
        passes = isinstance(failed, ShopDown | ShopBusy)
        if passes and context.now() - before.since <= context.policy.retry_seconds:
            raise
        if not was_looked_at:
            problem = f"the money was taken, and the shop does not mark its order as paid: {failed.internal}"
            return needs_operator(before, problem, now=context.now())
        log.warning("%s: the shop does not mark its order as paid: %s", before.id, failed.internal)
    return after


def _part_to_capture(checkout: Checkout) -> Money | None:
    """The total of an order that is cheaper than what is held; None for all of that."""
    total = checkout.order_total
    return total if total is not None and total.minor < checkout.totals.total.minor else None


async def release_step(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `releasing`: there is surely no order, so the payment is released."""
    if checkout.settles != "provider" or checkout.payment is None:
        return transition(checkout, "failed", now=context.now())
    payment = await release_payment(context, checkout)
    if payment.state == "released":
        return transition(checkout, "failed", now=context.now())
    if payment.state == "captured":
        problem = f"there is no order, but {payment.amount} was taken: refund it at the provider"
        return needs_operator(replace(checkout, taken=payment.amount), problem, now=context.now())
    return checkout


async def release_payment(context: CheckoutContext, checkout: Checkout) -> Payment:
    """Release the payment and return it as it is after that."""
    provider, payment = provider_of(context), checkout.payment or ""
    try:
        return await provider.release(payment, key=provider_key(checkout, "release"))
    except ProviderRefused:
        # It may be captured or released already.
        return await provider.payment(payment)
