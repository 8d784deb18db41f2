"""A database that is opened read-only is neither created, migrated nor checkpointed."""

import gzip
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storefront_mcp.database import Database, DatabaseUnusable
from storefront_mcp.database.tables.flips import FLIPS

Make = Callable[[Path], object]


def count(path: Path) -> int:
    """How many flips are on record."""
    database = Database(path, read_only=True)
    try:
        with database.reading() as connection:
            return connection.execute(select(func.count()).select_from(FLIPS)).scalar_one()
    finally:
        database.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def test_what_is_not_there_is_as_good_as_empty_and_is_not_made(tmp_path: Path) -> None:
    assert count(tmp_path / "storefront.db") == 0
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "storefront.db").touch()
    assert count(tmp_path / "storefront.db") == 0
    assert contents(tmp_path) == {"storefront.db": b""}


def test_what_is_there_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a ? b" / "storefront.db"
    path.parent.mkdir()
    Database(path).close()
    before = {one.name: one.read_bytes() for one in path.parent.iterdir()}
    assert count(path) == 0
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == before


def test_the_log_of_a_server_that_was_killed_is_read_and_not_folded_in(tmp_path: Path) -> None:
    live, killed = tmp_path / "live", tmp_path / "killed"
    live.mkdir()
    database = Database(live / "storefront.db")
    with database.writing() as connection:
        connection.execute(
            FLIPS.insert().values(
                number=1, store="pickle", phase="x", before="planned", after="active", by="ops", at=""
            )
        )
    shutil.copytree(live, killed)
    database.close()
    before = contents(killed)
    assert before["storefront.db-wal"]

    assert count(killed / "storefront.db") == 1
    assert contents(killed) == before


def test_whoever_only_looks_cannot_write(tmp_path: Path) -> None:
    Database(tmp_path / "storefront.db").close()
    with closing(sqlite3.connect(tmp_path / "storefront.db")) as other:
        other.execute("CREATE TABLE filler (x)")
        database = Database(tmp_path / "storefront.db", read_only=True)
        with pytest.raises(Exception, match="readonly"), database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE filler")
        database.close()


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_tables_of_another_version_are_named_and_left_alone(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "storefront.db"
    Database(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        other.commit()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="older version" if revision == "0001" else "newer storefront-mcp"):
        Database(path, read_only=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_the_tables_of_another_program_are_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("CREATE TABLE customers (name)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match=r"no tables of ours" if read_only else r"somebody else \(customers\)"):
        Database(path, read_only=read_only)
    assert path.read_bytes() == before


def half(path: Path) -> None:
    whole = path.with_name("whole.db")
    Database(whole).close()
    path.write_bytes(whole.read_bytes()[:20_000])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "it is a folder."),
        (
            lambda path: path.write_text("[[store]]\nid = 1\n" * 10),
            "it is a text of 170 bytes that begins with '[[store]] id",
        ),
        (lambda path: path.write_bytes(gzip.compress(b"backup" * 100)), "it is compressed with gzip."),
        (lambda path: path.write_bytes(b"PGDMP\x01\x0e" + bytes(200)), "it is a backup that pg_dump made."),
        (lambda path: path.write_bytes(bytes(range(128, 256))), "it is 128 bytes that begin with 80 81 82"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "it is 2 bytes that begin with ff fe."),
        (half, "damaged, or of which only a part is there"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_what_lies_in_its_place_is_told(tmp_path: Path, make: Make, says: str, read_only: bool) -> None:
    path = tmp_path / "storefront.db"
    make(path)
    with pytest.raises(DatabaseUnusable) as raised:
        Database(path, read_only=read_only)
    assert says in str(raised.value) or "restore a backup" in str(raised.value)
