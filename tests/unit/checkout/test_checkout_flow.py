"""From place_order to an order: without faults, and with one."""

import asyncio
from typing import NoReturn

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout import views
from storefront_mcp.checkout.payment_page import PaymentPageView
from storefront_mcp.checkout.payment_steps import REFUSAL_REASONS
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.checkout.states import transition
from storefront_mcp.checkout.steps import MAX_PAID_PLACE_ATTEMPTS, place
from storefront_mcp.checkout.withdrawal import before_cart_change, refuse_ordered
from storefront_mcp.commerce.error_details import ShippingOffers
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CartOrdered,
    EmailRefused,
    KeyReused,
    NoWayToPay,
    PaymentDown,
    ShippingMethodRefused,
    ShopBusy,
    TotalRefused,
)
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderProgress, OutstandingPayment, ShippedParcel
from storefront_mcp.commerce.shipping import ShippingMethod
from tests.unit.checkout.environment import DRAFT, HANDLE, STORE, CheckoutEnvironment


async def placed(environment: CheckoutEnvironment) -> str:
    shown = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    assert shown.checkout_id is not None
    return shown.checkout_id.partition(".")[0]


async def pay(environment: CheckoutEnvironment, id_: str) -> None:
    """The buyer opens the page, goes on to the provider and pays."""
    page = await environment.buyer.page(environment.token(id_))
    assert page is not None
    url = await environment.buyer.pay(environment.token(id_), total_shown=page.totals.total.minor)
    assert url == "https://pay.example/s"
    session = environment.checkout.session
    assert session is not None
    assert environment.provider.pay(session)


@pytest.mark.parametrize("captures", [True, False])
async def test_a_paid_checkout_becomes_one_order(captures: bool) -> None:
    environment = CheckoutEnvironment(captures=captures)
    id_ = await placed(environment)
    await pay(environment, id_)

    page = await environment.buyer.return_from_payment(environment.token(id_))

    assert page is not None
    assert (page.state, page.order_number) == ("ordered", "10001")
    shown = await environment.agent.status(id_)
    assert shown.status == "completed"
    assert shown.order is not None
    assert (shown.order.number, shown.order.status) == ("10001", "pending")
    assert environment.violations() == []


@pytest.mark.parametrize("tests", [True, False])
async def test_an_open_checkout_says_whether_money_moves(tests: bool) -> None:
    environment = CheckoutEnvironment()
    environment.provider.is_test = tests
    shown = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    assert shown.next_step.startswith("Not paid yet: give the buyer continue_url to pay")
    assert shown.next_step.endswith(" Test: no charge.") is tests


async def test_the_reconciler_alone_brings_a_paid_checkout_to_its_order() -> None:
    environment = CheckoutEnvironment()
    await pay(environment, await placed(environment))
    await environment.settle()
    assert environment.checkout.state == "placed"
    assert environment.violations() == []


async def test_the_same_request_gives_the_same_checkout_and_address() -> None:
    environment = CheckoutEnvironment()
    first = await environment.agent.place(HANDLE, DRAFT, key="k1", dry_run=False)
    assert await environment.agent.place(HANDLE, DRAFT, key="k1", dry_run=False) == first
    assert await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False) == first
    assert await environment.agent.place(HANDLE, DRAFT, key="k2", dry_run=False) == first
    with pytest.raises(KeyReused):
        await environment.agent.place(HANDLE, replace(DRAFT, note="Leave at door"), key="k1", dry_run=False)


@pytest.mark.parametrize("given_up", ["canceled", "expired"])
async def test_a_key_of_what_was_given_up_says_that_it_is_spent(given_up: str) -> None:
    environment = CheckoutEnvironment()
    first = await environment.agent.place(HANDLE, DRAFT, key="k1", dry_run=False)
    assert first.checkout_id is not None
    if given_up == "canceled":
        await environment.agent.cancel(first.checkout_id)
    else:
        environment.clock.time += environment.context.policy.lifetime_seconds + 60
        await environment.settle()

    again = await environment.agent.place(HANDLE, DRAFT, key="k1", dry_run=False)
    assert again.status == "canceled"
    assert "Send another idempotency_key then" in again.next_step
    anew = await environment.agent.place(HANDLE, DRAFT, key="k2", dry_run=False)
    assert anew.status == "requires_escalation"


async def test_another_request_for_the_same_cart_replaces_the_first() -> None:
    environment = CheckoutEnvironment()
    first = await placed(environment)
    await environment.buyer.pay(environment.token(first), total_shown=5500)
    other = await environment.agent.place(HANDLE, replace(DRAFT, note="Leave at door"), key=None, dry_run=False)

    assert other.checkout_id != first
    assert (await environment.agent.status(first)).status == "canceled"
    assert [session.state for session in environment.provider.sessions.values()] == ["expired"]


async def test_a_dry_run_checks_and_writes_nothing() -> None:
    environment = CheckoutEnvironment()
    shown = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=True)
    assert (shown.status, shown.checkout_id, shown.totals.total) == ("ready", None, Money(5500, "AUD"))
    assert environment.records.checkouts == {}


@pytest.mark.parametrize("coupon", ["", "TEN"])
async def test_that_a_coupon_does_not_apply_is_told_before_anybody_pays(coupon: str) -> None:
    environment = CheckoutEnvironment()
    environment.coupon = coupon
    told = "No coupon is in this total: the one that was tried does not apply. Tell the buyer."
    for dry_run in (True, False):
        assert (await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=dry_run)).notice == told


@pytest.mark.parametrize("email", ["", "not-an-email", "a@", "a@b@c", "a b@example.com"])
async def test_an_email_address_that_is_none_is_refused_and_not_repeated(email: str) -> None:
    with pytest.raises(EmailRefused) as refused:
        await CheckoutEnvironment().agent.place(HANDLE, replace(DRAFT, email=email), key=None, dry_run=True)
    assert not email or email not in str(refused.value)


async def test_a_changed_price_wants_to_be_seen_before_it_is_paid() -> None:
    environment = CheckoutEnvironment()
    token = environment.token(await placed(environment))
    await environment.buyer.pay(token, total_shown=5500)
    environment.shop.price = 3000

    page = await environment.buyer.pay(token, total_shown=5500)

    assert isinstance(page, PaymentPageView)
    assert (page.state, page.before, page.totals.total) == ("open", Money(5500, "AUD"), Money(6000, "AUD"))
    assert await environment.buyer.pay(token, total_shown=6000) == "https://pay.example/s"
    assert sorted(session.state for session in environment.provider.sessions.values()) == ["expired", "open"]


async def test_a_price_that_changes_after_paying_lets_the_money_go() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await pay(environment, id_)
    environment.shop.price = 3000
    await environment.settle()
    shown = await environment.agent.status(id_)
    assert shown.status == "failed"
    assert shown.notice is not None
    assert "changed" in shown.notice
    assert environment.violations() == []


async def test_a_change_of_the_cart_closes_its_payment_page_first() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)

    found = await before_cart_change(environment.context, HANDLE)

    assert found is not None
    assert f"{id_} and its payment page stay open" in found.kept
    assert environment.checkout.state == "open", "it may come to nothing"
    assert id_ in await found.withdraw()
    assert environment.checkout.state == "canceled"
    assert not environment.provider.pay(environment.checkout.session or "")
    assert await before_cart_change(environment.context, HANDLE) is None


async def test_a_paid_cart_can_no_longer_be_changed_or_given_up() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    found = await before_cart_change(environment.context, HANDLE)
    assert found is not None
    await pay(environment, id_)
    with pytest.raises(CartBeingOrdered):
        await found.withdraw()
    with pytest.raises(CartBeingOrdered):
        await before_cart_change(environment.context, HANDLE)
    with pytest.raises(CartBeingOrdered):
        await environment.agent.cancel(id_)
    await environment.settle()
    assert environment.violations() == []


async def test_a_paid_cart_is_quoted_for_no_other_address_until_it_is_ordered() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await refuse_ordered(environment.context, HANDLE)
    await pay(environment, id_)
    paid = transition(
        environment.checkout,
        "authorized",
        now=environment.clock(),
        paid_at=environment.clock(),
        session_over=True,
        payment=next(iter(environment.provider.payments)),
    )
    environment.records.checkouts[id_] = paid
    with pytest.raises(CartBeingOrdered):
        await refuse_ordered(environment.context, HANDLE)
    environment.trouble.coming = ["down"]
    for dry_run in (True, False):
        with pytest.raises(CartBeingOrdered):
            await environment.agent.place(HANDLE, replace(DRAFT, note="other"), key=None, dry_run=dry_run)
    assert environment.trouble.coming.pop() == "down", "the shop was not asked"
    await environment.settle()
    with pytest.raises(CartOrdered):
        await refuse_ordered(environment.context, HANDLE)
    assert environment.violations() == []


async def test_a_cart_that_was_ordered_stays_that_order() -> None:
    environment = CheckoutEnvironment()
    environment.context = replace(environment.context, store=replace(STORE, contact="orders@pickle.example"))
    environment.start()
    id_ = await placed(environment)
    await pay(environment, id_)
    await environment.settle()
    number = environment.checkout.order_number
    said = f"order {number} \\({id_}\\); use create_cart .* the shop \\(orders@pickle.example\\)"
    with pytest.raises(CartOrdered, match=said):
        await before_cart_change(environment.context, HANDLE)
    with pytest.raises(CartOrdered, match=said):
        await environment.agent.cancel(id_)
    for dry_run in (True, False):
        with pytest.raises(CartOrdered, match=said):
            await environment.agent.place(HANDLE, replace(DRAFT, note="other"), key=None, dry_run=dry_run)
    again = await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)
    assert (again.checkout_id or "").startswith(f"{id_}.")
    assert (again.status, again.order and again.order.number) == ("completed", number)
    assert "Nothing was ordered again" in again.next_step
    assert "create_cart" in again.next_step


async def test_a_declined_payment_and_a_changed_total_are_shown_until_it_is_paid() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)
    session = environment.checkout.session or ""
    environment.provider.sessions[session] = replace(environment.provider.sessions[session], declined=True)
    shown = await environment.agent.status(id_)
    assert (shown.status, shown.last_payment) == ("requires_escalation", "declined")
    assert "declined" in shown.next_step

    environment.shop.price = 2800
    assert isinstance(await environment.buyer.pay(environment.token(id_), total_shown=5500), PaymentPageView)
    shown = await environment.agent.status(id_)
    assert (shown.totals.total, shown.notice) == (
        Money(5600, "AUD"),
        "The total changed from AUD 55.00 to AUD 56.00. Tell the buyer.",
    )
    await environment.buyer.pay(environment.token(id_), total_shown=5600)
    environment.provider.pay(environment.checkout.session or "")
    await environment.settle()
    done = await environment.agent.status(id_)
    assert (done.status, done.last_payment, done.notice) == ("completed", None, None)


async def test_a_cart_stays_as_it_is_while_its_payment_page_cannot_be_closed() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)
    environment.trouble.coming = ["down"]
    found = await before_cart_change(environment.context, HANDLE)
    assert found is not None
    with pytest.raises(PaymentDown):
        await found.withdraw()
    closing = await before_cart_change(environment.context, HANDLE)
    assert closing is not None
    assert "is being closed" in closing.kept
    await environment.settle()
    assert environment.checkout.state == "canceled"


async def test_giving_up_twice_is_giving_up_once() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    assert (await environment.agent.cancel(id_)).status == "canceled"
    assert (await environment.agent.cancel(id_)).status == "canceled"
    assert await placed(environment) != id_


async def test_a_checkout_that_nobody_pays_expires_with_its_page() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)
    environment.clock.time += environment.context.policy.lifetime_seconds + 1
    page = await environment.buyer.page(environment.token(id_))
    assert page is not None
    assert page.state == "expired"
    await environment.settle()
    assert (await environment.agent.status(id_)).status == "canceled"
    assert environment.violations() == []


async def test_an_order_that_the_shop_refuses_costs_nothing() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await pay(environment, id_)
    environment.shop.refuses = True
    await environment.settle()
    shown = await environment.agent.status(id_)
    assert shown.status == "failed"
    assert shown.notice == "The shop did not take the order: we are closed"
    assert environment.violations() == []


@pytest.mark.parametrize("trouble", ["unclear", "late", "half", "down", "killed after", "killed before"])
@pytest.mark.parametrize("captures", [True, False])
async def test_whatever_happens_to_the_one_call_there_is_one_order(trouble: str, captures: bool) -> None:
    environment = CheckoutEnvironment(captures=captures)
    id_ = await placed(environment)
    await pay(environment, id_)
    # Session, payment, payment, priced: the fifth call asks the shop for the order.
    environment.trouble.coming = ["fine"] * 4 + [trouble]
    await environment.settle()
    assert (await environment.agent.status(id_)).status == "completed"
    assert environment.violations() == []


async def test_a_shop_that_fails_twice_gets_no_third_try() -> None:
    environment = CheckoutEnvironment(captures=False)
    id_ = await placed(environment)
    await pay(environment, id_)
    environment.trouble.coming = ["fine"] * 4 + ["half"] + ["fine"] * 4 + ["half"]
    await environment.settle()
    assert (await environment.agent.status(id_)).status == "failed"
    assert environment.violations() == []


async def test_money_taken_for_an_order_that_never_came_is_a_matter_for_a_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    environment = CheckoutEnvironment(captures=True)
    id_ = await placed(environment)
    await pay(environment, id_)
    environment.trouble.coming = (["fine"] * 4 + ["half"]) * MAX_PAID_PLACE_ATTEMPTS
    await environment.settle()
    assert environment.checkout.state == "needs_human"
    assert environment.checkout.problem is not None
    assert "refund" in environment.checkout.problem
    (logged,) = (one.getMessage() for one in caplog.records if one.levelname == "ERROR")
    assert logged == f"{id_} of store {environment.checkout.store} needs a person: {environment.checkout.problem}"
    assert "staff" in (await environment.agent.status(id_)).next_step


async def test_a_free_order_needs_no_payment_but_a_person_who_confirms_it() -> None:
    environment = CheckoutEnvironment(online=False)
    environment.shop.price = 0
    unconfirmed = await placed(environment)
    await environment.settle()
    assert (await environment.agent.status(unconfirmed)).status == "canceled"

    id_ = await placed(environment)
    page = await environment.buyer.pay(environment.token(id_), total_shown=0)

    assert isinstance(page, PaymentPageView)
    assert page.state == "ordered"
    assert environment.shop.orders[0][2].method == "free"
    assert environment.violations() == []


async def test_an_offline_order_is_placed_only_if_the_operator_lists_the_way() -> None:
    with pytest.raises(NoWayToPay):
        await placed(CheckoutEnvironment(online=False))
    environment = CheckoutEnvironment(online=False, offline=("bank",))
    id_ = await placed(environment)
    assert isinstance(
        await environment.buyer.pay(environment.token(id_), total_shown=5500, offline_method="cash"), PaymentPageView
    )
    assert environment.checkout.state == "open"
    page = await environment.buyer.pay(environment.token(id_), total_shown=5500, offline_method="bank")
    assert isinstance(page, PaymentPageView)
    assert page.state == "ordered"
    assert environment.violations() == []


async def test_a_bank_transfer_is_never_called_paid_and_tells_how_to_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    how = "BSB 000-000, account 12345678.\nWithin 10 days."
    environment = CheckoutEnvironment(offline=("bank",), instructions={"bank": how})
    id_ = await placed(environment)
    token = environment.token(id_)
    said = [(await environment.agent.status(id_)).next_step]
    assert "continue_url to pay" in said[0]
    environment.trouble.ordering = ["fine"] * 5 + ["unclear"]
    page = await environment.buyer.pay(token, total_shown=5500, offline_method="bank")
    assert isinstance(page, PaymentPageView)
    states: tuple[State, ...] = ("authorized", "placing", "unknown", "releasing")
    shows = [views.agent_view(environment.context, replace(environment.checkout, state=state)) for state in states]
    said += [shown.next_step for shown in shows]
    await environment.settle()
    done = await environment.agent.status(id_)
    said.append(done.next_step)
    assert done.status == "completed"
    assert done.payment == OutstandingPayment(method="Bank", instructions=how)
    assert "order number and how to pay" in done.next_step
    shown = await environment.buyer.page(token)
    assert shown is not None
    assert (shown.state, shown.settles, shown.payment) == ("ordered", "offline", done.payment)
    assert not any("has paid" in text or "e-mail" in text or "payment is being" in text for text in said)

    async def paid(order: Order) -> OrderProgress:
        return OrderProgress(number=order.number or "", status="processing", due=Money(0, "AUD"))

    monkeypatch.setattr(environment.shop, "order_progress", paid)
    after = await environment.agent.status(id_)
    assert after.payment is None
    assert after.order is not None
    assert after.order.due is None
    assert "how to pay" not in after.next_step


async def test_what_is_due_is_told_of_orders_that_are_paid_outside_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pending(order: Order) -> OrderProgress:
        return OrderProgress(number=order.number or "", status="pending", due=Money(5500, "AUD"))

    for by in (None, "bank"):
        environment = CheckoutEnvironment(offline=("bank",))
        monkeypatch.setattr(environment.shop, "order_progress", pending)
        id_ = await placed(environment)
        if by is None:
            await pay(environment, id_)
        else:
            await environment.buyer.pay(environment.token(id_), total_shown=5500, offline_method=by)
        await environment.settle()
        order = (await environment.agent.status(id_)).order
        assert order is not None
        assert order.due == (None if by is None else Money(5500, "AUD"))


async def test_of_an_order_of_days_ago_its_date_is_told_and_that_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def sent(order: Order) -> OrderProgress:
        return OrderProgress(number=order.number or "", status="complete", parcels=(ShippedParcel(),))

    async def untold(_: Order) -> None:
        return None

    environment = CheckoutEnvironment(store=replace(STORE, contact="help@pickle.example"))
    id_ = await placed(environment)
    await pay(environment, id_)
    await environment.settle()
    news = await environment.agent.status(id_)
    day = views.iso_timestamp(environment.clock())[:10]
    environment.clock.time += 3 * 86_400
    later = await environment.agent.status(id_)
    monkeypatch.setattr(environment.shop, "order_progress", sent)
    on_its_way = await environment.agent.status(id_)
    monkeypatch.setattr(environment.shop, "order_progress", untold)
    silent = await environment.agent.status(id_)

    end = "Returns and cancelling: get_store_info; questions: help@pickle.example."
    assert news.next_step == f"Done: tell the buyer the order number. {end}"
    assert later.next_step == f"Ordered on {day} (UTC), and nothing was sent yet. {end}"
    assert on_its_way.next_step == silent.next_step == f"Ordered on {day} (UTC). {end}"


async def test_of_a_parcel_that_the_shop_tells_nothing_of_what_is_known_is_said_and_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def untold(_: Order) -> None:
        return None

    async def sent(order: Order) -> OrderProgress:
        return OrderProgress(number=order.number or "", status="complete", parcels=(ShippedParcel(),))

    store = replace(STORE, contact="help@pickle.example", delivery_times={"post_parcel": "2-6 working days"})
    environment = CheckoutEnvironment(store=store)
    id_ = await placed(environment)
    assert (await environment.agent.status(id_)).notice is None, "there is no order yet"
    await pay(environment, id_)
    await environment.settle()
    told = await environment.agent.status(id_)
    monkeypatch.setattr(environment.shop, "order_progress", sent)
    sent_view = await environment.agent.status(id_)
    monkeypatch.setattr(environment.shop, "order_progress", untold)
    untold_view = await environment.agent.status(id_)

    assert told.order is not None
    assert told.order.delivery == "2-6 working days"
    assert told.next_step.endswith("get_store_info; questions: help@pickle.example.")
    assert sent_view.order is not None
    assert sent_view.order.delivery is None, "a parcel tells more"
    assert told.notice is None, "the shop itself says where it stands"
    assert untold_view.order is not None
    assert untold_view.order.number == "10001"
    assert untold_view.notice == (
        "The order is paid. Where the parcel is, the shop does not tell here; Parcel post usually takes 2-6 working "
        "days. To learn more, the buyer asks the shop (help@pickle.example) and names the order's number."
    )


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_missing_shipping_method_is_told_with_how_long_each_takes(
    monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    async def refuse(*_: object) -> NoReturn:
        raise ShippingMethodRefused("", [ShippingMethod("post_parcel", "Post", Money(995, "AUD"))])

    environment = CheckoutEnvironment(store=replace(STORE, delivery_times={"post_parcel": "2-6 working days"}))
    monkeypatch.setattr(environment.shop, "preview_order", refuse)
    monkeypatch.setattr(environment.shop, "quote_order", refuse)
    with pytest.raises(ShippingMethodRefused, match="shipping_method is missing") as refused:
        await environment.agent.place(HANDLE, replace(DRAFT, shipping_method=""), key=None, dry_run=dry_run)

    assert isinstance(refused.value.detail, ShippingOffers)
    assert [method.delivery for method in refused.value.detail.methods] == ["2-6 working days"]


async def test_a_mail_is_promised_only_where_one_is_sent() -> None:
    for sends in (False, True):
        environment = CheckoutEnvironment(sends_mail=sends)
        id_ = await placed(environment)
        await pay(environment, id_)
        await environment.settle()
        assert ("e-mail" in (await environment.agent.status(id_)).next_step) is sends
        shown = await environment.buyer.page(environment.token(id_))
        assert shown is not None
        assert shown.confirms_by_mail is sends


async def test_a_payment_that_comes_too_late_is_let_go() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)
    session = environment.checkout.session or ""
    await environment.agent.cancel(id_)
    # A provider that had closed the page takes money for it all the same.
    environment.provider.sessions[session] = replace(environment.provider.sessions[session], state="open")
    assert environment.provider.pay(session)
    await environment.records.mark_due(environment.checkout.store, id_, now=environment.clock())
    await environment.settle()
    assert environment.violations() == []


async def test_an_unknown_address_shows_nothing() -> None:
    environment = CheckoutEnvironment()
    await placed(environment)
    assert await environment.buyer.page("nope") is None
    assert await environment.buyer.return_from_payment("nope") is None
    assert await environment.buyer.pay("nope", total_shown=1) is None


async def test_a_busy_shop_is_asked_again_and_nobody_loses_the_order() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    environment.trouble.coming = ["busy"]
    with pytest.raises(ShopBusy):
        await environment.buyer.pay(environment.token(id_), total_shown=5500)
    assert environment.checkout.state == "open"
    await pay(environment, id_)
    # Session, payment, payment: the fourth call looks at the cart once more.
    environment.trouble.coming = ["fine"] * 3 + ["busy"]
    await environment.settle()
    assert (await environment.agent.status(id_)).status == "completed"
    assert environment.violations() == []


async def test_a_total_that_the_provider_does_not_take_ends_the_checkout_with_a_reason() -> None:
    environment = CheckoutEnvironment()
    environment.shop.price = 2751
    environment.shop.quantity = 1
    id_ = await placed(environment)

    page = await environment.buyer.pay(environment.token(id_), total_shown=2751)

    assert isinstance(page, PaymentPageView)
    assert (page.state, page.reason) == ("canceled", REFUSAL_REASONS["step"])
    shown = await environment.agent.status(id_)
    assert (shown.status, shown.notice, shown.continue_url) == ("canceled", REFUSAL_REASONS["step"], None)
    assert environment.checkout.problem == "no payment page: the last digit must be 0"
    assert environment.violations() == []


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_total_that_cannot_be_paid_is_refused_before_a_page_opens(dry_run: bool) -> None:
    environment = CheckoutEnvironment()
    environment.shop.price = 20
    with pytest.raises(TotalRefused, match=r"too small to be paid online\. it takes at least AUD 0\.50"):
        await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=dry_run)
    assert environment.records.checkouts == {}
    elsewhere = CheckoutEnvironment(offline=("bank",))
    elsewhere.shop.price = 20
    await placed(elsewhere)
    assert not elsewhere.checkout.online


@pytest.mark.parametrize("lasts", [60.0, 86_400.0])
@pytest.mark.parametrize("off", [-90.0, 90.0])
async def test_a_clock_that_is_a_little_off_opens_a_page_all_the_same(lasts: float, off: float) -> None:
    environment = CheckoutEnvironment(lifetime_seconds=lasts)
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)
    (request,) = environment.provider.wanted.values()
    assert 30 * 60 <= request.expires_at - (environment.clock() + off) <= 24 * 3600


async def test_a_total_that_the_provider_does_not_take_can_still_be_paid_in_another_way() -> None:
    environment = CheckoutEnvironment(offline=("bank",))
    environment.shop.price = 2751
    environment.shop.quantity = 1
    token = environment.token(await placed(environment))

    page = await environment.buyer.pay(token, total_shown=2751)

    assert isinstance(page, PaymentPageView)
    assert (page.state, page.online, [method.code for method in page.offline]) == ("open", False, ["bank"])
    page = await environment.buyer.pay(token, total_shown=2751, offline_method="bank")
    assert isinstance(page, PaymentPageView)
    assert page.state == "ordered"
    assert environment.violations() == []


async def test_a_lease_that_comes_late_is_not_forgotten() -> None:
    """A record that answers after the time to wait for it has been taken all the same."""
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    lease = environment.records.lease

    async def slowly(id_: str, *, now: float, seconds: float) -> Checkout | None:
        held = await lease(id_, now=now, seconds=seconds)
        await asyncio.sleep(0.01)  # longer than the environment's terms wait
        return held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.records, "lease", slowly)
        assert (await environment.agent.cancel(id_)).status == "canceled"


async def test_who_cannot_get_the_lease_is_told_to_come_again() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.records.lease(id_, now=environment.clock(), seconds=60)
    with pytest.raises(ShopBusy):
        await environment.agent.cancel(id_)


async def test_the_shop_is_not_asked_when_the_lease_may_end_meanwhile() -> None:
    """A worker that slept after writing so must not ask: somebody else may be about to."""
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await pay(environment, id_)
    now = environment.clock()
    held = transition(transition(environment.checkout, "authorized", now=now), "placing", now=now, place_try=1)

    after = await place(
        environment.context, replace(held, lease_until=now + environment.context.policy.place_timeout_seconds - 1)
    )

    assert (after.state, after.place_try) == ("authorized", 0)
    assert environment.shop.orders == []


@pytest.mark.parametrize("well", range(6))
@pytest.mark.parametrize("captures", [True, False])
async def test_a_worker_that_was_frozen_finds_that_others_have_gone_on(well: int, captures: bool) -> None:
    environment = CheckoutEnvironment(captures=captures)
    id_ = await placed(environment)
    await pay(environment, id_)
    # Session, payment, payment, priced, the order, and the payment once more.
    environment.trouble.coming = ["fine"] * well + ["frozen"]
    await environment.settle()
    assert environment.trouble.coming == []
    assert (await environment.agent.status(id_)).status == "completed"
    assert [entry[0] for entry in environment.shop.orders] == [id_]
    assert environment.violations() == []
