"""Carts of nobody's are on record until they are empty, and are found once their process must have ended."""

from collections.abc import Callable

from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.scratch_carts import KEEP_SECONDS, LEFT_AFTER_SECONDS, SqlScratchCarts
from storefront_mcp.records.scratch_carts import ScratchCartNote

NOTE = ScratchCartNote(cart=CartId("a" * 32), country="AU")


async def test_what_another_process_left_is_found_when_nobody_can_be_using_it(opened: Callable[[], Database]) -> None:
    now = 1_000_000.0
    ledger = SqlScratchCarts(opened(), StoreId("pickle"), now=lambda: now)
    later = SqlScratchCarts(opened(), StoreId("pickle"), now=lambda: now)
    other = SqlScratchCarts(opened(), StoreId("other"), now=lambda: now)
    assert await ledger.note(NOTE)
    assert await ledger.list_left() == []
    now += LEFT_AFTER_SECONDS + 1

    assert await later.list_left() == [NOTE]
    assert await other.list_left() == []
    assert await ledger.note(NOTE), "it is used again"
    assert await later.list_left() == []
    now += LEFT_AFTER_SECONDS + 1
    await later.forget(NOTE.cart)
    assert await ledger.list_left() == []


async def test_what_the_shop_has_dropped_by_now_is_forgotten(database: Database) -> None:
    now = 1_000_000.0
    ledger = SqlScratchCarts(database, StoreId("pickle"), now=lambda: now)
    await ledger.note(NOTE)
    now += KEEP_SECONDS + 1
    await ledger.forget(CartId("b" * 32))

    assert await ledger.list_left() == []


async def test_a_database_that_takes_nothing_has_nothing_on_record(database: Database) -> None:
    ledger = SqlScratchCarts(database, StoreId("pickle"), now=lambda: 0.0)
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE scratch_carts")

    assert not await ledger.note(NOTE)
    assert await ledger.list_left() == ()
    await ledger.forget(NOTE.cart)
