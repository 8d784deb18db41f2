"""The one file: who may open it, what it promises."""

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from storefront_mcp.database import Database, DatabaseUnusable
from storefront_mcp.database.tables import FLIPS, SCHEMA_VERSION

Opened = Callable[[], Database]
ROW = {
    "number": 1,
    "store": "pickle",
    "phase": "browse",
    "before": "planned",
    "after": "active",
    "by": "ops",
    "at": "",
}


def test_a_new_file_is_in_wal_mode_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "storefront.db"
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_opening_again_keeps_what_is_there(opened: Opened) -> None:
    first = opened()
    with first.writing() as connection:
        connection.execute(insert(FLIPS).values(ROW))
    first.close()
    with opened().reading() as connection:
        assert connection.execute(select(FLIPS.c.by)).scalar_one() == "ops"


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "storefront.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseUnusable, match=r"newer storefront-mcp \(version 99 .* Update storefront-mcp"):
        Database(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"This is no database at all, it is a letter." * 30, "file is not a database"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_database_is_refused_by_name(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "storefront.db" if content else tmp_path / "nowhere" / "storefront.db"
    if content:
        path.write_bytes(content)
    with pytest.raises(DatabaseUnusable, match=f"^{path}: cannot be used as the database: {says}"):
        Database(path)


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:  # noqa: PT012
        connection.execute(insert(FLIPS).values(ROW))
        raise ZeroDivisionError
    with database.reading() as connection:
        assert connection.execute(select(FLIPS)).all() == []


@pytest.mark.parametrize("statement", ["UPDATE flips SET by = 'nights'", "DELETE FROM flips"])
def test_the_record_of_flips_can_only_grow(database: Database, statement: str) -> None:
    with database.writing() as connection:
        connection.execute(insert(FLIPS).values(ROW))
    with pytest.raises(IntegrityError, match="flips are only ever added"), database.writing() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(("survives", "level"), [("process", 1), ("power", 2)])
def test_a_commit_waits_for_the_disk_only_where_it_must_outlive_the_power(
    database: Database, survives: str, level: int
) -> None:
    with database.writing(survives=survives) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == level


def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    with database.reading() as reading:
        assert reading.execute(select(FLIPS)).all() == []
        with database.writing() as writing:
            writing.execute(insert(FLIPS).values(ROW))
        assert reading.execute(select(FLIPS)).all() == []
