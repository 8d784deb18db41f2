"""Guests' carts: handles of our own, and what happens when the shop loses a cart."""

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.error_details import LostCartDetail
from storefront_mcp.commerce.errors import CartGone, CartNotFound, OutOfStock, ShopDown, ShopError
from storefront_mcp.commerce.guest_carts import HANDLE_LIFETIME, GuestCarts, new_handle
from storefront_mcp.commerce.ids import CartId, LineId, Sku, StoreId
from tests.fakes.memory_backend import NOW, Clock, MemoryBackend, MemoryCartHandles

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
