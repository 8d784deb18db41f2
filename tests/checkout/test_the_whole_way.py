"""From place_order to an order: what happens when all goes well, and when one thing does not."""

import asyncio

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.money import NOT_TAKEN
from storefront_mcp.checkout.paying import PayPage
from storefront_mcp.checkout.record import Checkout
from storefront_mcp.checkout.states import moved
from storefront_mcp.checkout.steps import place
from storefront_mcp.commerce.errors import CartBeingOrdered, EmailRefused, KeyReused, NoWayToPay, PaymentDown, ShopBusy
from storefront_mcp.commerce.money import Money
from tests.checkout.world import DRAFT, HANDLE, World


async def placed(world: World) -> str:
    shown = await world.desk.place(HANDLE, DRAFT, key=None, dry_run=False)
    assert shown.checkout_id is not None
    return shown.checkout_id


async def pay(world: World, id_: str) -> None:
    """The buyer opens the page, goes on to the provider and pays."""
    page = await world.cashier.page(world.token(id_))
    assert page is not None
    url = await world.cashier.pay(world.token(id_), shown=page.totals.total.minor)
    assert url == "https://pay.example/s"
    session = world.checkout.session
    assert session is not None
    assert world.provider.pay(session)


@pytest.mark.parametrize("captures", [True, False])
async def test_a_paid_checkout_becomes_one_order(captures: bool) -> None:
    world = World(captures=captures)
    id_ = await placed(world)
    await pay(world, id_)

    page = await world.cashier.returned(world.token(id_))

    assert page is not None
    assert (page.state, page.order_number) == ("ordered", "10001")
    shown = await world.desk.status(id_)
    assert shown.status == "completed"
    assert shown.order is not None
    assert (shown.order.number, shown.order.status) == ("10001", "pending")
    assert world.violations() == []


async def test_the_reconciler_alone_brings_a_paid_checkout_to_its_order() -> None:
    world = World()
    await pay(world, await placed(world))
    await world.settle()
    assert world.checkout.state == "placed"
    assert world.violations() == []


async def test_the_same_wish_gives_the_same_checkout_and_address() -> None:
    world = World()
    first = await world.desk.place(HANDLE, DRAFT, key="k1", dry_run=False)
    assert await world.desk.place(HANDLE, DRAFT, key="k1", dry_run=False) == first
    assert await world.desk.place(HANDLE, DRAFT, key=None, dry_run=False) == first
    assert await world.desk.place(HANDLE, DRAFT, key="k2", dry_run=False) == first
    with pytest.raises(KeyReused):
        await world.desk.place(HANDLE, replace(DRAFT, note="Leave at door"), key="k1", dry_run=False)


async def test_another_wish_for_the_same_cart_replaces_the_first() -> None:
    world = World()
    first = await placed(world)
    await world.cashier.pay(world.token(first), shown=5500)
    other = await world.desk.place(HANDLE, replace(DRAFT, note="Leave at door"), key=None, dry_run=False)

    assert other.checkout_id != first
    assert (await world.desk.status(first)).status == "canceled"
    assert [session.state for session in world.provider.sessions.values()] == ["expired"]


async def test_a_dry_run_checks_and_writes_nothing() -> None:
    world = World()
    shown = await world.desk.place(HANDLE, DRAFT, key=None, dry_run=True)
    assert (shown.status, shown.checkout_id, shown.totals.total) == ("ready", None, Money(5500, "AUD"))
    assert world.records.checkouts == {}


@pytest.mark.parametrize("email", ["", "not-an-email", "a@", "a@b@c", "a b@example.com"])
async def test_an_email_address_that_is_none_is_refused_and_not_repeated(email: str) -> None:
    with pytest.raises(EmailRefused) as refused:
        await World().desk.place(HANDLE, replace(DRAFT, email=email), key=None, dry_run=True)
    assert not email or email not in str(refused.value)


async def test_a_changed_price_wants_to_be_seen_before_it_is_paid() -> None:
    world = World()
    token = world.token(await placed(world))
    await world.cashier.pay(token, shown=5500)
    world.shop.price = 3000

    page = await world.cashier.pay(token, shown=5500)

    assert isinstance(page, PayPage)
    assert (page.state, page.before, page.totals.total) == ("open", Money(5500, "AUD"), Money(6000, "AUD"))
    assert await world.cashier.pay(token, shown=6000) == "https://pay.example/s"
    assert sorted(session.state for session in world.provider.sessions.values()) == ["expired", "open"]


async def test_a_price_that_changes_after_paying_lets_the_money_go() -> None:
    world = World()
    id_ = await placed(world)
    await pay(world, id_)
    world.shop.price = 3000
    await world.settle()
    shown = await world.desk.status(id_)
    assert shown.status == "failed"
    assert shown.notice is not None
    assert "changed" in shown.notice
    assert world.violations() == []


async def test_a_change_of_the_cart_closes_its_payment_page_first() -> None:
    world = World()
    id_ = await placed(world)
    await world.cashier.pay(world.token(id_), shown=5500)

    told = await world.desk.before_change(HANDLE)

    assert told is not None
    assert id_ in told
    assert world.checkout.state == "canceled"
    assert not world.provider.pay(world.checkout.session or "")
    assert await world.desk.before_change(HANDLE) is None


async def test_a_paid_cart_can_no_longer_be_changed_or_given_up() -> None:
    world = World()
    id_ = await placed(world)
    await pay(world, id_)
    with pytest.raises(CartBeingOrdered):
        await world.desk.before_change(HANDLE)
    with pytest.raises(CartBeingOrdered):
        await world.desk.cancel(id_)
    await world.settle()
    assert world.violations() == []


async def test_a_cart_stays_as_it_is_while_its_payment_page_cannot_be_closed() -> None:
    world = World()
    id_ = await placed(world)
    await world.cashier.pay(world.token(id_), shown=5500)
    world.trouble.coming = ["down"]
    with pytest.raises(PaymentDown):
        await world.desk.before_change(HANDLE)
    await world.settle()
    assert world.checkout.state == "canceled"


async def test_giving_up_twice_is_giving_up_once() -> None:
    world = World()
    id_ = await placed(world)
    assert (await world.desk.cancel(id_)).status == "canceled"
    assert (await world.desk.cancel(id_)).status == "canceled"
    assert await placed(world) != id_


async def test_a_checkout_that_nobody_pays_expires_with_its_page() -> None:
    world = World()
    id_ = await placed(world)
    await world.cashier.pay(world.token(id_), shown=5500)
    world.clock.time += world.trade.terms.lasts + 1
    page = await world.cashier.page(world.token(id_))
    assert page is not None
    assert page.state == "expired"
    await world.settle()
    assert (await world.desk.status(id_)).status == "canceled"
    assert world.violations() == []


async def test_an_order_that_the_shop_refuses_costs_nothing() -> None:
    world = World()
    id_ = await placed(world)
    await pay(world, id_)
    world.shop.refuses = True
    await world.settle()
    shown = await world.desk.status(id_)
    assert shown.status == "failed"
    assert shown.notice == "The shop did not take the order: we are closed"
    assert world.violations() == []


@pytest.mark.parametrize("trouble", ["unclear", "late", "half", "down", "killed after", "killed before"])
@pytest.mark.parametrize("captures", [True, False])
async def test_whatever_happens_to_the_one_call_there_is_one_order(trouble: str, captures: bool) -> None:
    world = World(captures=captures)
    id_ = await placed(world)
    await pay(world, id_)
    # Session, payment, payment, priced: the fifth call asks the shop for the order.
    world.trouble.coming = ["fine"] * 4 + [trouble]
    await world.settle()
    assert (await world.desk.status(id_)).status == "completed"
    assert world.violations() == []


async def test_a_shop_that_fails_twice_gets_no_third_try() -> None:
    world = World(captures=False)
    id_ = await placed(world)
    await pay(world, id_)
    world.trouble.coming = ["fine"] * 4 + ["half"] + ["fine"] * 4 + ["half"]
    await world.settle()
    assert (await world.desk.status(id_)).status == "failed"
    assert world.violations() == []


async def test_money_taken_for_an_order_that_never_came_is_a_matter_for_a_person() -> None:
    world = World(captures=True)
    id_ = await placed(world)
    await pay(world, id_)
    world.trouble.coming = ["fine"] * 4 + ["half"] + ["fine"] * 4 + ["half"]
    await world.settle()
    assert world.checkout.state == "needs_human"
    assert world.checkout.problem is not None
    assert "refund" in world.checkout.problem
    assert "staff" in (await world.desk.status(id_)).next_step


async def test_a_free_order_needs_no_payment_but_a_person_who_confirms_it() -> None:
    world = World(online=False)
    world.shop.price = 0
    unconfirmed = await placed(world)
    await world.settle()
    assert (await world.desk.status(unconfirmed)).status == "canceled"

    id_ = await placed(world)
    page = await world.cashier.pay(world.token(id_), shown=0)

    assert isinstance(page, PayPage)
    assert page.state == "ordered"
    assert world.shop.orders[0][2].method == "free"
    assert world.violations() == []


async def test_an_offline_order_is_placed_only_if_the_operator_lists_the_way() -> None:
    with pytest.raises(NoWayToPay):
        await placed(World(online=False))
    world = World(online=False, offline=("bank",))
    id_ = await placed(world)
    assert isinstance(await world.cashier.pay(world.token(id_), shown=5500, by="cash"), PayPage)
    assert world.checkout.state == "open"
    page = await world.cashier.pay(world.token(id_), shown=5500, by="bank")
    assert isinstance(page, PayPage)
    assert page.state == "ordered"
    assert world.violations() == []


async def test_a_payment_that_comes_too_late_is_let_go() -> None:
    world = World()
    id_ = await placed(world)
    await world.cashier.pay(world.token(id_), shown=5500)
    session = world.checkout.session or ""
    await world.desk.cancel(id_)
    # A provider that had closed the page takes money for it all the same.
    world.provider.sessions[session] = replace(world.provider.sessions[session], state="open")
    assert world.provider.pay(session)
    await world.records.hasten(world.checkout.store, id_, now=world.clock())
    await world.settle()
    assert world.violations() == []


async def test_an_unknown_address_shows_nothing() -> None:
    world = World()
    await placed(world)
    assert await world.cashier.page("nope") is None
    assert await world.cashier.returned("nope") is None
    assert await world.cashier.pay("nope", shown=1) is None


async def test_a_busy_shop_is_asked_again_and_nobody_loses_the_order() -> None:
    world = World()
    id_ = await placed(world)
    world.trouble.coming = ["busy"]
    with pytest.raises(ShopBusy):
        await world.cashier.pay(world.token(id_), shown=5500)
    assert world.checkout.state == "open"
    await pay(world, id_)
    # Session, payment, payment: the fourth call looks at the cart once more.
    world.trouble.coming = ["fine"] * 3 + ["busy"]
    await world.settle()
    assert (await world.desk.status(id_)).status == "completed"
    assert world.violations() == []


async def test_a_total_that_the_provider_does_not_take_ends_the_checkout_with_a_reason() -> None:
    world = World()
    world.shop.price = 2751
    world.shop.quantity = 1
    id_ = await placed(world)

    page = await world.cashier.pay(world.token(id_), shown=2751)

    assert isinstance(page, PayPage)
    assert (page.state, page.reason) == ("canceled", NOT_TAKEN)
    shown = await world.desk.status(id_)
    assert (shown.status, shown.notice, shown.continue_url) == ("canceled", NOT_TAKEN, None)
    assert world.checkout.problem == "no payment page: the last digit must be 0"
    assert world.violations() == []


async def test_a_total_that_the_provider_does_not_take_can_still_be_paid_in_another_way() -> None:
    world = World(offline=("bank",))
    world.shop.price = 2751
    world.shop.quantity = 1
    token = world.token(await placed(world))

    page = await world.cashier.pay(token, shown=2751)

    assert isinstance(page, PayPage)
    assert (page.state, page.online, [method.code for method in page.offline]) == ("open", False, ["bank"])
    page = await world.cashier.pay(token, shown=2751, by="bank")
    assert isinstance(page, PayPage)
    assert page.state == "ordered"
    assert world.violations() == []


async def test_a_lease_that_comes_late_is_not_forgotten() -> None:
    """A record that answers after the time to wait for it has been taken all the same."""
    world = World()
    id_ = await placed(world)
    lease = world.records.lease

    async def slowly(id_: str, *, now: float, seconds: float) -> Checkout | None:
        held = await lease(id_, now=now, seconds=seconds)
        await asyncio.sleep(0.01)  # longer than the world's terms wait
        return held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.records, "lease", slowly)
        assert (await world.desk.cancel(id_)).status == "canceled"


async def test_who_cannot_get_the_lease_is_told_to_come_again() -> None:
    world = World()
    id_ = await placed(world)
    await world.records.lease(id_, now=world.clock(), seconds=60)
    with pytest.raises(ShopBusy):
        await world.desk.cancel(id_)


async def test_the_shop_is_not_asked_when_the_lease_may_end_meanwhile() -> None:
    """A worker that slept after writing so must not ask: somebody else may be about to."""
    world = World()
    id_ = await placed(world)
    await pay(world, id_)
    now = world.clock()
    held = moved(moved(world.checkout, "authorized", now=now), "placing", now=now, place_try=1)

    after = await place(world.trade, replace(held, lease_until=now + world.trade.terms.call - 1))

    assert (after.state, after.place_try) == ("authorized", 0)
    assert world.shop.orders == []


@pytest.mark.parametrize("well", range(6))
@pytest.mark.parametrize("captures", [True, False])
async def test_a_worker_that_was_frozen_finds_that_others_have_gone_on(well: int, captures: bool) -> None:
    world = World(captures=captures)
    id_ = await placed(world)
    await pay(world, id_)
    # Session, payment, payment, priced, the order, and the payment once more.
    world.trouble.coming = ["fine"] * well + ["frozen"]
    await world.settle()
    assert world.trouble.coming == []
    assert (await world.desk.status(id_)).status == "completed"
    assert [entry[0] for entry in world.shop.orders] == [id_]
    assert world.violations() == []
