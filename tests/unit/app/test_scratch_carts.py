"""A server that starts clears what one before it left in the shop."""

import asyncio
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from storefront_mcp.app.scratch_carts import ScratchCartWiring
from storefront_mcp.backends.maho import MahoConfig, connect
from storefront_mcp.commerce.ids import CartId, Sku, StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.scratch_carts import LEFT_AFTER_SECONDS, SqlScratchCarts
from storefront_mcp.records.scratch_carts import ScratchCartNote
from tests.fakes.demo_shop import demo_shop


async def test_carts_that_were_left_are_cleared_when_a_server_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    forgotten = asyncio.Event()
    forget = SqlScratchCarts.forget

    async def seen(self: SqlScratchCarts, cart: CartId) -> None:
        await forget(self, cart)
        forgotten.set()

    monkeypatch.setattr(SqlScratchCarts, "forget", seen)
    shop = demo_shop()
    with closing(Database(str(tmp_path / "storefront.db"))) as database:
        wiring = ScratchCartWiring(database, now=lambda: now)
        ledger = wiring.ledger(StoreId("pickle"))
        transport = httpx.ASGITransport(shop)
        backend, close = connect(MahoConfig(url="http://demo.example"), "AUD", transport=transport, ledger=ledger)
        left = (await backend.create_cart()).cart_id
        await backend.add_line(left, Sku("PAD-2"), 1, {})
        await ledger.note(ScratchCartNote(cart=left, country="AU"))
        now += LEFT_AFTER_SECONDS + 1
        wiring.add(backend)
        async with wiring.running():
            await asyncio.wait_for(forgotten.wait(), timeout=300)
        await close()

        assert await ledger.list_left() == []
    assert not shop.state.carts[left].lines
