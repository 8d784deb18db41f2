"""The way into the audit: a queue that costs nothing, loses nothing it need not, and holds writers back when full."""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database, audit_writer as trail_module
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.audit_writer import AuditWriter
from storefront_mcp.records.audit import AuditEntry, AuditUnavailable
from tests.unit.records.entries import entry


@pytest.fixture
def trail(database: Database) -> Iterator[AuditWriter]:
    audit_writer = AuditWriter(database, at_most=10)
    yield audit_writer
    audit_writer.close()


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_module, "RETRY_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(trail_module, "ENQUEUE_TIMEOUT_SECONDS", 0.2)


class Stuck:
    """A database that takes nothing until it is let go."""

    def __init__(self, audit_writer: AuditWriter, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stuck = True
        self.error: Exception = OperationalError("INSERT", {}, Exception("disk full"))
        self._write = audit_writer._log.write
        monkeypatch.setattr(audit_writer._log, "write", self.write)

    def write(self, entries: Sequence[AuditEntry], **options: Any) -> None:
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


def test_what_is_noted_is_written_soon_and_in_its_order(database: Database, trail: AuditWriter) -> None:
    for number in range(5):
        trail.enqueue(entry(number))
    wait_for(lambda: count(database) == 5)
    assert [recorded.entry for recorded in AuditLog(database).read()] == [entry(number) for number in range(5)]


def test_closing_writes_what_is_left(database: Database) -> None:
    audit_writer = AuditWriter(database)
    for number in range(50):
        audit_writer.enqueue(entry(number))
    audit_writer.close()
    assert count(database) == 50
    assert AuditLog(database).verify().problems == ()


async def test_what_is_kept_is_there_when_told(database: Database, trail: AuditWriter) -> None:
    await trail.write_durably(entry(1))
    assert count(database) == 1


async def test_a_full_queue_holds_back_whoever_wants_an_entry(
    database: Database, trail: AuditWriter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck = Stuck(trail, monkeypatch)
    with caplog.at_level(logging.WARNING, "storefront_mcp.audit"):
        for number in range(10):
            await trail.wait_for_capacity()
            trail.enqueue(entry(number))
        with pytest.raises(AuditUnavailable):
            await trail.wait_for_capacity()
        with pytest.raises(AuditUnavailable):
            await trail.write_durably(entry(11))
        stuck.stuck = False
        wait_for(lambda: count(database) == 11)
        await trail.wait_for_capacity()
        wait_for(lambda: "is written again" in caplog.text)
    assert caplog.text.count("kept in memory meanwhile") == 1
    assert [recorded.entry for recorded in AuditLog(database).read()] == [entry(number) for number in (*range(10), 11)]


async def test_who_keeps_others_waiting_for_the_database_loses_them_no_entry(
    database: Database, trail: AuditWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Stuck(trail, monkeypatch)
    stuck.error = ShopBusy(retry_after=5)
    with pytest.raises(ShopBusy):
        await trail.write_durably(entry(1))
    assert count(database) == 0
    stuck.stuck = False
    wait_for(lambda: [recorded.entry for recorded in AuditLog(database).read()] == [entry(1)])


async def test_room_is_waited_for(trail: AuditWriter, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(trail, monkeypatch)
    monkeypatch.setattr(trail_module, "ENQUEUE_TIMEOUT_SECONDS", 10.0)
    for number in range(10):
        trail.enqueue(entry(number))
    stuck.stuck = False
    await trail.wait_for_capacity()
    wait_for(lambda: count(database) == 10)


def test_what_is_lost_in_the_end_is_said(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    audit_writer = AuditWriter(database)
    Stuck(audit_writer, monkeypatch)
    audit_writer.enqueue(entry(1))
    with caplog.at_level(logging.ERROR, "storefront_mcp.audit"):
        audit_writer.close()
    assert "1 entries of the audit were lost" in caplog.text


def test_old_entries_are_dropped_in_time(database: Database) -> None:
    AuditLog(database).write([entry(1), entry(2)])
    now = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    audit_writer = AuditWriter(database, now=lambda: now, keep=dt.timedelta(days=7))
    audit_writer.enqueue(entry(3, subject="the newest", at="2027-02-28T09:00:00.000+00:00"))
    wait_for(lambda: any(recorded.entry.what == "audit.pruned" for recorded in AuditLog(database).read()))
    audit_writer.close()
    assert [recorded.entry.subject for recorded in AuditLog(database).read()] == ["the newest", "2"]
    assert AuditLog(database).verify().problems == ()


def test_a_database_that_fails_while_dropping_is_only_logged(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    audit_writer = AuditWriter(database, keep=dt.timedelta(days=7))

    def fails(_before: dt.datetime) -> int:
        raise OperationalError("DELETE", {}, Exception("locked"))

    monkeypatch.setattr(audit_writer._log, "prune", fails)
    with caplog.at_level(logging.ERROR, "storefront_mcp.audit"):
        audit_writer.enqueue(entry(1))
        wait_for(lambda: "cannot be dropped" in caplog.text)
        audit_writer.close()
    assert count(database) == 1
