"""Carts of shops that show a lost or ordered cart empty under its id, and that give a cart another id as it ages."""

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.cart import Cart, LostLine
from storefront_mcp.commerce.errors import CartOrdered
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.ids import CartId, Sku, StoreId
from tests.fakes.memory_backend import Clock, MemoryBackend, MemoryCartHandles

PAD, SHIRT = Sku("PAD-2"), Sku("SHIRT-S")


class AgingBackend(MemoryBackend):
    """Gives a cart another id each time something is added."""

    async def add_line(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        after = await super().add_line(cart, sku, quantity, options)
        renamed = replace(after, cart_id=CartId(f"{cart}-again"))
        self.carts[renamed.cart_id] = self.carts.pop(after.cart_id)
        self.carts[renamed.cart_id] = renamed
        return renamed


def kept(backend: MemoryBackend, **hooks: object) -> GuestCarts:
    return GuestCarts(StoreId("pickle"), backend, MemoryCartHandles(), now=Clock(), **hooks)  # type: ignore[arg-type]


def emptied(backend: MemoryBackend) -> None:
    """Let the shop forget what is in its carts, and keep their ids."""
    backend.carts = {id_: replace(cart, lines=()) for id_, cart in backend.carts.items()}


async def test_an_emptied_cart_is_shown_with_what_was_in_it_until_it_is_filled_again() -> None:
    backend = MemoryBackend()
    carts = kept(backend)
    handle = (await carts.create()).cart_id
    assert (await carts.view(handle)).lost_lines == ()
    await carts.add_line(handle, PAD, 2, {})
    emptied(backend)
    seen = await carts.view(handle)
    assert (seen.lines, seen.lost_lines) == ((), (LostLine(PAD, 2),))
    assert "lost_lines" in (seen.notice or "")
    again = await carts.add_line(handle, SHIRT, 1, {})
    assert [line.sku for line in again.lines] == [SHIRT]
    assert again.lost_lines == (LostLine(PAD, 2),)
    calm = await carts.add_line(handle, PAD, 1, {})
    assert (calm.lost_lines, calm.notice) == ((), None)


async def test_an_emptied_cart_that_was_ordered_is_an_order() -> None:
    backend = MemoryBackend()
    ordered = False

    async def refuse(_handle: CartId) -> None:
        if ordered:
            raise CartOrdered("chk_1", "1001")

    carts = kept(backend, refuse_ordered=refuse)
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    emptied(backend)
    ordered = True
    with pytest.raises(CartOrdered):
        await carts.view(handle)


async def test_a_renamed_cart_is_the_same_cart() -> None:
    carts = kept(AgingBackend())
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 1, {})
    for sku in (PAD, SHIRT, SHIRT):
        after = await carts.add_line(handle, sku, 1, {})
        assert (after.cart_id, after.lost_lines, after.notice) == (handle, (), None)
    assert {line.sku: line.quantity for line in (await carts.view(handle)).lines} == {PAD: 2, SHIRT: 2}


async def test_a_renamed_cart_that_lost_its_lines_is_another() -> None:
    backend = AgingBackend()
    carts = kept(backend)
    handle = (await carts.create()).cart_id
    await carts.add_line(handle, PAD, 2, {})
    emptied(backend)
    after = await carts.add_line(handle, PAD, 1, {})
    assert after.lost_lines == (LostLine(PAD, 2),)
