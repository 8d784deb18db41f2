"""Rare events between payment and order, one per test."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout import payment_steps, steps, views
from storefront_mcp.checkout.buyer import BuyerCheckout
from storefront_mcp.checkout.operator import NotResolvable, resolve
from storefront_mcp.checkout.payment_page import PaymentPageView
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import transition
from storefront_mcp.checkout.steps import poll_payment
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.checkout import OrderView
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CartGone,
    CheckoutNotFound,
    KeyReused,
    NoWayToPay,
    PaymentDown,
    ShopBusy,
    ShopDown,
)
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from storefront_mcp.payments.provider import Payment, ProviderRefused
from storefront_mcp.roadmap.terms import FlipTerms
from tests.unit.checkout.environment import DRAFT, HANDLE, STORE, CheckoutEnvironment
from tests.unit.checkout.test_checkout_flow import pay, placed


async def paid(*, captures: bool = True) -> tuple[CheckoutEnvironment, Checkout]:
    """A checkout whose buyer has paid, and nobody has noticed yet."""
    environment = CheckoutEnvironment(captures=captures)
    await pay(environment, await placed(environment))
    environment.clock.time += environment.context.policy.poll_seconds
    return environment, environment.checkout


def now_in(environment: CheckoutEnvironment, checkout: Checkout, *states: str, **changes: object) -> Checkout:
    """The checkout further on, on record."""
    payment = next(iter(environment.provider.payments), None)
    for state in states:
        checkout = transition(checkout, state, now=environment.clock(), payment=payment)  # type: ignore[arg-type]
    environment.records.checkouts[checkout.id] = replace(checkout, **changes)
    return environment.records.checkouts[checkout.id]


def payment(environment: CheckoutEnvironment, state: str) -> None:
    """Let the money be in another state, whoever did it."""
    (id_,) = environment.provider.payments
    environment.provider.payments[id_] = replace(environment.provider.payments[id_], state=state)  # type: ignore[arg-type]


async def test_money_that_the_bank_takes_back_before_the_order_ends_the_checkout() -> None:
    environment, _ = await paid()
    environment.trouble.coming = ["fine", "fine", "down"]
    await environment.reconciler.run_once()
    assert environment.checkout.state == "authorized"
    payment(environment, "released")
    await environment.settle()
    assert (environment.checkout.state, environment.checkout.reason) == ("failed", payment_steps.WITHDRAWN_REASON)
    assert environment.shop.orders == []


async def test_a_shop_that_is_away_for_too_long_costs_the_buyer_nothing() -> None:
    environment, checkout = await paid()
    now_in(
        environment, checkout, "authorized", paid_at=environment.clock() - environment.context.policy.retry_seconds - 1
    )
    await environment.settle()
    assert (environment.checkout.state, environment.checkout.reason) == (
        "failed",
        steps.UNREACHABLE_REASON,
    )
    assert environment.violations() == []


async def test_without_the_key_of_its_personal_data_a_paid_checkout_waits_for_a_person() -> None:
    environment, checkout = await paid()
    now_in(environment, checkout, "authorized", personal=None)
    await environment.settle()
    assert environment.checkout.state == "needs_human"
    assert "personal data cannot be read" in (environment.checkout.problem or "")
    now_in(environment, checkout, personal=None, session_over=True)
    with pytest.raises(ShopDown):
        await environment.buyer.pay(environment.token(checkout.id), total_shown=5500)
    with pytest.raises(RuntimeError, match="personal data"):
        await payment_steps.open_session(environment.context, environment.checkout, "token")


async def test_an_unclear_order_is_asked_about_until_the_shop_answers_or_a_person_must() -> None:
    environment, checkout = await paid()
    unclear = now_in(environment, checkout, "authorized", "placing", "unknown", over=True)
    environment.trouble.coming = ["fine", "down"]
    with pytest.raises(ShopDown):
        await steps.find_lost_order(environment.context, unclear)
    environment.trouble.coming = ["fine", "down"]
    late = await steps.find_lost_order(
        environment.context, replace(unclear, since=environment.clock() - environment.context.policy.retry_seconds - 1)
    )
    assert (late.state, late.due_at) == ("needs_human", None)
    assert "cannot be asked" in (late.problem or "")


async def test_a_cart_that_ended_without_an_order_lets_the_money_go() -> None:
    environment, checkout = await paid()
    unclear = now_in(environment, checkout, "authorized", "placing", "unknown", over=True)

    async def nothing(cart: CartId, reference: str) -> Order | None:
        raise CartGone

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "find_order", nothing)
        assert (await steps.find_lost_order(environment.context, unclear)).state == "releasing"


async def test_a_cart_that_is_gone_while_the_money_was_not_taken_needs_a_person() -> None:
    environment, checkout = await paid()
    unclear = now_in(environment, checkout, "authorized", "placing", "unknown", over=True)
    environment.shop.open.clear()
    stuck = await steps.find_lost_order(environment.context, unclear)
    assert (stuck.state, stuck.problem) == (
        "needs_human",
        "the cart is gone and the money was not taken: look for an order of it",
    )


async def test_an_unclear_order_whose_money_went_back_meanwhile_has_failed() -> None:
    environment, checkout = await paid()
    unclear = now_in(environment, checkout, "authorized", "placing", "unknown", over=True)
    payment(environment, "released")
    assert (await steps.find_lost_order(environment.context, unclear)).state == "failed"


@pytest.mark.parametrize(("place_try", "state"), [(1, "releasing"), (2, "unknown")])
async def test_a_cart_that_is_gone_at_the_second_try_was_ordered_by_the_first(place_try: int, state: str) -> None:
    environment, checkout = await paid()
    asking = now_in(
        environment, checkout, "authorized", "placing", place_try=place_try, lease_until=environment.clock() + 120
    )
    environment.shop.open.clear()
    assert (await steps.place(environment.context, asking)).state == state


async def test_a_busy_shop_was_asked_in_vain_and_is_asked_again_after_its_pause() -> None:
    environment, checkout = await paid()
    asking = now_in(environment, checkout, "authorized", "placing", place_try=1, lease_until=environment.clock() + 120)

    async def busy(cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        raise ShopBusy(retry_after=7)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "place_order", busy)
        after = await steps.place(environment.context, asking)
    assert (after.state, after.place_try, after.due_at) == ("authorized", 0, environment.clock() + 7)


@pytest.mark.parametrize("settles", ["provider", "free"])
async def test_an_order_that_is_dearer_than_agreed_needs_a_person_and_is_named(settles: Any) -> None:
    environment, after = await placed_at(Money(6000, "AUD"), settles=settles)
    assert (after.state, after.order_number) == ("needs_human", "10001")
    assert after.problem == "the order's total is AUD 60.00, and AUD 55.00 was agreed"
    view = views.agent_view(environment.context, after)
    assert view.order == OrderView(number="10001", total=Money(6000, "AUD"))
    assert "The order exists" in view.next_step
    assert "AUD 60.00" in (view.notice or "")


async def test_an_order_that_is_cheaper_than_agreed_is_charged_as_it_is_and_told() -> None:
    environment, after = await placed_at(Money(5498, "AUD"))
    assert after.state == "capturing"
    before = views.agent_view(environment.context, after)
    assert before.order == OrderView(number="10001", total=Money(5498, "AUD")), "named while it is being paid"

    ended = await payment_steps.capture_step(environment.context, after)

    assert ended.state == "placed"
    assert environment.provider.payments[ended.payment or ""].amount == Money(5498, "AUD")
    told = "The shop made the order with a total of AUD 54.98; AUD 55.00 was shown before. Only AUD 54.98 is charged."
    assert views.agent_view(environment.context, ended).notice == told
    page = views.payment_page_view(environment.context, ended)
    assert (page.order_number, page.order_total, page.reason) == ("10001", Money(5498, "AUD"), told)


@pytest.mark.parametrize("total", [5498, 5502])
async def test_an_order_that_is_paid_later_is_settled_at_its_own_total(total: int) -> None:
    environment, after = await placed_at(Money(total, "AUD"), settles="offline")
    assert (after.state, after.order_number, after.order_total) == ("placed", "10001", Money(total, "AUD"))
    assert f"a total of AUD {total / 100}" in (views.agent_view(environment.context, after).notice or "")


async def test_an_order_in_another_currency_needs_a_person() -> None:
    _, after = await placed_at(Money(5000, "USD"))
    assert after.state == "needs_human"


async def test_a_dearer_order_that_an_operator_accepts_is_charged_as_agreed() -> None:
    environment, stuck = await placed_at(Money(6000, "AUD"))
    accepted = now_in(environment, stuck, "capturing")
    ended = await payment_steps.capture_step(environment.context, accepted)
    assert environment.provider.payments[ended.payment or ""].amount == Money(5500, "AUD")


async def placed_at(total: Money, settles: Any = "provider") -> tuple[CheckoutEnvironment, Checkout]:
    """A checkout of AUD 55.00 whose order is made with this total."""
    environment, checkout = await paid(captures=False)
    asking = now_in(environment, checkout, "authorized", "placing", place_try=1, lease_until=environment.clock() + 120)

    async def other(cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        return Order(number="10001", total=total)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "place_order", other)
        return environment, await steps.place(environment.context, replace(asking, settles=settles))


@pytest.mark.parametrize("state", ["released", "waiting"])
async def test_an_order_whose_money_cannot_be_taken_is_not_called_paid(state: str) -> None:
    environment, checkout = await paid(captures=False)
    capturing = now_in(environment, checkout, "authorized", "placing", "capturing")
    payment(environment, state)
    after = await payment_steps.capture_step(environment.context, capturing)
    assert after.state == ("needs_human" if state == "released" else "capturing")


async def test_a_refused_capture_needs_a_person_and_a_refused_release_a_look() -> None:
    environment, checkout = await paid(captures=False)
    capturing = now_in(environment, checkout, "authorized", "placing", "capturing")
    releasing = now_in(environment, checkout, "authorized", "releasing")

    async def refuse(payment: str, *, key: str, amount: Money | None = None) -> Payment:
        raise ProviderRefused("no")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.provider, "capture", refuse)
        patch.setattr(environment.provider, "release", refuse)
        assert (await payment_steps.capture_step(environment.context, capturing)).state == "needs_human"
        assert (await payment_steps.release_step(environment.context, releasing)).state == "releasing"
        payment(environment, "released")
        assert (await payment_steps.release_step(environment.context, releasing)).state == "failed"


async def test_money_that_was_taken_is_never_said_to_be_let_go() -> None:
    environment, checkout = await paid()
    payment(environment, "captured")
    now_in(environment, checkout, "authorized", "releasing", reason=steps.NO_ORDER_REASON)
    await environment.settle()
    assert (environment.checkout.state, environment.checkout.taken) == ("needs_human", Money(5500, "AUD"))
    shown = await environment.agent.status(checkout.id)
    assert shown.notice == "The shop failed to make the order."
    assert "AUD 55.00 was charged" in shown.next_step
    page = await environment.buyer.page(environment.token(checkout.id))
    assert page is not None
    assert (page.state, page.reason) == ("attention", shown.notice)


async def test_a_part_that_was_taken_is_shown_as_a_part_until_a_person_has_looked() -> None:
    environment, checkout = await paid(captures=False)
    (id_,) = environment.provider.payments
    environment.provider.captured(id_, Money(2000, "AUD"))
    now_in(environment, checkout, "authorized", "placing", "capturing", order_number="10001")
    await environment.settle()
    assert environment.checkout.state == "needs_human"
    assert "AUD 20.00 was taken for an order of AUD 55.00" in (environment.checkout.problem or "")
    shown = await environment.agent.status(checkout.id)
    assert shown.notice == "The order's total is AUD 55.00, and AUD 20.00 was charged."
    assert "The order exists" in shown.next_step
    await resolve(environment.records, STORE.id, checkout.id, "ordered", by="nina", now=environment.clock())
    await environment.settle()
    done = await environment.agent.status(checkout.id)
    assert (done.status, done.notice) == ("completed", shown.notice)


async def test_the_shop_hears_once_that_the_money_was_taken_and_is_told_again_while_it_does_not_answer() -> None:
    environment, _ = await paid(captures=False)
    (id_,) = environment.provider.payments
    told, tries = environment.shop.mark_paid, []

    async def hear(order: Order, settlement: OrderSettlement) -> None:
        tries.append(order.number)
        if len(tries) < 3:
            raise ShopDown(internal="not now")
        await told(order, settlement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "mark_paid", hear)
        await environment.settle()
    assert environment.checkout.state == "placed"
    assert tries == ["10001"] * 3
    assert environment.shop.paid == {environment.checkout.id: id_}
    assert environment.provider.payments[id_].state == "captured"


async def test_a_shop_that_does_not_mark_an_order_as_paid_needs_a_person_who_has_the_last_word() -> None:
    environment, checkout = await paid(captures=False)
    environment.shop.refuses_payment = True
    await environment.settle()
    assert environment.checkout.state == "needs_human"
    assert "does not mark its order as paid" in (environment.checkout.problem or "")
    assert "the order was cancelled" in (environment.checkout.problem or "")
    await resolve(environment.records, STORE.id, checkout.id, "ordered", by="nina", now=environment.clock())
    await environment.settle()
    assert (environment.checkout.state, environment.shop.paid) == ("placed", {})


async def test_a_shop_that_cannot_be_told_for_a_day_needs_a_person() -> None:
    environment, _ = await paid(captures=False)
    payment(environment, "captured")
    capturing = now_in(environment, environment.checkout, "authorized", "placing", "capturing", order_number="10001")

    async def silent(order: Order, settlement: OrderSettlement) -> None:
        raise ShopDown(internal="still closed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "mark_paid", silent)
        with pytest.raises(ShopDown):
            await payment_steps.capture_step(environment.context, capturing)
        environment.clock.time += environment.context.policy.retry_seconds + 1
        after = await payment_steps.capture_step(environment.context, capturing)
    assert (after.state, after.order_number) == ("needs_human", "10001")
    assert "still closed" in (after.problem or "")


async def test_nothing_was_paid_so_nothing_is_taken_or_let_go() -> None:
    environment, checkout = await paid()
    capturing = now_in(environment, checkout, "authorized", "placing", "capturing", payment=None)
    assert (await payment_steps.capture_step(environment.context, capturing)).state == "placed"
    releasing = now_in(environment, checkout, "authorized", "releasing", payment=None)
    assert (await payment_steps.release_step(environment.context, releasing)).state == "failed"


async def test_money_taken_for_a_checkout_that_has_ended_is_told_to_the_operator() -> None:
    environment, checkout = await paid()
    payment(environment, "captured")
    ended = now_in(environment, checkout, "closing", "canceled")
    cleared = await steps.release_late_payment(environment.context, ended)
    assert (cleared.state, cleared.due_at) == ("canceled", None)
    assert "refund it" in (cleared.problem or "")
    environment.records.checkouts[cleared.id] = cleared
    assert (await environment.buyer.page(environment.token(cleared.id))).state == "attention"  # type: ignore[union-attr]
    assert "AUD 55.00 was charged" in (await environment.agent.status(cleared.id)).next_step
    payment(environment, "released")
    assert (await steps.release_late_payment(environment.context, ended)).problem is None
    unpaid = replace(ended, session=None, due_at=environment.clock())
    assert (await steps.release_late_payment(environment.context, unpaid)).due_at is None


async def test_a_page_that_is_neither_open_nor_paid_keeps_its_cart() -> None:
    """Complete, says the provider, and the payment is still on its way."""
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    await environment.buyer.pay(environment.token(id_), total_shown=5500)
    session = environment.checkout.session or ""
    environment.provider.sessions[session] = replace(environment.provider.sessions[session], state="complete", url=None)
    with pytest.raises(PaymentDown):
        await environment.agent.cancel(id_)
    assert environment.checkout.state == "closing"
    await environment.reconciler.run_once()
    assert environment.checkout.state == "closing"
    assert environment.checkout.due_at is not None


async def test_a_total_that_becomes_nothing_has_to_be_ordered_again() -> None:
    environment = CheckoutEnvironment()
    token = environment.token(await placed(environment))
    environment.shop.price = 0
    page = await environment.buyer.pay(token, total_shown=5500)
    assert isinstance(page, PaymentPageView)
    assert page.state == "canceled"
    assert "placed again" in (page.reason or "")


async def test_goods_that_are_gone_end_the_checkout_before_anything_is_paid() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    environment.shop.open.clear()
    page = await environment.buyer.pay(environment.token(id_), total_shown=5500)
    assert isinstance(page, PaymentPageView)
    assert page.state == "canceled"


async def test_a_buyer_who_presses_pay_after_paying_has_bought_once() -> None:
    environment, checkout = await paid()
    page = await environment.buyer.pay(environment.token(checkout.id), total_shown=5500)
    assert isinstance(page, PaymentPageView)
    assert page.state == "ordered"
    assert len(environment.shop.orders) == 1
    page = await environment.buyer.pay(environment.token(checkout.id), total_shown=5500)
    assert isinstance(page, PaymentPageView)
    assert environment.violations() == []


async def test_the_buyer_is_told_when_the_provider_does_not_answer() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    environment.trouble.coming = ["fine", "down"]
    with pytest.raises(PaymentDown):
        await environment.buyer.pay(environment.token(id_), total_shown=5500)


async def test_a_store_that_lost_its_provider_keeps_what_was_begun() -> None:
    environment, checkout = await paid()
    environment.context = replace(environment.context, provider=None)
    with pytest.raises(RuntimeError, match="none is set up"):
        await steps.poll_payment(environment.context, checkout)
    environment.start()
    await environment.reconciler.run_once()
    assert environment.checkout.state == "open"
    assert (environment.checkout.due_at or 0) > environment.clock()


async def test_a_step_that_is_not_in_the_table_is_never_taken() -> None:
    environment = CheckoutEnvironment()
    await placed(environment)
    with pytest.raises(ValueError, match="open is not followed by placed"):
        transition(environment.checkout, "placed", now=environment.clock())


async def test_an_agent_hears_what_is_wrong_with_its_wish() -> None:
    environment = CheckoutEnvironment()
    with pytest.raises(CheckoutNotFound):
        await environment.agent.status("chk_nope")
    environment.shop.price, environment.shop.offers_free = 0, False
    with pytest.raises(NoWayToPay):
        await environment.agent.place(HANDLE, DRAFT, key=None, dry_run=False)


async def test_a_key_that_another_worker_has_just_used_is_refused() -> None:
    """Between the look for the key and the record another request took it."""
    environment = CheckoutEnvironment()
    priced = environment.shop.quote_order

    async def overtaken(cart: CartId, draft: OrderDraft) -> Cart:
        context = environment.context
        taken = (STORE.id, context.cart_digest(HANDLE), context.key_digest("k1"))
        environment.records.keys[taken] = ("chk_other", "another request")
        return await priced(cart, draft)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "quote_order", overtaken)
        with pytest.raises(KeyReused):
            await environment.agent.place(HANDLE, DRAFT, key="k1", dry_run=False)


async def test_a_request_that_always_finds_the_cart_taken_gives_up() -> None:
    environment = CheckoutEnvironment()
    await placed(environment)
    standing = environment.checkout

    async def taken(checkout: Checkout, *, key: str | None = None) -> Checkout:
        return standing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.records, "open", taken)
        with pytest.raises(CartBeingOrdered):
            await environment.agent.place(HANDLE, replace(DRAFT, note="Ring twice"), key=None, dry_run=False)


async def test_an_order_is_shown_even_when_the_shop_cannot_tell_of_it() -> None:
    environment, checkout = await paid()
    await environment.settle()

    async def away(order: Order) -> None:
        raise ShopDown

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.shop, "order_progress", away)
        shown = await environment.agent.status(checkout.id)
    assert shown.order is not None
    assert (shown.order.number, shown.order.status) == ("10001", None)


async def test_a_person_who_comes_second_finds_it_finished() -> None:
    """Somebody finished it between the look and the lease."""
    environment, checkout = await paid()
    now_in(environment, checkout, "authorized", "needs_human")
    lease = environment.records.lease

    async def overtaken(id_: str, *, now: float, seconds: float) -> Checkout | None:
        now_in(environment, environment.records.checkouts[id_], "failed")
        return await lease(id_, now=now, seconds=seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment.records, "lease", overtaken)
        with pytest.raises(NotResolvable, match="is failed"):
            await resolve(environment.records, STORE.id, checkout.id, "refunded", by="nina", now=environment.clock())
    assert environment.checkout.lease_until == 0


async def test_the_buyer_sees_whole_addresses_until_it_is_paid_and_nobody_afterwards() -> None:
    environment = CheckoutEnvironment()
    id_ = await placed(environment)
    before = await environment.buyer.page(environment.token(id_))
    await pay(environment, id_)
    after = await environment.buyer.return_from_payment(environment.token(id_))

    assert before is not None
    assert after is not None
    whole = ("Ada Lovelace", "1 Brine St", "7000 Hobart, TAS", "AU", "+61 3 5550 0000")
    assert (before.email, before.recipient, before.billed_to) == ("ada@example.com", whole, ())
    assert (after.email, after.recipient, after.ships_to) == ("a…@example.com", (), "Hobart, AU")


async def test_nobody_can_pay_while_payment_is_stopped_and_what_was_paid_before_is_ordered() -> None:
    environment = CheckoutEnvironment()
    stopped: list[FlipTerms] = []
    context = environment.context
    environment.context = replace(context, payment_stop=lambda: stopped[0] if stopped else None)
    buyer = BuyerCheckout(environment.context, lambda _: asyncio.create_task(asyncio.sleep(0)))
    token = environment.token(await placed(environment))
    stopped.append(FlipTerms(reason="wrong prices"))
    refused = await buyer.pay(token, total_shown=5500)

    assert isinstance(refused, PaymentPageView)
    assert (refused.state, refused.reason) == ("stopped", "Closed for now: wrong prices.")
    closed = await poll_payment(environment.context, environment.checkout)
    assert (closed.state, closed.closing_to, closed.reason) == ("closing", "canceled", "Closed for now: wrong prices.")
    stopped.clear()
    assert await buyer.pay(token, total_shown=5500) == "https://pay.example/s"
