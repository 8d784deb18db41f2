"""Opening a database, and its transactions."""

import gc
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from storefront_mcp.database import Database, DatabaseUnusable, SqlFlipRepository
from storefront_mcp.database.tables.flips import FLIPS
from tests.postgres import PostgresServer

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
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_closing_leaves_no_connection_open_that_comes_back_later(tmp_path: Path) -> None:
    database = Database(tmp_path / "storefront.db")
    with database.reading() as in_use:
        before = in_use.connection.dbapi_connection
        database.close()
        in_use.execute(select(FLIPS))
    with database.reading() as late:
        after = late.connection.dbapi_connection

    for connection in (before, after):
        assert isinstance(connection, sqlite3.Connection)
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            connection.execute("SELECT 1")


@pytest.mark.slow
def test_a_database_that_nobody_closes_leaves_no_connection_open_either(tmp_path: Path) -> None:
    database = Database(tmp_path / "storefront.db")
    watching = database.watching()
    with database.reading() as connection:
        at_rest = connection.connection.dbapi_connection
    watched = watching._connection.connection.dbapi_connection  # type: ignore[attr-defined]

    del connection, watching, database
    gc.collect()

    for one in (at_rest, watched):
        assert isinstance(one, sqlite3.Connection)
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            one.execute("SELECT 1")


def test_opening_again_keeps_what_is_there(opened: Opened) -> None:
    first = opened()
    with first.writing() as connection:
        connection.execute(insert(FLIPS).values(ROW))
    first.close()
    with opened().reading() as connection:
        assert connection.execute(select(FLIPS.c.by)).scalar_one() == "ops"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"This is no database at all, it is a letter." * 30,
            "it is a text of 1290 bytes that begins with 'This is no database at all",
        ),
        (None, "there is no folder "),
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


@pytest.mark.parametrize(("survives", "levels"), [("process", {1, "off"}), ("power", {2, "on"})])
def test_a_commit_waits_for_the_disk_only_where_it_must_outlive_the_power(
    database: Database, where: str, survives: str, levels: set[object]
) -> None:
    ask = "SHOW synchronous_commit" if where.startswith("postgresql") else "PRAGMA synchronous"
    for _ in range(2):
        with database.writing(survives=survives) as connection:
            assert connection.exec_driver_sql(ask).scalar_one() in levels


def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    with database.reading() as reading:
        assert reading.execute(select(FLIPS)).all() == []
        with database.writing() as writing:
            writing.execute(insert(FLIPS).values(ROW))
        assert reading.execute(select(FLIPS)).all() == []


def test_a_reader_cannot_write_by_mistake_on_a_server(fresh_postgres: Callable[[], str]) -> None:
    with closing(Database(fresh_postgres())) as database:
        with pytest.raises(DBAPIError, match="read-only"), database.reading() as connection:
            connection.execute(insert(FLIPS).values(ROW))
        with database.writing() as connection:
            connection.execute(insert(FLIPS).values(ROW))


def test_a_server_that_was_restarted_is_asked_anew(postgres: PostgresServer, fresh_postgres: Callable[[], str]) -> None:
    with closing(Database(fresh_postgres())) as database:
        flags = SqlFlipRepository(database)
        assert flags.current_statuses() == {}
        postgres.hang_up()
        assert not flags.has_changed()


@pytest.mark.parametrize(
    ("user", "name", "says"),
    [
        ("nobody-here", "postgres", 'role "nobody-here" does not exist'),
        ("storefront", "nothing", 'database "nothing" does not exist'),
        ("guarded:s3cret%2F", "postgres", "password authentication failed"),
    ],
)
def test_a_server_that_refuses_is_named_without_the_password(
    postgres: PostgresServer, user: str, name: str, says: str
) -> None:
    postgres.run("DROP ROLE IF EXISTS guarded", "CREATE ROLE guarded LOGIN PASSWORD 'another'")
    with pytest.raises(DatabaseUnusable, match=says) as refused:
        Database(postgres.url(name, user=user))
    shown = str(refused.value)
    assert shown.startswith(f"postgresql://{user.partition(':')[0]}")
    assert "Check that the server runs" in shown
    assert "s3cret" not in shown + repr(refused.value.__cause__)


def test_a_server_that_is_not_there_is_an_error_and_not_a_wait() -> None:
    with pytest.raises(DatabaseUnusable, match="No such file or directory"):
        Database("postgresql://storefront:s3cret@/shop?host=/nonexistent&password=s3cret")


def test_a_url_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(DatabaseUnusable, match="URL cannot be read") as refused:
        Database("postgresql://shop:s3cret@host:port:5432/shop")
    assert "s3cret" not in str(refused.value)


def test_a_user_who_may_not_create_tables_is_told_so(postgres: PostgresServer) -> None:
    postgres.run(
        "DROP ROLE IF EXISTS visitor", "CREATE ROLE visitor LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    )
    with pytest.raises(DatabaseUnusable, match="permission denied for schema public") as refused:
        Database(postgres.url(user="visitor"))
    assert "may create tables there" in str(refused.value)


def test_without_the_driver_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(DatabaseUnusable, match=r"^postgresql://shop:\*\*\*@db\.example/shop: .*storefront-mcp\[postgr"):
        Database("postgres://shop:s3cret@db.example/shop?sslpassword=s3cret")


def test_somebody_elses_database_is_refused_and_not_a_byte_of_it_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "till.db"
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE customers (name TEXT)")
        foreign.commit()
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="customers"):
        Database(path)

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["till.db"]


def test_an_error_drops_no_lock_so_that_another_process_leaves_the_write_ahead_log_alone(tmp_path: Path) -> None:
    path = tmp_path / "storefront.db"
    with closing(Database(path)) as database:
        with pytest.raises(DBAPIError), database.reading() as connection:
            connection.exec_driver_sql("SELECT * FROM reviews")
        with database.writing() as connection:
            connection.execute(insert(FLIPS).values(ROW))
        program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM flips'); c.close()"
        subprocess.run([sys.executable, "-c", program, path], check=True, timeout=120)
        assert path.with_name("storefront.db-wal").exists()
