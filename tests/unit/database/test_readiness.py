"""Whether a database takes a write now, and whether it is still the one that was opened."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import Database, DatabaseUnusable
from storefront_mcp.database.failures import failure_kind
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.tables.workers import WRITE_PROBES
from tests.conftest import fill_disk
from tests.postgres import PostgresServer

Opened = Callable[[], Database]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "storefront.db"


@pytest.fixture
def ready(file: Path) -> Iterator[DatabaseReadiness]:
    with closing(Database(file)) as database:
        yield DatabaseReadiness(database)


def test_a_database_in_use_is_ready_however_often_it_is_asked_and_keeps_one_probe(opened: Opened) -> None:
    database = opened()
    readiness = DatabaseReadiness(database)
    assert [readiness.unready_reason() for _ in range(5)] == [None] * 5
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(WRITE_PROBES)).scalar_one() == 1


def test_processes_agree_on_the_identity_of_a_database_and_no_two_databases_share_one(
    opened: Opened, tmp_path: Path
) -> None:
    first, second = DatabaseReadiness(opened()), DatabaseReadiness(opened())
    assert first.identity == second.identity
    with closing(Database(tmp_path / "other.db")) as other:
        assert DatabaseReadiness(other).identity != first.identity


def test_a_full_database_is_told(ready: DatabaseReadiness) -> None:
    with closing(sqlite3.connect(ready.name)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with closing(Database(ready.name)) as database:
        event.listen(database._driver.engine, "connect", lambda one, _: one.execute(f"PRAGMA max_page_count = {pages}"))
        database._driver.engine.dispose()
        assert DatabaseReadiness(database).unready_reason() == "is full"
    assert ready.unready_reason() is None, "there is room again"


@pytest.mark.slow
def test_a_full_disk_is_told_and_room_on_it_is_noticed(full_disk: Callable[[], Path], tmp_path: Path) -> None:
    disk = full_disk()
    with closing(Database(disk / "storefront.db")) as database:
        ready = DatabaseReadiness(database)
        assert ready.unready_reason() is None
        filler = fill_disk(disk)
        assert ready.unready_reason() == "is full"
        filler.unlink()
        assert ready.unready_reason() is None


def test_a_file_that_was_deleted_or_replaced_is_told(ready: DatabaseReadiness, file: Path) -> None:
    kept = file.with_name("kept.db")
    file.rename(kept)
    assert ready.unready_reason() == "was deleted since the start"
    Database(file).close()
    assert ready.unready_reason() == "was replaced since the start"


def test_a_file_that_was_overwritten_in_place_is_told(ready: DatabaseReadiness, file: Path) -> None:
    # In place, as `cp backup.db storefront.db` does: the same inode, another database.
    other = file.with_name("other.db")
    with closing(Database(other)) as database:
        DatabaseReadiness(database)
        database.forget()
    with closing(sqlite3.connect(other)) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
    assert ready.unready_reason() == "is another one since the start"


def test_other_tables_and_those_of_another_version_are_told(ready: DatabaseReadiness, file: Path) -> None:
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    assert ready.unready_reason() == "has the tables of another version"
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("DROP TABLE alembic_version")
    assert ready.unready_reason() == "has other tables"


def test_errors_name_the_database_and_say_what_to_do(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.database.sqlite.BUSY_TIMEOUT_SECONDS", 0.05)
    with closing(Database(file)) as database, closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(ShopBusy) as locked, database.writing():
            raise AssertionError("unreachable")
        (note,) = locked.value.__notes__
        assert note.startswith(f"{file}: database is locked. Nothing was written. End the process")
        holder.execute("ROLLBACK")
        with pytest.raises(SQLAlchemyError) as missing, database.reading() as connection:
            connection.exec_driver_sql("SELECT * FROM reviews")
        (note,) = missing.value.__notes__
        assert note.startswith(f"{file}: no such table: reviews. Another database may have taken its place.")


@pytest.mark.parametrize(
    ("cause", "state", "reason"),
    [
        ("could not extend file: No space left on device", "53100", "is full"),
        ("canceling statement due to lock timeout", "55P03", "is locked"),
        ("canceling statement due to statement timeout", "57014", "is locked"),
        ("cannot execute INSERT in a read-only transaction", "25006", "is read-only"),
        ("permission denied for table flips", "42501", "refuses us"),
        ('password authentication failed for user "shop"', "28P01", "refuses us"),
        ('relation "flips" does not exist', "42P01", "has other tables"),
        ("terminating connection due to administrator command", "57P01", "does not answer"),
        ("server closed the connection unexpectedly", "08", "does not answer"),
        ("division by zero", "22012", None),
    ],
)
def test_states_of_postgresql_are_known_by_their_codes(cause: str, state: str, reason: str | None) -> None:
    kind = failure_kind(cause, state)
    assert (None if kind is None else kind.reason) == reason


@pytest.mark.slow
def test_a_postgresql_server_that_is_gone_is_told(postgres: PostgresServer, fresh_postgres: Callable[[], str]) -> None:
    where = fresh_postgres()
    with closing(Database(where)) as database:
        ready = DatabaseReadiness(database)
        assert ready.unready_reason() is None
        database._driver.engine.dispose()
        # A server that nobody reaches: the socket's folder is another one.
        gone = where.replace("host=", "host=/nonexistent")
    with pytest.raises(DatabaseUnusable, match="Check that the server runs, the address"):
        Database(gone)
