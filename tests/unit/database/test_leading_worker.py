"""One worker of a machine leads, whatever the database tells meanwhile."""

import datetime as dt
import os
import socket
from pathlib import Path

import pytest
from sqlalchemy import insert

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database, workers as module
from storefront_mcp.database.tables.workers import WORKERS
from storefront_mcp.database.workers import STALE_SECONDS, SqlWorkerRepository


class Clock:
    now = dt.datetime(2027, 2, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "x.db")


def others(database: Database, clock: Clock, pid: int, host: str | None = None) -> None:
    """Another worker tells that it runs."""
    row = {"id": f"{host}{pid}", "host": host or socket.gethostname(), "pid": pid, "file": "", "shown": b"{}"}
    with database.writing() as connection:
        connection.execute(insert(WORKERS).values(row | {"seen_at": int(clock().timestamp())}))


def test_the_first_process_of_a_machine_leads_and_of_each_machine_one(database: Database, clock: Clock) -> None:
    here = SqlWorkerRepository(database, now=clock)
    assert here.leads(), "nobody has told of itself yet"
    here.write({})
    others(database, clock, 1, host="elsewhere")
    assert here.leads()
    # The parent runs, and came first.
    others(database, clock, os.getppid())
    assert here.leads() is (os.getpid() < os.getppid())
    others(database, clock, 1)
    assert not here.leads()


def test_while_the_database_tells_nothing_it_stays_decided_among_those_who_live(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = SqlWorkerRepository(database, now=clock)
    here.write({})
    others(database, clock, 1)
    assert not here.leads()
    clock.now += dt.timedelta(seconds=2 * STALE_SECONDS)
    assert not here.leads(), "nobody could tell of itself"

    def failing() -> None:
        raise ShopBusy(retry_after=1, internal="locked")

    monkeypatch.setattr(here, "running", failing)
    assert not here.leads()
    monkeypatch.setattr(module, "_process_exists", lambda pid: pid != 1)
    assert here.leads()
