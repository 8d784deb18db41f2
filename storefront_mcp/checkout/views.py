"""Views of a checkout: for the agent, and for the buyer's payment page."""

import datetime as dt
from typing import Final

from msgspec.structs import asdict

from storefront_mcp.checkout.context import CheckoutContext
from storefront_mcp.checkout.payment_page import PaymentPageLine, PaymentPageView, PayState
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.checkout import CheckoutStatus, CheckoutView, OrderView
from storefront_mcp.commerce.order import OrderProgress, OutstandingPayment

AGENT_STATUS: Final[dict[State, CheckoutStatus]] = {
    "open": "requires_escalation",
    "closing": "complete_in_progress",
    "authorizing": "complete_in_progress",
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
PAGE_STATES: Final[dict[State, PayState]] = {
    "open": "open",
    "closing": "confirming",
    "authorizing": "confirming",
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
CONFIRMED_TEXT: Final = {
    "provider": "The buyer has paid",
    "free": "The buyer has confirmed the order, which costs nothing",
    "offline": "The buyer has confirmed the order, which is not paid yet",
}
NEXT_STEP_TEXT: Final[dict[State, str]] = {
    "open": "Not {paid} yet: give the buyer continue_url to {confirm}; then get_order_status has the order number.",
    "closing": "The payment page is being closed. Call get_order_status again in a few seconds.",
    "authorizing": "A payment by the buyer's agent is being confirmed. Call get_order_status again in a few seconds.",
    "authorized": "{confirmed}; the shop is taking the order. Call get_order_status in a few seconds.",
    "placing": "{confirmed}; the shop is taking the order. Call get_order_status in a few seconds.",
    "unknown": "{confirmed}; whether the shop took the order is being checked. Do not order again; call "
    "get_order_status in a minute.",
    "capturing": "The order is made and its payment is being completed. Call get_order_status in a few seconds.",
    "releasing": "The order could not be made{released}. Call get_order_status in a few seconds.",
    "needs_human": "The shop's staff has to look at this order. Do not order again; tell the buyer to contact {staff} "
    "and name checkout_id.",
    "placed": "Done: tell the buyer {order}.{mailed} Returns and cancelling: get_store_info{questions}.",
    "failed": "There is no order and no charge. Look at the cart with view_cart before ordering again.",
    "expired": "It was not {paid} in time and nothing was charged. place_order starts anew.",
    "canceled": "It was given up and nothing was charged. place_order starts anew.",
}
NEWS_SECONDS: Final = 3600.0
"""How long an order is news to the buyer."""
EARLIER_TEXT: Final = "Ordered on {date} (UTC){unsent}.{unpaid} Returns and cancelling: get_store_info{questions}."
"""In place of that of `placed`, from then on."""
ORDERED_TEXT: Final = (
    "The order exists, and the shop's staff has to look at its payment. Do not order again; tell the buyer the order's "
    "number and to contact {staff}."
)
"""In place of that of `needs_human`, where there is an order."""
TAKEN_TEXT: Final = (
    "There is no order, but {taken} was charged, which the shop's staff has to give back. Do not order again; tell the "
    "buyer to contact {staff} and name checkout_id."
)
"""In place of all others, where money was taken without an order."""
DECLINED_TEXT: Final = (
    "The last payment was declined and nothing was charged. The page stays open until expires_at: the buyer can try "
    "again at continue_url, with another card if need be; then ask get_order_status. Do not place the order anew."
)
"""In place of that of `open`."""
REPEATED_TEXT: Final = "Nothing was ordered again: this cart became that order. Use create_cart for a new purchase."
SPENT_KEY_TEXT: Final = " Send another idempotency_key then: this one stands for what was given up."
"""After that of a checkout that ended without an order, where its key was sent again."""
UNKNOWN_PAGE_TEXT: Final = (
    " To be told continue_url again, send the whole checkout_id, or call place_order with the same arguments."
)
"""After that of `open`, where only the first part of a checkout id was sent."""
TEST_TEXT: Final = " Test: no charge."
"""After that of a checkout that is open, where the payment provider moves none."""
NO_COUPON_TEXT: Final = "No coupon is in this total: the one that was tried does not apply. Tell the buyer."
"""Of an order of a cart that should have one."""
DRY_RUN_TEXT: Final = "Show the buyer the totals; on a yes, call place_order without dry_run."


PARCEL_TEXT: Final = (
    "{settled}. Where the parcel is, the shop does not tell here{usually}. To learn more, the buyer asks {staff} and "
    "names the order's number."
)
"""Of an order of which the shop tells no progress."""
SETTLED_TEXT: Final = {
    "provider": "The order is paid",
    "free": "The order is confirmed",
    "offline": "The order is made",
}


def agent_view(
    context: CheckoutContext, checkout: Checkout, secret: str = "", progress: OrderProgress | None = None
) -> CheckoutView:
    """The agent's view; `secret` is that of its checkout id, `progress` of the order, where the shop tells it."""
    token = context.known_token(checkout, secret)
    payment = outstanding_payment(context, checkout, progress)
    order = None
    if progress is not None:
        order = OrderView(
            **asdict(progress) | {"due": progress.due if payment else None, "total": checkout.order_total},
            delivery=None if progress.parcels else delivery_time(context, checkout),
        )
    elif checkout.order_number is not None or checkout.state == "placed":
        order = OrderView(number=checkout.order_number, total=checkout.order_total)
    payable = checkout.state == "open"
    return CheckoutView(
        checkout_id=f"{checkout.id}.{secret}" if secret and token else checkout.id,
        status=AGENT_STATUS[checkout.state],
        next_step=next_step(context, checkout, payment, progress) + ("" if token or not payable else UNKNOWN_PAGE_TEXT),
        totals=checkout.totals,
        continue_url=context.pay_url(token) if token and payable else None,
        expires_at=iso_timestamp(checkout.expires_at) if payable else None,
        order=order,
        payment=payment,
        last_payment="declined" if payable and checkout.declined else None,
        notice=changed_total(checkout) if payable and checkout.before is not None else checkout.reason,
    )


def delivery_time(context: CheckoutContext, checkout: Checkout) -> str | None:
    """How long the chosen way of shipping takes, where the store says so."""
    draft = None if checkout.personal is None else checkout.personal.draft
    return None if draft is None else context.store.delivery_times.get(draft.shipping_method)


def parcel_notice(context: CheckoutContext, checkout: Checkout) -> str | None:
    """What is known of a parcel where the shop tells no progress; None while there is no order, or nothing is sent."""
    if checkout.state != "placed" or not checkout.method_title:
        return None
    takes = delivery_time(context, checkout)
    return PARCEL_TEXT.format(
        settled=SETTLED_TEXT[checkout.settles],
        usually=f"; {checkout.method_title} usually takes {takes}" if takes else "",
        staff=context.store.staff,
    )


def is_charged_in_vain(checkout: Checkout) -> bool:
    """Whether money was taken, and there is no order to be seen."""
    return checkout.taken is not None and checkout.order_number is None and checkout.state != "placed"


def changed_total(checkout: Checkout) -> str:
    """What the agent hears of a total that is another than at first."""
    return f"The total changed from {checkout.before} to {checkout.totals.total}. Tell the buyer."


def outstanding_payment(
    context: CheckoutContext, checkout: Checkout, progress: OrderProgress | None = None
) -> OutstandingPayment | None:
    """How an ordered cart is paid that is not paid at the provider; None once the shop says that nothing is due."""
    method = checkout.method
    settled = progress is not None and progress.due is not None and not progress.due
    if method is None or settled or checkout.state in {"failed", "expired", "canceled"}:
        return None
    return OutstandingPayment(method=method.title, instructions=context.policy.instructions.get(checkout.settle_by, ""))


def confirms_by_mail(context: CheckoutContext, checkout: Checkout) -> bool:
    """Whether a mail may be promised: the order will queue one, and the store sends mail."""
    return checkout.confirms_by_mail and context.policy.sends_mail


def next_step(
    context: CheckoutContext,
    checkout: Checkout,
    payment: OutstandingPayment | None,
    progress: OrderProgress | None = None,
) -> str:
    """What the agent does next. Only a payment at the provider is called paid, and only mails that exist are named.

    Of an order that is no news any more it is told when it was made, and whether anything of it was sent.
    """
    questions = f"; questions: {context.store.contact}" if context.store.contact else ""
    made = checkout.ended_at
    if checkout.state == "placed" and made is not None and context.now() - made >= NEWS_SECONDS:
        waits = progress is not None and not progress.parcels and checkout.method_title
        return EARLIER_TEXT.format(
            date=iso_timestamp(made)[:10],
            unsent=", and nothing was sent yet" if waits else "",
            unpaid=" It is not paid: payment says how." if payment else "",
            questions=questions,
        )
    staff = context.store.staff
    if is_charged_in_vain(checkout):
        return TAKEN_TEXT.format(taken=checkout.taken, staff=staff)
    if checkout.state == "needs_human" and checkout.order_number:
        return ORDERED_TEXT.format(staff=staff)
    order = "the order number" if checkout.order_number else "that the order is placed and the shop tells its number"
    how = " and how to pay, as payment says" if payment else ""
    tests = checkout.online and context.provider is not None and context.provider.is_test
    test = TEST_TEXT if tests and checkout.state == "open" else ""
    if checkout.state == "open" and checkout.declined:
        return DECLINED_TEXT + test
    told = NEXT_STEP_TEXT[checkout.state].format(
        confirm="pay" if checkout.online else "confirm the order",
        paid="paid" if checkout.online else "confirmed",
        confirmed=CONFIRMED_TEXT[checkout.settles],
        released="; the payment is being released" if checkout.settles == "provider" else "",
        order=order + how,
        staff=staff,
        questions=questions,
        mailed=" A confirmation goes to the buyer by e-mail." if confirms_by_mail(context, checkout) else "",
    )
    return told + test


def payment_page_view(context: CheckoutContext, checkout: Checkout) -> PaymentPageView:
    """The buyer's view: name, street and e-mail address whole while it can be paid, and masked from then on."""
    state = PAGE_STATES[checkout.state]
    if state == "open" and context.now() >= checkout.expires_at:
        state = "expired"
    if is_charged_in_vain(checkout):
        state = "attention"
    stop = context.payment_stop() if state == "open" else None
    if stop is not None:
        state = "stopped"
    draft = None if checkout.personal is None else checkout.personal.draft
    to = draft.shipping_address if draft else None
    return PaymentPageView(
        checkout_id=checkout.id,
        state=state,
        lines=tuple(
            PaymentPageLine(name=line.name, quantity=line.quantity, total=line.total, options=line.options)
            for line in checkout.lines
        ),
        totals=checkout.totals,
        before=checkout.before,
        online=checkout.online,
        offline=checkout.offline,
        settles=checkout.settles,
        payment=outstanding_payment(context, checkout),
        confirms_by_mail=confirms_by_mail(context, checkout),
        declined=checkout.declined,
        email="" if draft is None else draft.email if state == "open" else mask_email(draft.email),
        recipient=address_lines(to) if to is not None and state == "open" else (),
        billed_to=(
            address_lines(draft.billing_address)
            if draft is not None and state == "open" and draft.billing_address != to
            else ()
        ),
        ships_to=f"{to.city}, {to.country}" if to else "",
        ships_by=checkout.method_title,
        order_number=checkout.order_number,
        order_total=checkout.order_total,
        reason=checkout.reason if stop is None else stop.sentences,
        expires_at=int(checkout.expires_at),
    )


def address_lines(address: PostalAddress) -> tuple[str, ...]:
    """Name and address, a line each."""
    town = " ".join(part for part in (address.postcode, address.city) if part)
    lines = (
        address.name,
        address.company,
        *address.street.splitlines(),
        ", ".join(part for part in (town, address.region) if part),
        address.country,
        address.phone,
    )
    return tuple(line for line in lines if line)


def mask_email(email: str) -> str:
    """An e-mail address with all but the first character of its local part hidden.

    >>> mask_email("ada@example.com")
    'a…@example.com'
    """
    name, _, domain = email.rpartition("@")
    return f"{name[:1]}…@{domain}"


def iso_timestamp(seconds: float) -> str:
    """ISO 8601 in UTC, to the second."""
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
