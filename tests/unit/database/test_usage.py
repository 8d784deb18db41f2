"""Usage statistics in SQL: several workers add to the same rows."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.usage import SqlUsageRepository, count_orders
from storefront_mcp.records.usage import DurationSummary, UsageRow

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")


def line(minute: int = 100, *, name: str = "view_cart", slowest: float = 0.3) -> UsageRow:
    return UsageRow(
        minute=minute, kind="tool", name=name, client="curl", sum=DurationSummary(1, slowest, slowest, (0, 0, 1, 0, 0))
    )


@pytest.fixture
def repository(database: Database) -> SqlUsageRepository:
    return SqlUsageRepository(database)


def test_what_workers_add_is_added_up(repository: SqlUsageRepository) -> None:
    with ThreadPoolExecutor(4) as pool:
        names = [["a", "b", "c"], ["c", "b", "a"]] * 6
        list(pool.map(lambda order: repository.add(PICKLE, [line(name=name) for name in order]), names))
    repository.add(PICKLE, [line(name="a", slowest=0.4)])
    found = {one.name: one.sum for one in repository.read(PICKLE, since=0, step=1)}
    assert {name: total.count for name, total in found.items()} == {"a": 13, "b": 12, "c": 12}
    assert found["a"].slowest == 0.4
    assert found["a"].seconds == pytest.approx(12 * 0.3 + 0.4)
    assert found["a"].within == (0, 0, 13, 0, 0)


def test_older_outcomes_are_read_as_codes(repository: SqlUsageRepository) -> None:
    repository.add(PICKLE, [replace(line(), outcome=outcome) for outcome in ("ShopDown", "out_of_stock", "503")])
    assert {one.outcome for one in repository.read(PICKLE, since=0, step=1)} == {
        "shop_unavailable",
        "out_of_stock",
        "503",
    }


def test_it_is_read_from_a_minute_on_in_steps_and_of_one_store(repository: SqlUsageRepository) -> None:
    repository.add(PICKLE, [line(99), line(100), line(109), line(110)])
    repository.add(PADDLE, [line(100)])
    repository.add(PADDLE, [])
    assert [(one.minute, one.sum.count) for one in repository.read(PICKLE, since=100, step=10)] == [(100, 2), (110, 1)]
    assert [(one.minute, one.sum.count) for one in repository.read(PADDLE, since=0, step=1)] == [(100, 1)]


def test_what_is_old_is_dropped(repository: SqlUsageRepository, database: Database) -> None:
    repository.add(PICKLE, [line(99), line(100)])
    assert repository.prune(100) == 1
    assert [one.minute for one in repository.read(PICKLE, since=0, step=1)] == [100]
    assert count_orders(database, PICKLE, 0.0) == 0
