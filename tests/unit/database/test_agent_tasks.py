"""Tasks of agent conversations in SQL: bound to their store, sealed, bounded in time and number."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import func, select

from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.agent_tasks import (
    LIFETIME_SECONDS,
    MAX_LISTED,
    ORDER_LIFETIME_SECONDS,
    SqlAgentTaskRepository,
)
from storefront_mcp.database.row_quota import OWN_INTERVAL_WRITES, SWEEP_INTERVAL_WRITES, RowQuota
from storefront_mcp.database.tables.agent_tasks import AGENT_TASKS
from storefront_mcp.records.agent_tasks import AgentTaskRecord
from tests.unit.database.test_guest_growth import FLOODER, SHOPPER, asking

PICKLE = StoreId("pickle")
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
SECONDS = int(NOW.timestamp())


class Clock:
    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def task(number: int = 1, **more: object) -> AgentTaskRecord:
    made = AgentTaskRecord(
        id=f"task_{number}", context="ctx_1", state="input_required", cart=CartId("cart_1"), changed_at=SECONDS + number
    )
    return replace(made, **more)


def held(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(AGENT_TASKS)).scalar_one()


async def test_a_task_is_found_again_by_every_worker(opened: Callable[[], Database]) -> None:
    await SqlAgentTaskRepository(opened(), PICKLE).put(task())
    other = SqlAgentTaskRepository(opened(), PICKLE)
    assert await other.find("task_1") == task()
    assert await other.find("task_2") is None
    assert await other.list_context("ctx_1") == [task()]
    assert await other.list_context("ctx_2") == []


async def test_a_task_is_nothing_in_another_store(database: Database) -> None:
    await SqlAgentTaskRepository(database, PICKLE).put(task())
    paddle = SqlAgentTaskRepository(database, StoreId("paddle"))
    assert await paddle.find("task_1") is None
    assert await paddle.list_context("ctx_1") == []


async def test_the_last_changed_is_listed_first(database: Database) -> None:
    tasks = SqlAgentTaskRepository(database, PICKLE)
    for number in (1, 2, 3):
        await tasks.put(task(number))
    changed = task(1, state="completed", checkout="chk_1", changed_at=SECONDS + 9)
    await tasks.put(changed)
    assert [one.id for one in await tasks.list_context("ctx_1")] == ["task_1", "task_3", "task_2"]
    assert await tasks.find("task_1") == changed
    assert held(database) == 3


async def test_of_very_many_the_newest_are_listed(database: Database) -> None:
    tasks = SqlAgentTaskRepository(database, PICKLE)
    for number in range(MAX_LISTED + 5):
        await tasks.put(task(number))
    found = await tasks.list_context("ctx_1")
    assert (len(found), found[0].id) == (MAX_LISTED, f"task_{MAX_LISTED + 4}")


def test_the_file_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "storefront.db"
    database = Database(str(path))
    secret = task(1, id="task_hidden", context="ctx_hidden", cart="cart_hidden", checkout="chk_hidden")
    SqlAgentTaskRepository.put.__wrapped__(SqlAgentTaskRepository(database, PICKLE), secret)  # type: ignore[attr-defined]
    database.close()
    assert not any(b"hidden" in one.read_bytes() for one in tmp_path.iterdir())


async def test_a_task_lives_as_long_as_its_cart_and_one_with_an_order_longer(database: Database) -> None:
    clock = Clock()
    tasks = SqlAgentTaskRepository(database, PICKLE, now=clock)
    await tasks.put(task(1))
    await tasks.put(task(2, checkout="chk_1"))
    clock.now = NOW + dt.timedelta(seconds=LIFETIME_SECONDS)
    assert await tasks.find("task_1") is None
    assert [one.id for one in await tasks.list_context("ctx_1")] == ["task_2"]
    clock.now = NOW + dt.timedelta(seconds=ORDER_LIFETIME_SECONDS)
    assert await tasks.list_context("ctx_1") == []


async def test_a_flood_of_tasks_costs_others_nothing(database: Database) -> None:
    small = RowQuota(per_holder=20, in_all=1_000)
    tasks = SqlAgentTaskRepository(database, PICKLE, now=Clock(), quota=small)
    with asking(SHOPPER):
        await tasks.put(task(0))
    with asking(FLOODER):
        for number in range(1, 80):
            await tasks.put(task(number))
    assert held(database) <= 1 + small.per_holder + OWN_INTERVAL_WRITES
    assert await tasks.find("task_0") is not None


async def test_what_is_over_is_swept(database: Database) -> None:
    clock = Clock()
    tasks = SqlAgentTaskRepository(database, PICKLE, now=clock)
    await tasks.put(task(1))
    clock.now = NOW + dt.timedelta(seconds=LIFETIME_SECONDS)
    for _ in range(SWEEP_INTERVAL_WRITES):
        await tasks.put(task(2))
    assert held(database) == 1
