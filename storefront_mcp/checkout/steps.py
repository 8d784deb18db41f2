"""The step of each checkout state; the only code that places orders.

A step gets the leased record and returns the next version, which the caller writes before the next step. So each
outside call is preceded by a record that says it is about to be made.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.checkout import payment_steps
from storefront_mcp.checkout.context import CheckoutContext
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.checkout.states import needs_operator, transition
from storefront_mcp.commerce.account_errors import CustomerCartInUse
from storefront_mcp.commerce.accounts import CustomerAccount
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.customers import SessionOver
from storefront_mcp.commerce.errors import CartGone, OrderRefused, ShopBusy, ShopDown, ShopError, ShopOutcomeUnknown
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderSettlement
from storefront_mcp.payments.provider import Payment

MAX_PLACE_ATTEMPTS: Final = 2
"""Place-order calls per checkout; the second only after a look has shown that there is no order."""
MAX_PAID_PLACE_ATTEMPTS: Final = 5
"""The same when the shop has captured the money, which only a person can give back."""
CHANGED_REASON: Final = "The price or the contents changed before the order was made, so there is no order."
UNREACHABLE_REASON: Final = "The shop could not be reached for too long, so there is no order."
NO_ORDER_REASON: Final = "The shop failed to make the order."
AS_GUEST_REASON: Final = "The shop did not take it in the buyer's name, so it is the order of a guest."
Step = Callable[[CheckoutContext, Checkout], Awaitable[Checkout]]


async def poll_payment(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `open`: poll the payment session; close it when the checkout has expired, or nobody can pay for now."""
    after = await payment_steps.poll_session(context, checkout)
    stop = context.payment_stop()
    if after.state == "open" and stop is not None:
        return transition(after, "closing", now=context.now(), closing_to="canceled", reason=stop.sentences)
    if after.state == "open" and context.now() >= after.expires_at:
        return transition(
            after, "closing", now=context.now(), closing_to="expired", reason=payment_steps.NOT_PAID_REASON
        )
    return after


async def close(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `closing`: expire the payment session, so that nobody can pay any more."""
    after = await payment_steps.expire_session(context, checkout)
    if after.state == "authorized":
        return replace(after, reason=None)
    if after.session_over:
        return transition(after, after.closing_to or "canceled", now=context.now())
    return after


async def revalidate(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `authorized`: check payment and cart once more, then go to `placing`."""
    if checkout.personal is None:
        return needs_operator(
            checkout, "its personal data cannot be read: set the key it was sealed with", now=context.now()
        )
    payment = await payment_steps.fetch_payment(context, checkout)
    if payment is not None and payment.state in {"waiting", "released"}:
        return transition(checkout, "failed", now=context.now(), reason=payment_steps.WITHDRAWN_REASON)
    if context.now() - (checkout.paid_at or 0.0) > context.policy.retry_seconds:
        return transition(checkout, "releasing", now=context.now(), reason=UNREACHABLE_REASON)
    try:
        cart = await context.backend.quote_order(checkout.upstream, checkout.personal.draft)
    except (ShopDown, ShopBusy):
        raise
    except ShopError as refused:
        return transition(checkout, "releasing", now=context.now(), reason=str(refused))
    same_money = payment is None or payment.amount == cart.totals.total
    if not same_money or not same_goods(checkout, cart):
        return transition(checkout, "releasing", now=context.now(), reason=CHANGED_REASON)
    now = context.now()
    return transition(checkout, "placing", now=now, place_try=checkout.place_try + 1, asked_shop_at=now, over=False)


async def place(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `placing`, for the worker that has just written it: place the order, once."""
    personal = checkout.personal
    if personal is None or checkout.lease_until - context.now() < context.policy.place_timeout_seconds:
        # The lease could end during the call; nothing was sent.
        return transition(checkout, "authorized", now=context.now(), place_try=checkout.place_try - 1)
    settlement = OrderSettlement(
        method=checkout.settle_by, payment=checkout.payment, reference=checkout.id, total=checkout.totals.total
    )
    try:
        if checkout.grant:
            account = await account_of(context, checkout)
            order = await account.place_order(checkout.upstream, personal.draft, settlement, checkout.totals.total)
        else:
            order = await context.backend.place_order(checkout.upstream, personal.draft, settlement)
    except ShopOutcomeUnknown as unclear:
        return transition(checkout, "unknown", now=context.now(), over=unclear.over, problem=unclear.internal)
    except ShopDown as unsent:
        return _back_to_authorized(context, checkout, context.policy.poll_seconds, unsent)
    except (ShopError, SessionOver) as refused:
        return _to_releasing(context, checkout, refused)
    return _to_capturing(context, checkout, order)


async def account_of(context: CheckoutContext, checkout: Checkout) -> CustomerAccount:
    """The account of the customer in whose name the order is made. Raises SessionOver and ShopDown."""
    if context.accounts is None:
        raise SessionOver(internal="customers cannot sign in here any more")
    return await context.accounts.account(checkout.grant)


async def recover_interrupted(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `placing`, found by another worker: the writer is gone, and the call may have been made."""
    return transition(checkout, "unknown", now=context.now(), over=False)


async def find_lost_order(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """State `unknown`: wait until the call has surely ended, then look for the order."""
    ends = (checkout.asked_shop_at or 0.0) + context.policy.settle_seconds
    if not checkout.over and context.now() < ends:
        return replace(checkout, due_at=ends)
    payment = await payment_steps.fetch_payment(context, checkout)
    try:
        order = await _find_order(context, checkout)
    except CartGone:
        return transition(checkout, "releasing", now=context.now(), reason=NO_ORDER_REASON)
    except (ShopError, SessionOver) as down:
        # Without the session nobody else can tell: the guest's cart is as it was, whatever became of the customer's.
        waited = context.now() - checkout.since > context.policy.retry_seconds
        if waited or isinstance(down, SessionOver):
            return needs_operator(
                checkout, f"the shop cannot be asked whether there is an order: {down.internal}", now=context.now()
            )
        raise
    if order is None:
        return _retry_or_release(context, checkout, payment)
    uncaptured = payment is not None and payment.state != "captured"
    if uncaptured and order.total is None and checkout.settle_by in context.backend.capturing_methods:
        return needs_operator(
            checkout, "the cart is gone and the money was not taken: look for an order of it", now=context.now()
        )
    return _to_capturing(context, checkout, order)


async def release_late_payment(context: CheckoutContext, checkout: Checkout) -> Checkout:
    """Terminal states, after an event of the provider: release a payment that came too late."""
    if checkout.state == "placed" or checkout.settles != "provider" or checkout.session is None:
        return replace(checkout, due_at=None)
    session = await payment_steps.provider_of(context).session(checkout.session)
    late = replace(checkout, payment=session.payment or checkout.payment, due_at=None)
    payment = await payment_steps.fetch_payment(context, late)
    if payment is not None and payment.state == "authorized":
        await payment_steps.release_payment(context, late)
    if payment is not None and payment.state == "captured":
        problem = f"{payment.amount} was taken, and there is no order: refund it at the provider"
        late = replace(late, taken=payment.amount, problem=problem)
    return late


STEPS: Final[Mapping[State, Step]] = {
    "open": poll_payment,
    "closing": close,
    "authorizing": payment_steps.settle_token_payment,
    "authorized": revalidate,
    "placing": recover_interrupted,
    "unknown": find_lost_order,
    "capturing": payment_steps.capture_step,
    "releasing": payment_steps.release_step,
    "failed": release_late_payment,
    "expired": release_late_payment,
    "canceled": release_late_payment,
    "placed": release_late_payment,
}
"""Step per state; none in `needs_human`.

`placing` maps to `recover_interrupted` for whoever finds it; the worker that wrote it runs `place` in the same
`Reconciler._advance` call.
"""


def same_goods(checkout: Checkout, cart: Cart) -> bool:
    """Whether the cart has the goods and the total that the buyer saw."""
    return checkout.totals.total == cart.totals.total and goods_of(checkout.lines) == goods_of(cart.lines)


def goods_of(lines: tuple[CartLine, ...]) -> list[tuple[str, int, tuple[tuple[str, str], ...]]]:
    """SKU, quantity and options of each line, sorted; independent of line ids."""
    return sorted((line.sku, line.quantity, tuple(sorted(line.options.items()))) for line in lines)


def _to_capturing(context: CheckoutContext, checkout: Checkout, order: Order) -> Checkout:
    personal = checkout.personal and replace(checkout.personal, order=order)
    known = replace(checkout, order_number=order.number, personal=personal, problem=None)
    if order.total is not None and order.total != checkout.totals.total:
        known = replace(known, order_total=order.total, reason=_difference(checkout, order.total))
        if not _is_settled_by(checkout, order.total):
            problem = f"the order's total is {order.total}, and {checkout.totals.total} was agreed"
            return needs_operator(known, problem, now=context.now())
    return transition(known, "capturing" if checkout.settles == "provider" else "placed", now=context.now())


def _is_settled_by(checkout: Checkout, total: Money) -> bool:
    """Whether an order of another total is settled as agreed: it is paid later, or costs less than what is held."""
    agreed = checkout.totals.total
    if checkout.settles == "provider":
        return total.currency == agreed.currency and 0 < total.minor < agreed.minor
    return checkout.settles == "offline"


def _difference(checkout: Checkout, total: Money) -> str:
    """What buyer and agent hear about an order of another total."""
    said = f"The shop made the order with a total of {total}; {checkout.totals.total} was shown before."
    if checkout.settles == "provider" and _is_settled_by(checkout, total):
        return f"{said} Only {total} is charged."
    return said


def _retry_or_release(context: CheckoutContext, checkout: Checkout, payment: Payment | None) -> Checkout:
    """The cart was not ordered: place again, or release after so many attempts."""
    if payment is not None and payment.state == "released":
        return transition(checkout, "failed", now=context.now(), reason=NO_ORDER_REASON)
    taken = payment is not None and payment.state == "captured"
    if checkout.place_try < (MAX_PAID_PLACE_ATTEMPTS if taken else MAX_PLACE_ATTEMPTS):
        return transition(checkout, "authorized", now=context.now())
    return transition(checkout, "releasing", now=context.now(), reason=NO_ORDER_REASON)


def _to_releasing(context: CheckoutContext, checkout: Checkout, refused: ShopError | SessionOver) -> Checkout:
    """The shop rejected the order. A missing cart was ordered by our earlier call, if there was one."""
    now = context.now()
    if checkout.grant and isinstance(refused, SessionOver | CustomerCartInUse | OrderRefused):
        return _as_guest(context, checkout, refused.internal)
    if isinstance(refused, CartGone) and checkout.place_try > 1:
        return transition(checkout, "unknown", now=now, over=True, problem=refused.internal)
    if isinstance(refused, ShopBusy):
        return _back_to_authorized(context, checkout, refused.retry_after, refused)
    return transition(checkout, "releasing", now=now, reason=str(refused), problem=refused.internal)


async def _find_order(context: CheckoutContext, checkout: Checkout) -> Order | None:
    if checkout.grant:
        return await (await account_of(context, checkout)).find_order(checkout.id)
    return await context.backend.find_order(checkout.upstream, checkout.id)


def _as_guest(context: CheckoutContext, checkout: Checkout, problem: str) -> Checkout:
    """Nothing was ordered in the customer's name: the same goods are ordered for a guest, as the buyer has paid."""
    again = transition(
        checkout, "authorized", now=context.now(), place_try=checkout.place_try - 1, reason=AS_GUEST_REASON
    )
    return replace(again, grant="", problem=problem, due_at=context.now())


def _back_to_authorized(context: CheckoutContext, checkout: Checkout, pause: float, error: ShopError) -> Checkout:
    """Undo `placing`: the call surely was not made."""
    again = transition(
        checkout, "authorized", now=context.now(), place_try=checkout.place_try - 1, problem=error.internal
    )
    return replace(again, due_at=context.now() + pause)
