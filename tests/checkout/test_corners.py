"""What hardly ever happens between a payment and its order, each case by itself."""

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout import money, steps
from storefront_mcp.checkout.finishing import NotToFinish, finish
from storefront_mcp.checkout.paying import PayPage
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import moved
from storefront_mcp.commerce.cart import Cart
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
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId
from storefront_mcp.commerce.order import Order, OrderDraft, Settlement
from storefront_mcp.payments.port import Payment, ProviderRefused
from tests.checkout.test_the_whole_way import pay, placed
from tests.checkout.world import DRAFT, HANDLE, STORE, World


async def paid(*, captures: bool = True) -> tuple[World, Checkout]:
    """A checkout whose buyer has paid, and nobody has noticed yet."""
    world = World(captures=captures)
    await pay(world, await placed(world))
    world.clock.time += world.trade.terms.poll
    return world, world.checkout


def now_in(world: World, checkout: Checkout, *states: str, **changes: object) -> Checkout:
    """The checkout further on, on record."""
    payment = next(iter(world.provider.payments), None)
    for state in states:
        checkout = moved(checkout, state, now=world.clock(), payment=payment)  # type: ignore[arg-type]
    world.records.checkouts[checkout.id] = replace(checkout, **changes)
    return world.records.checkouts[checkout.id]


def payment(world: World, state: str) -> None:
    """Let the money be in another state, whoever did it."""
    (id_,) = world.provider.payments
    world.provider.payments[id_] = replace(world.provider.payments[id_], state=state)  # type: ignore[arg-type]


async def test_money_that_the_bank_takes_back_before_the_order_ends_the_checkout() -> None:
    world, _ = await paid()
    world.trouble.coming = ["fine", "fine", "down"]
    await world.reconciler.round()
    assert world.checkout.state == "authorized"
    payment(world, "released")
    await world.settle()
    assert (world.checkout.state, world.checkout.reason) == ("failed", money.WITHDRAWN)
    assert world.shop.orders == []


async def test_a_shop_that_is_away_for_too_long_costs_the_buyer_nothing() -> None:
    world, checkout = await paid()
    now_in(world, checkout, "authorized", paid_at=world.clock() - world.trade.terms.patience - 1)
    await world.settle()
    assert (world.checkout.state, world.checkout.reason) == ("failed", steps.UNREACHABLE)
    assert world.violations() == []


async def test_without_the_key_of_its_personal_data_a_paid_checkout_waits_for_a_person() -> None:
    world, checkout = await paid()
    now_in(world, checkout, "authorized", personal=None)
    await world.settle()
    assert world.checkout.state == "needs_human"
    assert "personal data cannot be read" in (world.checkout.problem or "")
    now_in(world, checkout, personal=None, session_over=True)
    with pytest.raises(ShopDown):
        await world.cashier.pay(world.token(checkout.id), shown=5500)
    with pytest.raises(RuntimeError, match="personal data"):
        await money.opened(world.trade, world.checkout)


async def test_an_unclear_order_is_asked_about_until_the_shop_answers_or_a_person_must() -> None:
    world, checkout = await paid()
    unclear = now_in(world, checkout, "authorized", "placing", "unknown", over=True)
    world.trouble.coming = ["fine", "down"]
    with pytest.raises(ShopDown):
        await steps.look(world.trade, unclear)
    world.trouble.coming = ["fine", "down"]
    late = await steps.look(world.trade, replace(unclear, since=world.clock() - world.trade.terms.patience - 1))
    assert (late.state, late.due_at) == ("needs_human", None)
    assert "cannot be asked" in (late.problem or "")


async def test_a_cart_that_ended_without_an_order_lets_the_money_go() -> None:
    world, checkout = await paid()
    unclear = now_in(world, checkout, "authorized", "placing", "unknown", over=True)

    async def nothing(cart: CartId, reference: str) -> Order | None:
        raise CartGone

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.shop, "find_order", nothing)
        assert (await steps.look(world.trade, unclear)).state == "releasing"


async def test_a_cart_that_is_gone_while_the_money_was_not_taken_needs_a_person() -> None:
    world, checkout = await paid()
    unclear = now_in(world, checkout, "authorized", "placing", "unknown", over=True)
    world.shop.open.clear()
    stuck = await steps.look(world.trade, unclear)
    assert (stuck.state, stuck.problem) == (
        "needs_human",
        "the cart is gone and the money was not taken: look for an order of it",
    )


async def test_an_unclear_order_whose_money_went_back_meanwhile_has_failed() -> None:
    world, checkout = await paid()
    unclear = now_in(world, checkout, "authorized", "placing", "unknown", over=True)
    payment(world, "released")
    assert (await steps.look(world.trade, unclear)).state == "failed"


@pytest.mark.parametrize(("place_try", "state"), [(1, "releasing"), (2, "unknown")])
async def test_a_cart_that_is_gone_at_the_second_try_was_ordered_by_the_first(place_try: int, state: str) -> None:
    world, checkout = await paid()
    asking = now_in(world, checkout, "authorized", "placing", place_try=place_try, lease_until=world.clock() + 120)
    world.shop.open.clear()
    assert (await steps.place(world.trade, asking)).state == state


async def test_a_busy_shop_was_asked_in_vain_and_is_asked_again_after_its_pause() -> None:
    world, checkout = await paid()
    asking = now_in(world, checkout, "authorized", "placing", place_try=1, lease_until=world.clock() + 120)

    async def busy(cart: CartId, draft: OrderDraft, settlement: Settlement) -> Order:
        raise ShopBusy(retry_after=7)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.shop, "place_order", busy)
        after = await steps.place(world.trade, asking)
    assert (after.state, after.place_try, after.due_at) == ("authorized", 0, world.clock() + 7)


async def test_an_order_of_another_total_needs_a_person() -> None:
    world, checkout = await paid()
    asking = now_in(world, checkout, "authorized", "placing", place_try=1, lease_until=world.clock() + 120)

    async def dearer(cart: CartId, draft: OrderDraft, settlement: Settlement) -> Order:
        return Order(number="10001", total=Money(6000, "AUD"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.shop, "place_order", dearer)
        after = await steps.place(world.trade, asking)
    assert (after.state, after.order_number) == ("needs_human", "10001")
    assert after.problem == "the order's total is AUD 60.00, and AUD 55.00 was agreed"


@pytest.mark.parametrize("state", ["released", "waiting"])
async def test_an_order_whose_money_cannot_be_taken_is_not_called_paid(state: str) -> None:
    world, checkout = await paid(captures=False)
    capturing = now_in(world, checkout, "authorized", "placing", "capturing")
    payment(world, state)
    after = await money.taken(world.trade, capturing)
    assert after.state == ("needs_human" if state == "released" else "capturing")


async def test_a_refused_capture_needs_a_person_and_a_refused_release_a_look() -> None:
    world, checkout = await paid(captures=False)
    capturing = now_in(world, checkout, "authorized", "placing", "capturing")
    releasing = now_in(world, checkout, "authorized", "releasing")

    async def refuse(payment: str, *, key: str) -> Payment:
        raise ProviderRefused("no")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.provider, "capture", refuse)
        patch.setattr(world.provider, "release", refuse)
        assert (await money.taken(world.trade, capturing)).state == "needs_human"
        assert (await money.let_go(world.trade, releasing)).state == "releasing"
        payment(world, "released")
        assert (await money.let_go(world.trade, releasing)).state == "failed"


async def test_nothing_was_paid_so_nothing_is_taken_or_let_go() -> None:
    world, checkout = await paid()
    capturing = now_in(world, checkout, "authorized", "placing", "capturing", payment=None)
    assert (await money.taken(world.trade, capturing)).state == "placed"
    releasing = now_in(world, checkout, "authorized", "releasing", payment=None)
    assert (await money.let_go(world.trade, releasing)).state == "failed"


async def test_money_taken_for_a_checkout_that_has_ended_is_told_to_the_operator() -> None:
    world, checkout = await paid()
    payment(world, "captured")
    ended = now_in(world, checkout, "closing", "canceled")
    cleared = await steps.clear(world.trade, ended)
    assert (cleared.state, cleared.due_at) == ("canceled", None)
    assert "refund it" in (cleared.problem or "")
    payment(world, "released")
    assert (await steps.clear(world.trade, ended)).problem is None
    unpaid = replace(ended, session=None, due_at=world.clock())
    assert (await steps.clear(world.trade, unpaid)).due_at is None


async def test_a_page_that_is_neither_open_nor_paid_keeps_its_cart() -> None:
    """Complete, says the provider, and the payment is still on its way."""
    world = World()
    id_ = await placed(world)
    await world.cashier.pay(world.token(id_), shown=5500)
    session = world.checkout.session or ""
    world.provider.sessions[session] = replace(world.provider.sessions[session], state="complete", url=None)
    with pytest.raises(PaymentDown):
        await world.desk.cancel(id_)
    assert world.checkout.state == "closing"
    await world.reconciler.round()
    assert world.checkout.state == "closing"
    assert world.checkout.due_at is not None


async def test_a_total_that_becomes_nothing_has_to_be_ordered_again() -> None:
    world = World()
    token = world.token(await placed(world))
    world.shop.price = 0
    page = await world.cashier.pay(token, shown=5500)
    assert isinstance(page, PayPage)
    assert page.state == "canceled"
    assert "placed again" in (page.reason or "")


async def test_goods_that_are_gone_end_the_checkout_before_anything_is_paid() -> None:
    world = World()
    id_ = await placed(world)
    world.shop.open.clear()
    page = await world.cashier.pay(world.token(id_), shown=5500)
    assert isinstance(page, PayPage)
    assert page.state == "canceled"


async def test_a_buyer_who_presses_pay_after_paying_has_bought_once() -> None:
    world, checkout = await paid()
    page = await world.cashier.pay(world.token(checkout.id), shown=5500)
    assert isinstance(page, PayPage)
    assert page.state == "ordered"
    assert len(world.shop.orders) == 1
    page = await world.cashier.pay(world.token(checkout.id), shown=5500)
    assert isinstance(page, PayPage)
    assert world.violations() == []


async def test_the_buyer_is_told_when_the_provider_does_not_answer() -> None:
    world = World()
    id_ = await placed(world)
    world.trouble.coming = ["fine", "down"]
    with pytest.raises(PaymentDown):
        await world.cashier.pay(world.token(id_), shown=5500)


async def test_a_store_that_lost_its_provider_keeps_what_was_begun() -> None:
    world, checkout = await paid()
    world.trade = replace(world.trade, provider=None)
    with pytest.raises(RuntimeError, match="none is set up"):
        await steps.watch(world.trade, checkout)
    world.start()
    await world.reconciler.round()
    assert world.checkout.state == "open"
    assert (world.checkout.due_at or 0) > world.clock()


async def test_a_step_that_is_not_in_the_table_is_never_taken() -> None:
    world = World()
    await placed(world)
    with pytest.raises(ValueError, match="open is not followed by placed"):
        moved(world.checkout, "placed", now=world.clock())


async def test_an_agent_hears_what_is_wrong_with_its_wish() -> None:
    world = World()
    with pytest.raises(CheckoutNotFound):
        await world.desk.status("chk_nope")
    world.shop.price, world.shop.offers_free = 0, False
    with pytest.raises(NoWayToPay):
        await world.desk.place(HANDLE, DRAFT, key=None, dry_run=False)


async def test_a_key_that_another_worker_has_just_used_is_refused() -> None:
    """Between the look for the key and the record another wish took it."""
    world = World()
    priced = world.shop.priced

    async def overtaken(cart: CartId, draft: OrderDraft) -> Cart:
        world.records.keys[STORE.id, world.trade.key("k1")] = ("chk_other", "another wish")
        return await priced(cart, draft)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.shop, "priced", overtaken)
        with pytest.raises(KeyReused):
            await world.desk.place(HANDLE, DRAFT, key="k1", dry_run=False)


async def test_a_wish_that_always_finds_the_cart_taken_gives_up() -> None:
    world = World()
    await placed(world)
    standing = world.checkout

    async def taken(checkout: Checkout, *, key: str | None = None) -> Checkout:
        return standing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.records, "open", taken)
        with pytest.raises(CartBeingOrdered):
            await world.desk.place(HANDLE, replace(DRAFT, note="Ring twice"), key=None, dry_run=False)


async def test_an_order_is_shown_even_when_the_shop_cannot_tell_of_it() -> None:
    world, checkout = await paid()
    await world.settle()

    async def away(order: Order) -> None:
        raise ShopDown

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.shop, "order_progress", away)
        shown = await world.desk.status(checkout.id)
    assert shown.order is not None
    assert (shown.order.number, shown.order.status) == ("10001", None)


async def test_a_person_who_comes_second_finds_it_finished() -> None:
    """Somebody finished it between the look and the lease."""
    world, checkout = await paid()
    now_in(world, checkout, "authorized", "needs_human")
    lease = world.records.lease

    async def overtaken(id_: str, *, now: float, seconds: float) -> Checkout | None:
        now_in(world, world.records.checkouts[id_], "failed")
        return await lease(id_, now=now, seconds=seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.records, "lease", overtaken)
        with pytest.raises(NotToFinish, match="is failed"):
            await finish(world.records, STORE.id, checkout.id, "refunded", by="nina", now=world.clock())
    assert world.checkout.lease_until == 0
