"""Traffic on record: several workers add to the same lines."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from storefront_mcp.calls.traffic import Line, Sum
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.traffic import DatabaseTraffic, ordered

PICKLE, PADDLE = StoreId("pickle"), StoreId("paddle")


def line(minute: int = 100, *, name: str = "view_cart", slowest: float = 0.3) -> Line:
    return Line(minute=minute, kind="tool", name=name, client="curl", sum=Sum(1, slowest, slowest, (0, 0, 1, 0, 0)))


@pytest.fixture
def book(database: Database) -> DatabaseTraffic:
    return DatabaseTraffic(database)


def test_what_workers_add_is_added_up(book: DatabaseTraffic) -> None:
    with ThreadPoolExecutor(4) as pool:
        names = [["a", "b", "c"], ["c", "b", "a"]] * 6
        list(pool.map(lambda order: book.add(PICKLE, [line(name=name) for name in order]), names))
    book.add(PICKLE, [line(name="a", slowest=0.4)])
    found = {one.name: one.sum for one in book.read(PICKLE, since=0, step=1)}
    assert {name: total.count for name, total in found.items()} == {"a": 13, "b": 12, "c": 12}
    assert found["a"].slowest == 0.4
    assert found["a"].seconds == pytest.approx(12 * 0.3 + 0.4)
    assert found["a"].within == (0, 0, 13, 0, 0)


def test_it_is_read_from_a_minute_on_in_steps_and_of_one_store(book: DatabaseTraffic) -> None:
    book.add(PICKLE, [line(99), line(100), line(109), line(110)])
    book.add(PADDLE, [line(100)])
    book.add(PADDLE, [])
    assert [(one.minute, one.sum.count) for one in book.read(PICKLE, since=100, step=10)] == [(100, 2), (110, 1)]
    assert [(one.minute, one.sum.count) for one in book.read(PADDLE, since=0, step=1)] == [(100, 1)]


def test_what_is_old_is_dropped(book: DatabaseTraffic, database: Database) -> None:
    book.add(PICKLE, [line(99), line(100)])
    assert book.prune(100) == 1
    assert [one.minute for one in book.read(PICKLE, since=0, step=1)] == [100]
    assert ordered(database, PICKLE, 0.0) == 0
