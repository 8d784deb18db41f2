"""Cart handles in SQL: bound to their store, secret, bounded in time and number."""

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.guest_carts import CartRecord, new_handle
from storefront_mcp.commerce.ids import CartId, Sku, StoreId
from storefront_mcp.database import Database, SqlCartHandleRepository
from storefront_mcp.database.row_quota import SWEEP_INTERVAL_WRITES, RowQuota
from storefront_mcp.database.tables.cart_handles import CARTS

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
PICKLE = StoreId("pickle")


def record(handle: str = "cart_1", *, store: str = "pickle", expires_in: int = 60) -> CartRecord:
    return CartRecord(
        store=StoreId(store),
        handle=CartId(handle),
        upstream=CartId(f"masked-{handle}"),
        lines=(LostLine(Sku("PAD-2"), 2, {"7": "Grün"}),),
        expires_at=int(NOW.timestamp()) + expires_in,
    )


def held(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(CARTS)).scalar_one()


async def test_what_is_kept_is_found_again_by_every_worker(opened: Callable[[], Database]) -> None:
    await SqlCartHandleRepository(opened()).put(record())
    other = SqlCartHandleRepository(opened())
    assert await other.find(PICKLE, CartId("cart_1")) == record()
    assert await other.find(PICKLE, CartId("cart_2")) is None


async def test_a_handle_opens_nothing_in_another_store(database: Database) -> None:
    handles = SqlCartHandleRepository(database)
    await handles.put(record())
    assert await handles.find(StoreId("paddle"), CartId("cart_1")) is None


async def test_keeping_again_changes_the_record(database: Database) -> None:
    handles = SqlCartHandleRepository(database)
    await handles.put(record())
    changed = replace(record(expires_in=120), upstream=CartId("another"), lines=(), coupon="SAVE10")
    await handles.put(changed)
    assert await handles.find(PICKLE, CartId("cart_1")) == changed
    assert held(database) == 1


def test_the_file_holds_no_handle(tmp_path: Path) -> None:
    handle = new_handle()
    database = Database(tmp_path / "storefront.db")
    asyncio.run(SqlCartHandleRepository(database).put(record(handle)))
    database.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"PAD-2" in content
    stored = content.replace(f"masked-{handle}".encode(), b"")
    assert handle.encode() not in stored


async def test_many_carts_change_at_once(database: Database) -> None:
    handles = SqlCartHandleRepository(database)
    records = [record(f"cart_{number}") for number in range(100)]
    await asyncio.gather(*(handles.put(each) for each in records))
    assert await asyncio.gather(*(handles.find(PICKLE, each.handle) for each in records)) == records


async def test_expired_records_are_swept_away_now_and_then(database: Database) -> None:
    now = NOW
    handles = SqlCartHandleRepository(database, now=lambda: now)
    for number in range(SWEEP_INTERVAL_WRITES - 1):
        await handles.put(record(f"cart_{number}"))
    now = NOW + dt.timedelta(seconds=61)
    await handles.put(record("last", expires_in=120))
    assert held(database) == 1


async def test_above_the_bound_those_that_end_soonest_go(database: Database) -> None:
    handles = SqlCartHandleRepository(database, now=lambda: NOW, quota=RowQuota(per_holder=9, in_all=10))
    for number in range(SWEEP_INTERVAL_WRITES):
        await handles.put(record(f"cart_{number}", expires_in=1000 - number))
    assert held(database) == 10
    assert await handles.find(PICKLE, CartId("cart_0")) is not None
    assert await handles.find(PICKLE, CartId("cart_255")) is None


async def test_the_owner_of_a_cart_is_kept(database: Database) -> None:
    handles = SqlCartHandleRepository(database)
    await handles.put(record())
    await handles.put(replace(record(), owner="subject-ada"))
    found = await handles.find(PICKLE, CartId("cart_1"))
    assert found is not None
    assert found.owner == "subject-ada"
