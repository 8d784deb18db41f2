"""Guests' carts: handles of our own, and what happens when the shop loses a cart."""

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals, LostLine, with_exclusions
from storefront_mcp.commerce.cart_precheck import CartPrecheck
from storefront_mcp.commerce.error_details import UNKNOWN_COUPON, LostCartDetail
from storefront_mcp.commerce.errors import (
    CartBeingOrdered,
    CartGone,
    CartNotFound,
    CouponRejected,
    GiftCardRejected,
    LineNotFound,
    NotEnoughStock,
    OptionsNeeded,
    OutOfStock,
    ProductNotFound,
    ShopDown,
    ShopError,
    ShopRefused,
    VariantNeeded,
)
from storefront_mcp.commerce.guest_carts import HANDLE_LIFETIME, GuestCarts, OpenCheckout, new_handle
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from tests.fakes.memory_backend import NOW, Clock, MemoryBackend, MemoryCartHandles, aud

AU = Address(country="AU")
PAD, SHIRT = Sku("PAD-2"), Sku("SHIRT-S")


@pytest.fixture
def memory_backend() -> MemoryBackend:
    return MemoryBackend()


@pytest.fixture
def cart_handles_in_memory() -> MemoryCartHandles:
    return MemoryCartHandles()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def carts(memory_backend: MemoryBackend, cart_handles_in_memory: MemoryCartHandles, clock: Clock) -> GuestCarts:
    return GuestCarts(StoreId("pickle"), memory_backend, cart_handles_in_memory, now=clock)


@pytest.mark.parametrize(
    "changed",
    [{"ships_nothing": True}, {"ships_by": "By post"}, {"lines": ()}],
)
def test_a_cart_with_nothing_to_add_for_shipping_says_nothing_of_it(changed: dict[str, Any]) -> None:
    line = CartLine(line_id=LineId("1"), sku=PAD, name="Paddle", quantity=1, price=aud(100), total=aud(100))
    cart = Cart(cart_id=CartId("c"), lines=(line,), totals=CartTotals(subtotal=aud(100), total=aud(100)))
    sent = replace(cart, totals=replace(cart.totals, shipping=aud(0)))

    assert with_exclusions(cart).totals.excludes == "shipping"
    assert with_exclusions(replace(cart, **changed)) == replace(cart, **changed)
    assert with_exclusions(sent) == sent


EVERYTHING: list[Callable[[GuestCarts, CartId], Awaitable[Any]]] = [
    lambda carts, handle: carts.view(handle),
    lambda carts, handle: carts.add_line(handle, PAD, 1, {}),
    lambda carts, handle: carts.update_line(handle, LineId("1"), 2),
    lambda carts, handle: carts.remove_line(handle, LineId("1")),
    lambda carts, handle: carts.apply_coupon(handle, "TEN"),
    lambda carts, handle: carts.remove_coupon(handle),
    lambda carts, handle: carts.apply_gift_card(handle, "GC-MEMORY-5"),
    lambda carts, handle: carts.remove_gift_card(handle, "GC-MEMORY-5"),
    lambda carts, handle: carts.shipping_methods(handle, AU),
]
CHANGES = EVERYTHING[2:]


def told(value: object) -> str:
    """All that an agent could read of a value or an error."""
    if isinstance(value, ShopError):
        return f"{value} {msgspec.json.encode(value.detail).decode()} {value.internal}"
    return msgspec.json.encode(value).decode()


def test_handles_are_long_and_never_the_same() -> None:
    handles = {new_handle() for _ in range(100)}
    assert len(handles) == 100
    assert all(re.fullmatch(r"cart_[a-z2-7]{26}", handle) for handle in handles)


async def test_a_guest_fills_a_cart_without_ever_seeing_the_shops_own_id(
    carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    created = await carts.create()
    handle = created.cart_id
    added = await carts.add_line(handle, PAD, 2, {})
    grown = await carts.add_line(handle, PAD, 1, {})
    line = grown.lines[0].line_id
    fewer = await carts.update_line(handle, line, 1)
    cheaper = await carts.apply_coupon(handle, "TEN")
    plain = await carts.remove_coupon(handle)
    quoted = await carts.shipping_methods(handle, AU)
    viewed = await carts.view(handle)
    emptied = await carts.remove_line(handle, line)

    assert handle.startswith("cart_")
    assert handle not in memory_backend.carts
    assert created.expires_at == "2026-11-27T12:00Z"
    assert [cart.lines[0].quantity for cart in (added, grown, fewer)] == [2, 3, 1]
    assert cheaper.totals.total == plain.totals.total - cheaper.totals.discount
    assert viewed == plain
    assert emptied.lines == ()
    with_lines = (added, grown, fewer, cheaper, plain, viewed)
    assert [cart.totals.excludes for cart in with_lines] == ["shipping"] * len(with_lines)
    assert (created.totals.excludes, emptied.totals.excludes) == (None, None)
    everything = (created, added, grown, fewer, cheaper, plain, quoted, viewed, emptied)
    assert {cart.cart_id for cart in everything if hasattr(cart, "cart_id")} == {handle}
    assert "secret" not in "".join(map(told, everything))


@pytest.mark.parametrize("ask", EVERYTHING)
async def test_a_handle_that_was_never_given_out_opens_nothing(
    ask: Callable[[GuestCarts, CartId], Awaitable[Any]], carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    await carts.create()
    (upstream,) = memory_backend.carts
    memory_backend.asked.clear()
    for stranger in ("cart_" + "0" * 40, "", upstream):
        with pytest.raises(CartNotFound) as refused:
            await ask(carts, CartId(stranger))
        assert "secret" not in told(refused.value)
    assert memory_backend.asked == []


@pytest.mark.parametrize("ask", EVERYTHING)
async def test_a_handle_of_another_store_opens_nothing(
    ask: Callable[[GuestCarts, CartId], Awaitable[Any]],
    memory_backend: MemoryBackend,
    cart_handles_in_memory: MemoryCartHandles,
    clock: Clock,
) -> None:
    mine = GuestCarts(StoreId("mine"), memory_backend, cart_handles_in_memory, now=clock)
    yours = GuestCarts(StoreId("yours"), memory_backend, cart_handles_in_memory, now=clock)
    handle = (await yours.create()).cart_id
    with pytest.raises(CartNotFound):
        await ask(mine, handle)
    assert (await yours.view(handle)).cart_id == handle


@pytest.mark.parametrize("ask", EVERYTHING)
async def test_a_handle_dies_at_the_end_of_its_life_and_not_a_second_before(
    ask: Callable[[GuestCarts, CartId], Awaitable[Any]], carts: GuestCarts, clock: Clock
) -> None:
    handle = (await carts.create()).cart_id
    clock.now = NOW + HANDLE_LIFETIME - dt.timedelta(seconds=1)
    assert (await carts.view(handle)).cart_id == handle
    clock.now = NOW + HANDLE_LIFETIME
    with pytest.raises(CartNotFound, match="expired"):
        await ask(carts, handle)


async def test_a_change_lengthens_a_carts_life_and_a_look_does_not(
    carts: GuestCarts, clock: Clock, cart_handles_in_memory: MemoryCartHandles
) -> None:
    handle = (await carts.create()).cart_id
    clock.now = NOW + dt.timedelta(days=3)
    kept = dict(cart_handles_in_memory.records)
    await carts.view(handle)
    assert cart_handles_in_memory.records == kept
    await carts.add_line(handle, PAD, 1, {})
    clock.now = NOW + HANDLE_LIFETIME + dt.timedelta(days=2)
    assert (await carts.view(handle)).lines
    clock.now = NOW + HANDLE_LIFETIME + dt.timedelta(days=3)
    with pytest.raises(CartNotFound):
        await carts.view(handle)


@pytest.mark.parametrize("recreates", [True, False], ids=["the shop makes another", "we make another"])
async def test_a_dead_cart_is_recreated_under_the_same_handle_and_names_what_was_lost(
    recreates: bool, carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 2, {})
    await carts.add_line(handle, Sku("JAR-1"), 1, {"7": "ADA"})
    memory_backend.forget()
    memory_backend.recreates = recreates

    again = await carts.add_line(handle, SHIRT, 1, {})

    assert again.cart_id == handle
    assert [line.sku for line in again.lines] == ["SHIRT-S"]
    assert again.lost_lines == (LostLine(PAD, 2), LostLine(Sku("JAR-1"), 1, {"Name on the lid": "ADA"}))
    assert again.notice is not None
    assert "lost_lines" in again.notice
    assert "secret" not in told(again)
    calm = await carts.add_line(handle, SHIRT, 1, {})
    assert (calm.notice, calm.lost_lines, calm.lines[0].quantity) == (None, (), 2)
    assert await carts.view(handle) == calm


async def test_an_empty_cart_that_was_lost_promises_no_list_of_lines(
    carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    handle = (await carts.create()).cart_id
    memory_backend.forget()
    again = await carts.add_line(handle, PAD, 1, {})
    assert again.lost_lines == ()
    assert again.notice == "The shop had lost this cart, so it was started afresh."


async def test_a_lost_cart_stays_remembered_until_something_was_really_added(
    carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    memory_backend.forget()
    with pytest.raises(OutOfStock):
        await carts.add_line(handle, Sku("NET-0"), 1, {})
    with pytest.raises(CartGone) as gone:
        await carts.view(handle)
    assert gone.value.detail == LostCartDetail((LostLine(PAD, 1),))
    assert (await carts.add_line(handle, SHIRT, 1, {})).lost_lines == (LostLine(PAD, 1),)


@pytest.mark.parametrize("ask", [EVERYTHING[0], *CHANGES])
async def test_whatever_needs_the_old_cart_says_that_it_is_gone_and_what_was_in_it(
    ask: Callable[[GuestCarts, CartId], Awaitable[Any]], carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 2, {})
    memory_backend.forget()
    with pytest.raises(CartGone, match="add_to_cart with the same cart_id") as gone:
        await ask(carts, handle)
    assert gone.value.detail == LostCartDetail((LostLine(PAD, 2),))
    assert "secret" not in told(gone.value)


@pytest.mark.parametrize("recreates", [True, False], ids=["the shop makes another", "the shop knows it no more"])
@pytest.mark.parametrize("change", EVERYTHING[1:-1])
async def test_a_cart_that_was_ordered_after_its_change_was_allowed_is_never_begun_afresh(
    change: Callable[[GuestCarts, CartId], Awaitable[Any]],
    recreates: bool,
    memory_backend: MemoryBackend,
    cart_handles_in_memory: MemoryCartHandles,
    clock: Clock,
) -> None:
    ordered = False

    async def refuse_ordered(_: CartId) -> None:
        if ordered:
            raise CartBeingOrdered("chk_1")

    async def allow_and_lose_the_race(_: CartId) -> None:
        nonlocal ordered
        memory_backend.forget()
        ordered = True

    shop = StoreId("pickle")
    carts = GuestCarts(shop, memory_backend, cart_handles_in_memory, now=clock)
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 2, {})
    memory_backend.recreates = recreates
    known = await cart_handles_in_memory.find(shop, handle)
    slow = GuestCarts(
        *(shop, memory_backend, cart_handles_in_memory),
        now=clock,
        before_change=allow_and_lose_the_race,
        refuse_ordered=refuse_ordered,
    )
    with pytest.raises(CartBeingOrdered):
        await change(slow, handle)
    assert await cart_handles_in_memory.find(shop, handle) == known


async def test_an_empty_cart_that_is_gone_lists_nothing(carts: GuestCarts, memory_backend: MemoryBackend) -> None:
    handle = (await carts.create()).cart_id
    memory_backend.forget()
    with pytest.raises(CartGone) as gone:
        await carts.view(handle)
    assert gone.value.detail is None


async def test_changes_that_come_at_once_are_made_one_after_the_other(carts: GuestCarts) -> None:
    handle = (await carts.create()).cart_id
    await asyncio.gather(*(carts.add_line(handle, SHIRT, 1, {}) for _ in range(7)))
    (line,) = (await carts.view(handle)).lines
    assert line.quantity == 7


async def test_a_cart_lost_under_many_writers_is_recreated_once(
    carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    memory_backend.forget()
    answers = await asyncio.gather(*(carts.add_line(handle, SHIRT, 1, {}) for _ in range(5)))
    assert sorted(len(cart.lost_lines) for cart in answers) == [0, 0, 0, 0, 1]
    assert len(memory_backend.carts) == 1
    assert (await carts.view(handle)).lines[0].quantity == 5


async def test_carts_do_not_wait_for_each_other(carts: GuestCarts) -> None:
    one, two = (await carts.create()).cart_id, (await carts.create()).cart_id
    async with carts.lock(one):
        assert (await carts.add_line(two, PAD, 1, {})).cart_id == two
    assert len(carts._locks) == 0


async def test_a_shop_that_is_down_changes_nothing(
    carts: GuestCarts, memory_backend: MemoryBackend, cart_handles_in_memory: MemoryCartHandles
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    before = dict(cart_handles_in_memory.records)
    memory_backend.down = ShopDown()
    for ask in EVERYTHING:
        with pytest.raises(ShopDown):
            await ask(carts, handle)
    assert cart_handles_in_memory.records == before


@pytest.mark.parametrize("act", range(len(EVERYTHING)))
async def test_a_customers_cart_opens_for_nobody_else(carts: GuestCarts, act: int) -> None:
    ada = carts.owned_by("ada")
    handle = (await ada.create()).cart_id
    await ada.add_line(handle, PAD, 2, {})
    for stranger in (carts, carts.owned_by("bo")):
        with pytest.raises(CartNotFound):
            await EVERYTHING[act](stranger, handle)
    assert (await ada.view(handle)).lines[0].quantity == 2


async def test_a_claimed_cart_is_the_customers_from_then_on_and_stays_it(carts: GuestCarts) -> None:
    handle = (await carts.create()).cart_id
    await carts.owned_by("bo").add_line(handle, PAD, 1, {})
    await carts.view(handle)
    await carts.owned_by("ada").claim(handle)
    await carts.owned_by("ada").update_line(handle, (await carts.owned_by("ada").view(handle)).lines[0].line_id, 2)
    for stranger in (carts, carts.owned_by("bo")):
        with pytest.raises(CartNotFound):
            await stranger.view(handle)
        with pytest.raises(CartNotFound):
            await stranger.claim(handle)


async def test_a_cart_that_was_discarded_is_unknown_from_then_on(carts: GuestCarts) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    await carts.discard(handle)
    for use in (*EVERYTHING, lambda carts, handle: carts.discard(handle)):
        with pytest.raises(CartNotFound):
            await use(carts, handle)


CLOSED, KEPT = "Checkout chk_1 is closed.", "Checkout chk_1 stays open."


class Checkouts:
    """Whether each cart has an open checkout."""

    def __init__(self) -> None:
        self.open = False

    async def before_change(self, _handle: CartId) -> OpenCheckout | None:
        return OpenCheckout(withdraw=self.withdraw, kept=KEPT) if self.open else None

    async def withdraw(self) -> str:
        self.open = False
        return CLOSED


@pytest.fixture
def checkouts() -> Checkouts:
    return Checkouts()


@pytest.fixture
async def ordering(
    checkouts: Checkouts, memory_backend: MemoryBackend, cart_handles_in_memory: MemoryCartHandles, clock: Clock
) -> tuple[GuestCarts, CartId]:
    """A cart with two paddles and a coupon, whose payment page is open."""
    carts = GuestCarts(
        StoreId("pickle"), memory_backend, cart_handles_in_memory, now=clock, before_change=checkouts.before_change
    )
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 2, {})
    await carts.apply_coupon(handle, "TEN")
    checkouts.open = True
    return carts, handle


async def line_of(carts: GuestCarts, handle: CartId) -> LineId:
    return (await carts.view(handle)).lines[0].line_id


@pytest.mark.parametrize(
    "change",
    [
        lambda carts, handle, line: carts.update_line(handle, line, 2),
        lambda carts, handle, _: carts.apply_coupon(handle, "ten"),
        lambda carts, handle, _: carts.remove_gift_card(handle, "GC-MEMORY-5"),
    ],
    ids=["same quantity", "same coupon", "no gift card"],
)
async def test_a_change_that_changes_nothing_leaves_the_payment_page_open(
    ordering: tuple[GuestCarts, CartId], checkouts: Checkouts, change: Callable[..., Awaitable[Any]]
) -> None:
    carts, handle = ordering
    before = await carts.view(handle)
    after = await change(carts, handle, before.lines[0].line_id)
    assert checkouts.open
    assert after == replace(before, notice=KEPT)


async def test_no_coupon_is_taken_off_without_closing_the_payment_page(
    ordering: tuple[GuestCarts, CartId], checkouts: Checkouts
) -> None:
    carts, handle = ordering
    assert (await carts.remove_coupon(handle)).notice == CLOSED
    checkouts.open = True
    assert (await carts.remove_coupon(handle)).notice == KEPT
    assert checkouts.open


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda carts, handle, _: carts.add_line(handle, Sku("NOPE"), 1, {}), ProductNotFound),
        (lambda carts, handle, _: carts.add_line(handle, Sku("SHIRT"), 1, {}), VariantNeeded),
        (lambda carts, handle, _: carts.add_line(handle, Sku("JAR-1"), 1, {}), OptionsNeeded),
        (lambda carts, handle, _: carts.add_line(handle, Sku("NET-0"), 1, {}), OutOfStock),
        (lambda carts, handle, _: carts.add_line(handle, PAD, 4, {}), NotEnoughStock),
        (lambda carts, handle, line: carts.update_line(handle, line, 6), NotEnoughStock),
        (lambda carts, handle, _: carts.update_line(handle, LineId("99"), 1), LineNotFound),
        (lambda carts, handle, _: carts.remove_line(handle, LineId("99")), LineNotFound),
        (lambda carts, handle, _: carts.apply_gift_card(handle, "GC-NOPE"), GiftCardRejected),
    ],
    ids=[
        "unknown",
        "variants",
        "options",
        "sold out",
        "more than there are",
        "more of a line",
        "no line",
        "not there",
        "unknown gift card",
    ],
)
async def test_a_change_that_is_sure_to_be_refused_leaves_the_payment_page_open(
    ordering: tuple[GuestCarts, CartId],
    checkouts: Checkouts,
    change: Callable[..., Awaitable[Any]],
    refusal: type[ShopError],
) -> None:
    carts, handle = ordering
    before = await carts.view(handle)
    with pytest.raises(refusal, match=f" {KEPT}$"):
        await change(carts, handle, before.lines[0].line_id)
    assert checkouts.open
    assert await carts.view(handle) == before


async def test_a_code_that_the_shop_does_not_know_leaves_the_payment_page_open_and_another_closes_it(
    ordering: tuple[GuestCarts, CartId],
    checkouts: Checkouts,
    memory_backend: MemoryBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carts, handle = ordering

    async def refuse(_cart: CartId, code: str) -> Any:
        raise CouponRejected(code, why=UNKNOWN_COUPON if code == "NOPE" else "is over")

    monkeypatch.setattr(memory_backend, "apply_coupon", refuse)
    with pytest.raises(CouponRejected, match=KEPT):
        await carts.apply_coupon(handle, "NOPE")
    assert checkouts.open
    with pytest.raises(CouponRejected, match=CLOSED):
        await carts.apply_coupon(handle, "LATER")
    assert not checkouts.open


async def test_a_change_that_changes_the_cart_closes_the_payment_page_first(
    ordering: tuple[GuestCarts, CartId], checkouts: Checkouts
) -> None:
    carts, handle = ordering
    for change in (
        lambda: carts.add_line(handle, PAD, 1, {}),
        lambda: carts.add_line(handle, Sku("JAR-1"), 1, {"7": "Ada"}),
        lambda: carts.apply_gift_card(handle, "GC-MEMORY-5"),
    ):
        checkouts.open = True
        assert (await change()).notice == CLOSED
        assert not checkouts.open
    line = await line_of(carts, handle)
    checkouts.open = True
    assert (await carts.update_line(handle, line, 5)).notice == CLOSED
    checkouts.open = True
    assert (await carts.remove_line(handle, line)).notice == CLOSED
    assert [one.sku for one in (await carts.view(handle)).lines] == ["JAR-1"]


async def test_one_trial_cart_serves_all_that_is_tried_and_holds_nothing_afterwards(
    ordering: tuple[GuestCarts, CartId], checkouts: Checkouts, memory_backend: MemoryBackend
) -> None:
    carts, handle = ordering
    for sku, quantity in (("NOPE", 1), ("PAD-2", 1), ("SHIRT-S", 2)):
        checkouts.open = True
        with suppress(ProductNotFound):
            await carts.add_line(handle, Sku(sku), quantity, {})
    for code in ("GC-NOPE", "GC-MEMORY-5"):
        checkouts.open = True
        with suppress(GiftCardRejected):
            await carts.apply_gift_card(handle, code)
    _, *trials = memory_backend.carts.values()
    assert [(trial.lines, trial.gift_cards) for trial in trials] == [((), ())]
    memory_backend.carts.pop(trials[0].cart_id)
    checkouts.open = True
    with pytest.raises(NotEnoughStock, match=KEPT):
        await carts.add_line(handle, PAD, 5, {})


async def test_a_cart_without_a_payment_page_is_changed_without_a_trial(
    carts: GuestCarts, memory_backend: MemoryBackend
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    await carts.update_line(handle, await line_of(carts, handle), 1)
    assert len(memory_backend.carts) == 1


async def test_while_the_shop_is_down_the_payment_page_stays_open(
    ordering: tuple[GuestCarts, CartId], checkouts: Checkouts, memory_backend: MemoryBackend
) -> None:
    carts, handle = ordering
    memory_backend.down = ShopDown(internal="no answer")
    with pytest.raises(ShopDown, match=KEPT):
        await carts.update_line(handle, LineId("1"), 3)
    assert checkouts.open


async def test_a_gift_card_that_cannot_be_tried_closes_the_payment_page_before_the_shop_decides(
    ordering: tuple[GuestCarts, CartId],
    checkouts: Checkouts,
    memory_backend: MemoryBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carts, handle = ordering

    async def refuse(*_: object) -> Any:
        raise ShopRefused("not this piece alone.")

    monkeypatch.setattr(memory_backend, "add_line", refuse)
    assert (await carts.apply_gift_card(handle, "GC-MEMORY-5")).notice == CLOSED
    assert not checkouts.open


@pytest.mark.parametrize("ask", EVERYTHING[1:-1])
async def test_a_refused_change_says_too_what_was_closed_for_it(
    ask: Callable[[GuestCarts, CartId], Awaitable[Any]],
    ordering: tuple[GuestCarts, CartId],
    checkouts: Checkouts,
    memory_backend: MemoryBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carts, handle = ordering

    async def refuse(*_: Any) -> Any:
        raise ShopRefused("The shop said no.")

    async def unforeseen(*_: Any) -> None:
        return None

    for name in ("add_line", "update_line", "remove_line"):
        monkeypatch.setattr(memory_backend, name, refuse)
    for name in ("apply_coupon", "remove_coupon", "apply_gift_card", "remove_gift_card"):
        monkeypatch.setattr(memory_backend, name, refuse)
    monkeypatch.setattr(CartPrecheck, "changes_nothing", unforeseen)
    checkouts.open = False
    with pytest.raises(ShopRefused) as plain:
        await ask(carts, handle)
    checkouts.open = True
    with pytest.raises(ShopRefused) as refused:
        await ask(carts, handle)
    assert str(refused.value) == f"{plain.value} {CLOSED}"


# Coupons --------------------------------------------------------------------------------------------------------------


def kept_coupon(handles: MemoryCartHandles) -> str | None:
    [record] = handles.records.values()
    return record.coupon


async def test_a_coupon_that_a_change_takes_off_is_told_once(
    carts: GuestCarts,
    memory_backend: MemoryBackend,
    cart_handles_in_memory: MemoryCartHandles,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handle = (await carts.create()).cart_id
    cart = await carts.add_line(handle, PAD, 3, {})
    await carts.apply_coupon(handle, "TEN")
    assert kept_coupon(cart_handles_in_memory) == "TEN"
    update = memory_backend.update_line

    async def below_its_least(upstream: CartId, line: LineId, quantity: int) -> Cart:
        await memory_backend.remove_coupon(upstream)
        return await update(upstream, line, quantity)

    monkeypatch.setattr(memory_backend, "update_line", below_its_least)
    told = await carts.update_line(handle, cart.lines[0].line_id, 2)
    again = await carts.update_line(handle, cart.lines[0].line_id, 1)

    assert told.notice == "The coupon TEN does not apply to the cart as it is now, and is off it. Tell the buyer."
    assert (again.notice, kept_coupon(cart_handles_in_memory)) == (None, "")


async def test_a_coupon_that_the_buyer_gives_up_is_not_missed(
    carts: GuestCarts, cart_handles_in_memory: MemoryCartHandles
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    await carts.apply_coupon(handle, "TEN")

    assert (await carts.remove_coupon(handle)).notice is None
    assert kept_coupon(cart_handles_in_memory) is None


async def test_that_a_coupon_was_refused_is_kept_until_it_is_given_up_but_not_its_code(
    carts: GuestCarts, cart_handles_in_memory: MemoryCartHandles
) -> None:
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    with pytest.raises(CouponRejected):
        await carts.apply_coupon(handle, "NOPE")
    assert kept_coupon(cart_handles_in_memory) == ""
    await carts.add_line(handle, PAD, 1, {})
    assert kept_coupon(cart_handles_in_memory) == ""

    await carts.remove_coupon(handle)
    assert kept_coupon(cart_handles_in_memory) is None
    await carts.apply_coupon(handle, "TEN")
    with pytest.raises(CouponRejected):
        await carts.apply_coupon(handle, "NOPE")
    assert kept_coupon(cart_handles_in_memory) == "TEN"
