"""The way into the audit: a queue that costs nothing, loses nothing it need not, and holds writers back when full."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from storefront_mcp.calls.audit import AuditStalled, Entry
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database, trail as trail_module
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.trail import DatabaseTrail
from tests.audit.entries import entry


@pytest.fixture
def trail(database: Database) -> Iterator[DatabaseTrail]:
    trail = DatabaseTrail(database, at_most=10)
    yield trail
    trail.close()


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_module, "PAUSE", 0.01)
    monkeypatch.setattr(trail_module, "PATIENCE", 0.2)


class Stuck:
    """A database that takes nothing until it is let go."""

    def __init__(self, trail: DatabaseTrail, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stuck = True
        self.error: Exception = OperationalError("INSERT", {}, Exception("disk full"))
        self._write = trail._log.write
        monkeypatch.setattr(trail._log, "write", self.write)

    def write(self, entries: Sequence[Entry], **options: Any) -> None:
        if self.stuck:
            raise self.error
        self._write(entries, **options)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def count(database: Database) -> int:
    return len(list(AuditLog(database).read()))


def test_what_is_noted_is_written_soon_and_in_its_order(database: Database, trail: DatabaseTrail) -> None:
    for number in range(5):
        trail.note(entry(number))
    wait_for(lambda: count(database) == 5)
    assert [recorded.entry for recorded in AuditLog(database).read()] == [entry(number) for number in range(5)]


def test_closing_writes_what_is_left(database: Database) -> None:
    trail = DatabaseTrail(database)
    for number in range(50):
        trail.note(entry(number))
    trail.close()
    assert count(database) == 50
    assert AuditLog(database).verify().problems == ()


async def test_what_is_kept_is_there_when_told(database: Database, trail: DatabaseTrail) -> None:
    await trail.keep(entry(1))
    assert count(database) == 1


async def test_a_full_queue_holds_back_whoever_wants_an_entry(
    database: Database, trail: DatabaseTrail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck = Stuck(trail, monkeypatch)
    with caplog.at_level(logging.WARNING, "storefront_mcp.audit"):
        for number in range(10):
            await trail.room()
            trail.note(entry(number))
        with pytest.raises(AuditStalled):
            await trail.room()
        with pytest.raises(AuditStalled):
            await trail.keep(entry(11))
        stuck.stuck = False
        wait_for(lambda: count(database) == 11)
        await trail.room()
        wait_for(lambda: "is written again" in caplog.text)
    assert caplog.text.count("kept in memory meanwhile") == 1
    assert [recorded.entry for recorded in AuditLog(database).read()] == [entry(number) for number in (*range(10), 11)]


async def test_who_keeps_others_waiting_for_the_database_loses_them_no_entry(
    database: Database, trail: DatabaseTrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck(trail, monkeypatch)
    stuck.error = ShopBusy(retry_after=5)
    with pytest.raises(ShopBusy):
        await trail.keep(entry(1))
    assert count(database) == 0
    stuck.stuck = False
    wait_for(lambda: [recorded.entry for recorded in AuditLog(database).read()] == [entry(1)])


async def test_room_is_waited_for(trail: DatabaseTrail, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(trail, monkeypatch)
    monkeypatch.setattr(trail_module, "PATIENCE", 10.0)
    for number in range(10):
        trail.note(entry(number))
    stuck.stuck = False
    await trail.room()
    wait_for(lambda: count(database) == 10)


def test_what_is_lost_in_the_end_is_said(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trail = DatabaseTrail(database)
    Stuck(trail, monkeypatch)
    trail.note(entry(1))
    with caplog.at_level(logging.ERROR, "storefront_mcp.audit"):
        trail.close()
    assert "1 entries of the audit were lost" in caplog.text


def test_old_entries_are_dropped_in_time(database: Database) -> None:
    AuditLog(database).write([entry(1), entry(2)])
    now = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    trail = DatabaseTrail(database, now=lambda: now, keep=dt.timedelta(days=7))
    trail.note(entry(3, subject="the newest", at="2027-02-28T09:00:00.000+00:00"))
    wait_for(lambda: any(recorded.entry.what == "audit.pruned" for recorded in AuditLog(database).read()))
    trail.close()
    assert [recorded.entry.subject for recorded in AuditLog(database).read()] == ["the newest", "2"]
    assert AuditLog(database).verify().problems == ()


def test_a_database_that_fails_while_dropping_is_only_logged(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trail = DatabaseTrail(database, keep=dt.timedelta(days=7))

    def fails(_before: dt.datetime) -> int:
        raise OperationalError("DELETE", {}, Exception("locked"))

    monkeypatch.setattr(trail._log, "prune", fails)
    with caplog.at_level(logging.ERROR, "storefront_mcp.audit"):
        trail.note(entry(1))
        wait_for(lambda: "cannot be dropped" in caplog.text)
        trail.close()
    assert count(database) == 1
