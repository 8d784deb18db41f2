"""What happens next to a checkout, state by state: the only code that asks the shop for an order.

A step takes the record under its lease and gives back what is to be written; the caller writes it before the next step.
So each call to the outside is preceded by a record that says it is about to be made.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout import money
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.checkout.states import moved
from storefront_mcp.checkout.trade import Trade
from storefront_mcp.commerce.cart import Cart, Line
from storefront_mcp.commerce.errors import CartGone, ShopBusy, ShopDown, ShopError, ShopUnclear
from storefront_mcp.commerce.order import Order, Settlement
from storefront_mcp.payments.port import Payment

TRIES: Final = 2
"""How often the shop is asked for one order: again only after a look has shown that there is none."""
CHANGED: Final = "The price or the contents changed before the order was made, so the payment was let go."
UNREACHABLE: Final = "The shop could not be reached for too long, so no order was made and the payment was let go."
NO_ORDER: Final = "The shop failed to make the order, so the payment was let go."
Step = Callable[[Trade, Checkout], Awaitable[Checkout]]


async def watch(trade: Trade, checkout: Checkout) -> Checkout:
    """Open: has the buyer paid, is the time over?"""
    after = await money.seen(trade, checkout)
    if after.state == "open" and trade.now() >= after.expires_at:
        return moved(after, "closing", now=trade.now(), closing_to="expired", reason=money.NOT_PAID)
    return after


async def close(trade: Trade, checkout: Checkout) -> Checkout:
    """Closing: no page may be left where it could still be paid."""
    after = await money.closed(trade, checkout)
    if after.state == "authorized":
        return replace(after, reason=None)
    if after.session_over:
        return moved(after, after.closing_to or "canceled", now=trade.now())
    return after


async def prepare(trade: Trade, checkout: Checkout) -> Checkout:
    """Authorized: look once more at money and cart, then write down that the shop is about to be asked."""
    if checkout.personal is None:
        return _stuck(trade, checkout, "its personal data cannot be read: set the key it was sealed with")
    payment = await money.held_payment(trade, checkout)
    if payment is not None and payment.state in {"waiting", "released"}:
        return moved(checkout, "failed", now=trade.now(), reason=money.WITHDRAWN)
    if trade.now() - (checkout.paid_at or 0.0) > trade.terms.patience:
        return moved(checkout, "releasing", now=trade.now(), reason=UNREACHABLE)
    try:
        cart = await trade.backend.priced(checkout.upstream, checkout.personal.draft)
    except (ShopDown, ShopBusy):
        raise
    except ShopError as refused:
        return moved(checkout, "releasing", now=trade.now(), reason=str(refused))
    same_money = payment is None or payment.amount == cart.totals.total
    if not same_money or not same_goods(checkout, cart):
        return moved(checkout, "releasing", now=trade.now(), reason=CHANGED)
    now = trade.now()
    return moved(checkout, "placing", now=now, place_try=checkout.place_try + 1, asked_shop_at=now, over=False)


async def place(trade: Trade, checkout: Checkout) -> Checkout:
    """Placing, by the worker that has just written so: ask the shop, once."""
    personal = checkout.personal
    if personal is None or checkout.lease_until - trade.now() < trade.terms.call:
        # Too late to be sure that nobody takes over meanwhile; nothing was sent.
        return moved(checkout, "authorized", now=trade.now(), place_try=checkout.place_try - 1)
    settlement = Settlement(method=checkout.settle_by, payment=checkout.payment, reference=checkout.id)
    try:
        order = await trade.backend.place_order(checkout.upstream, personal.draft, settlement)
    except ShopUnclear as unclear:
        return moved(checkout, "unknown", now=trade.now(), over=unclear.over, problem=unclear.internal)
    except ShopDown as unsent:
        return _asked_in_vain(trade, checkout, trade.terms.poll, unsent)
    except ShopError as refused:
        return _refused(trade, checkout, refused)
    return _ordered(trade, checkout, order)


async def lost(trade: Trade, checkout: Checkout) -> Checkout:
    """Placing, found by somebody else: whoever wrote it is gone, and the shop may have been asked."""
    return moved(checkout, "unknown", now=trade.now(), over=False)


async def look(trade: Trade, checkout: Checkout) -> Checkout:
    """Unknown: wait until the call cannot be running any more, then look for the order."""
    ends = (checkout.asked_shop_at or 0.0) + trade.terms.settle
    if not checkout.over and trade.now() < ends:
        return replace(checkout, due_at=ends)
    payment = await money.held_payment(trade, checkout)
    try:
        order = await trade.backend.find_order(checkout.upstream, checkout.id)
    except CartGone:
        return moved(checkout, "releasing", now=trade.now(), reason=NO_ORDER)
    except ShopError as down:
        if trade.now() - checkout.since > trade.terms.patience:
            return _stuck(trade, checkout, f"the shop cannot be asked whether there is an order: {down.internal}")
        raise
    if order is None:
        return _not_ordered(trade, checkout, payment)
    untaken = payment is not None and payment.state != "captured"
    if untaken and order.number is None and trade.backend.captures(checkout.settle_by):
        return _stuck(trade, checkout, "the cart is gone and the money was not taken: look for an order of it")
    return _ordered(trade, checkout, order)


async def clear(trade: Trade, checkout: Checkout) -> Checkout:
    """Ended, and looked at once more since the provider has news: no money may be held for what will not come."""
    if checkout.state == "placed" or checkout.settles != "provider" or checkout.session is None:
        return replace(checkout, due_at=None)
    session = await money.provider_of(trade).session(checkout.session)
    late = replace(checkout, payment=session.payment or checkout.payment, due_at=None)
    payment = await money.held_payment(trade, late)
    if payment is not None and payment.state == "authorized":
        await money.released(trade, late)
    if payment is not None and payment.state == "captured":
        late = replace(late, problem="the money was taken, and there is no order: refund it at the provider")
    return late


STEPS: Final[Mapping[State, Step]] = {
    "open": watch,
    "closing": close,
    "authorized": prepare,
    "placing": lost,
    "unknown": look,
    "capturing": money.taken,
    "releasing": money.let_go,
    "failed": clear,
    "expired": clear,
    "canceled": clear,
    "placed": clear,
}
"""What the reconciler does in each state; in `needs_human` nothing. `place` follows only in the breath of `prepare`."""


def same_goods(checkout: Checkout, cart: Cart) -> bool:
    """Whether the cart still is what the buyer saw: the same goods, at the same total."""
    return checkout.totals.total == cart.totals.total and goods(checkout.lines) == goods(cart.lines)


def goods(lines: tuple[Line, ...]) -> list[tuple[str, int, tuple[tuple[str, str], ...]]]:
    """What a cart holds, whatever the order and the ids of its lines."""
    return sorted((line.sku, line.quantity, tuple(sorted(line.options.items()))) for line in lines)


def _ordered(trade: Trade, checkout: Checkout, order: Order) -> Checkout:
    personal = checkout.personal and replace(checkout.personal, order=order)
    known = replace(checkout, order_number=order.number, personal=personal, problem=None)
    if order.total is not None and order.total != checkout.totals.total:
        problem = f"the order's total is {order.total}, and {checkout.totals.total} was agreed"
        return _stuck(trade, known, problem)
    return moved(known, "capturing" if checkout.settles == "provider" else "placed", now=trade.now())


def _not_ordered(trade: Trade, checkout: Checkout, payment: Payment | None) -> Checkout:
    """The cart is still a cart: the call came to nothing. Once more, or give up."""
    if payment is not None and payment.state == "released":
        return moved(checkout, "failed", now=trade.now(), reason=NO_ORDER)
    if checkout.place_try < TRIES:
        return moved(checkout, "authorized", now=trade.now())
    return moved(checkout, "releasing", now=trade.now(), reason=NO_ORDER)


def _refused(trade: Trade, checkout: Checkout, refused: ShopError) -> Checkout:
    """The shop said no. A cart that is gone was ordered by an earlier call of ours, if there was one."""
    now = trade.now()
    if isinstance(refused, CartGone) and checkout.place_try > 1:
        return moved(checkout, "unknown", now=now, over=True, problem=refused.internal)
    if isinstance(refused, ShopBusy):
        return _asked_in_vain(trade, checkout, refused.retry_after, refused)
    return moved(checkout, "releasing", now=now, reason=str(refused), problem=refused.internal)


def _asked_in_vain(trade: Trade, checkout: Checkout, pause: float, error: ShopError) -> Checkout:
    """Back to where it was before the shop was asked: it surely did not hear us."""
    again = moved(checkout, "authorized", now=trade.now(), place_try=checkout.place_try - 1, problem=error.internal)
    return replace(again, due_at=trade.now() + pause)


def _stuck(trade: Trade, checkout: Checkout, problem: str) -> Checkout:
    return moved(checkout, "needs_human", now=trade.now(), problem=problem)
