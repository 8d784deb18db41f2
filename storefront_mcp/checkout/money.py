"""The steps that deal with the provider: open a payment page, close it, see what was paid, take it or let it go.

Each is safe to take again after a crash: what is sent is derived from the record, which was written before.
"""

from typing import Literal

from msgspec.structs import replace

from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import moved
from storefront_mcp.checkout.trade import PAGE_LEAST, PAGE_MOST, Trade, step
from storefront_mcp.payments.port import Payment, Provider, ProviderRefused, Session, SessionWanted

NOT_PAID = "It was not paid in time."
WITHDRAWN = "The payment was withdrawn, so no order was made."
NOT_TAKEN = "The payment provider does not take this total, so the order cannot be paid online. Contact the shop."


def provider_of(trade: Trade) -> Provider:
    """The provider of a store that has one. A checkout that needs one cannot do without: RuntimeError."""
    if trade.provider is None:
        message = f"{trade.store.id}: a checkout waits for a payment provider, and none is set up"
        raise RuntimeError(message)
    return trade.provider


def next_session(trade: Trade, checkout: Checkout) -> Checkout:
    """The intent to open the next payment page, to be written before `opened` is called."""
    now = trade.now()
    until = min(max(checkout.expires_at, now + PAGE_LEAST), now + PAGE_MOST)
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


async def opened(trade: Trade, checkout: Checkout) -> tuple[Checkout, Session | None]:
    """The payment page of the intent on record, made now or made before; None when the provider will not make it."""
    personal, amount = checkout.personal, checkout.session_amount
    if personal is None or amount is None:
        message = f"{checkout.id}: no payment page can be opened without its personal data"
        raise RuntimeError(message)
    wanted = SessionWanted(
        checkout=checkout.id,
        amount=amount,
        title=f"{trade.store.name} order {checkout.id}",
        email=personal.draft.email,
        return_url=f"{trade.pay_url(checkout.id)}?done=1",
        cancel_url=trade.pay_url(checkout.id),
        expires_at=checkout.session_until,
    )
    try:
        session = await provider_of(trade).open_session(wanted, key=step(checkout, "session", checkout.session_try))
    except ProviderRefused as refused:
        return replace(checkout, session_over=True, problem=f"no payment page: {refused}"), None
    return replace(checkout, session=session.id, payment=session.payment), session


async def seen(trade: Trade, checkout: Checkout) -> Checkout:
    """An open checkout after a look at its payment page: still open, or authorized."""
    if checkout.session_over:
        return checkout
    if checkout.session is None:
        checkout, session = await opened(trade, checkout)
    else:
        session = await provider_of(trade).session(checkout.session)
    return checkout if session is None else await _judged(trade, checkout, session)


async def closed(trade: Trade, checkout: Checkout) -> Checkout:
    """The checkout with its payment page closed for good, or authorized when the person was faster."""
    if not checkout.session_over and checkout.session is None:
        checkout, _ = await opened(trade, checkout)
    if checkout.session_over or checkout.session is None:
        return checkout
    key = step(checkout, "expire", checkout.session_try)
    return await _judged(trade, checkout, await provider_of(trade).expire_session(checkout.session, key=key))


async def _judged(trade: Trade, checkout: Checkout, session: Session) -> Checkout:
    """What a payment page means. The payment decides; a page that says it is complete may be ahead of its payment."""
    checkout = replace(checkout, declined=session.declined, payment=session.payment or checkout.payment)
    held = await provider_of(trade).payment(checkout.payment) if checkout.payment else None
    if held is not None and held.state in {"authorized", "captured"}:
        return moved(checkout, "authorized", now=trade.now(), paid_at=trade.now(), session_over=True)
    if session.state == "expired" or (held is not None and held.state == "released"):
        return replace(checkout, session_over=True)
    return checkout


async def held_payment(trade: Trade, checkout: Checkout) -> Payment | None:
    """The payment as it stands; None where nothing is paid at the provider."""
    if checkout.settles != "provider" or checkout.payment is None:
        return None
    return await provider_of(trade).payment(checkout.payment)


async def taken(trade: Trade, checkout: Checkout) -> Checkout:
    """Capturing: there is an order, so the money is taken."""
    if checkout.payment is None:
        return moved(checkout, "placed", now=trade.now())
    try:
        payment = await provider_of(trade).capture(checkout.payment, key=step(checkout, "capture"))
    except ProviderRefused as refused:
        return _stuck(trade, checkout, f"the order exists, and its payment cannot be taken: {refused}")
    if payment.state == "captured":
        return moved(checkout, "placed", now=trade.now())
    if payment.state == "released":
        return _stuck(trade, checkout, "the order exists, and its payment was let go before it was taken")
    return checkout


async def let_go(trade: Trade, checkout: Checkout) -> Checkout:
    """Releasing: there is surely no order, so the money goes back."""
    if checkout.settles != "provider" or checkout.payment is None:
        return moved(checkout, "failed", now=trade.now())
    state = await released(trade, checkout)
    if state == "released":
        return moved(checkout, "failed", now=trade.now())
    if state == "captured":
        return _stuck(trade, checkout, "there is no order, but the money was taken: refund it at the provider")
    return checkout


async def released(trade: Trade, checkout: Checkout) -> Literal["waiting", "authorized", "captured", "released"]:
    """Let go of the payment, and say what it is then."""
    provider, payment = provider_of(trade), checkout.payment or ""
    try:
        return (await provider.release(payment, key=step(checkout, "release"))).state
    except ProviderRefused:
        # It may be taken or released already; only a look tells.
        return (await provider.payment(payment)).state


def _stuck(trade: Trade, checkout: Checkout, problem: str) -> Checkout:
    return moved(checkout, "needs_human", now=trade.now(), problem=problem)
