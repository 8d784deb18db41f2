"""Schema migration, from nothing or from any older revision, by whichever process starts first."""

import asyncio
import multiprocessing
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from storefront_mcp.database import Database, DatabaseUnusable, SqlFlipRepository, schema
from storefront_mcp.database.sandbox import SqlSandboxRepository
from storefront_mcp.database.tables import METADATA
from storefront_mcp.payments.sandbox import SandboxLink

pytestmark = pytest.mark.slow

VERSIONS = Path(schema.__file__).parent / "migrations" / "versions"
BEFORE_MIGRATIONS = """
CREATE TABLE flips (
    number INTEGER NOT NULL, store TEXT NOT NULL, phase TEXT NOT NULL, before TEXT NOT NULL,
    "after" TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (number, phase)
);
CREATE INDEX flips_by_phase ON flips (store, phase, number);
CREATE TRIGGER flips_refuse_update BEFORE UPDATE ON flips BEGIN SELECT RAISE(ABORT, 'flips are only ever added'); END;
CREATE TRIGGER flips_refuse_delete BEFORE DELETE ON flips BEGIN SELECT RAISE(ABORT, 'flips are only ever added'); END;
CREATE TABLE carts (
    "key" BLOB NOT NULL, store TEXT NOT NULL, upstream TEXT NOT NULL, lines BLOB NOT NULL,
    expires_at INTEGER NOT NULL, PRIMARY KEY ("key")
) WITHOUT ROWID;
CREATE INDEX ix_carts_expires_at ON carts (expires_at);
CREATE TABLE keys (name TEXT NOT NULL, "key" BLOB NOT NULL, PRIMARY KEY (name));
INSERT INTO flips VALUES (1, 'pickle', 'browse', 'planned', 'active', 'ops', '2026-11-20T09:30:00+00:00');
PRAGMA user_version = 1;
"""


def shape(connection: Connection) -> dict[str, Any]:
    """All that can be known of a database's tables, as the database itself tells it."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {f"{kind} {name}": _plain(sql) for kind, name, sql in rows}
    found = inspect(connection)
    tables: dict[str, Any] = {}
    for table in found.get_table_names():
        columns = [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)]
        tables[table] = (columns, found.get_pk_constraint(table), found.get_unique_constraints(table))
    schema_name = connection.execute(text("SELECT current_schema()")).scalar_one()
    indexes = connection.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"))
    triggers = connection.execute(
        text(
            "SELECT tgname, pg_get_triggerdef(pg_trigger.oid), pg_get_functiondef(tgfoid) FROM pg_trigger "
            "JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace"
        )
    )
    named = {name: definition for name, *definition in [*indexes, *triggers]}
    return tables | {name: [part.replace(f"{schema_name}.", "") for part in parts] for name, parts in named.items()}


def _plain(sql: str) -> str:
    """Spelled one way: SQLite keeps the text of each statement as it came."""
    return re.sub(r'[\s"]+', " ", sql).replace("( ", "(").replace(" )", ")").strip()


def step_by_step(where: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Open an empty database so that every migration runs."""
    with monkeypatch.context() as patched:

        def from_nothing(connection: Connection) -> None:
            schema.VERSION.create(connection)
            schema.upgrade(connection)

        patched.setattr(schema, "bring_up_to_date", from_nothing)
        return Database(where)


def test_all_steps_together_give_what_a_fresh_database_has(
    tmp_path: Path, fresh_postgres: Callable[[], str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = str(tmp_path / "other.db") if where.endswith(".db") else fresh_postgres()
    with closing(Database(where)) as fresh, closing(step_by_step(other, monkeypatch)) as migrated:
        with fresh.reading() as one, migrated.reading() as two:
            assert shape(one) == shape(two)
            assert len(shape(one)) > 20
            assert schema.revision(one) == schema.revision(two) == schema.HEAD_REVISION
        with migrated.writing() as connection:
            assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_the_steps_are_one_chain_named_after_their_revisions() -> None:
    before = None
    for revision, path in zip(schema.REVISIONS, sorted(VERSIONS.glob("[0-9]*.py")), strict=True):
        source = path.read_text()
        assert re.search(rf'^revision = "{revision}"$', source, re.MULTILINE), path
        wanted = "None" if before is None else f'"{before}"'
        assert re.search(rf"^down_revision = {wanted}$", source, re.MULTILINE), path
        before = revision
    assert len({int(revision) for revision in schema.REVISIONS}) == int(schema.HEAD_REVISION)


def test_a_file_from_before_migrations_is_taken_over_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "storefront.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(BEFORE_MIGRATIONS)
    with closing(Database(path)) as old, closing(Database(tmp_path / "fresh.db")) as fresh:
        (flip,) = SqlFlipRepository(old).history()
        assert (flip.phase, flip.after, flip.by) == ("browse", "active", "ops")
        with old.reading() as one, fresh.reading() as two:
            assert shape(one) == shape(two)
            # Releases from before migrations refuse whatever is not 1.
            assert one.exec_driver_sql("PRAGMA user_version").scalar_one() == 2


def test_a_known_key_of_a_checkout_goes_to_the_cart_of_that_checkout(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the cart's digest is in the checkout, a repeat after the update is still known."""

    def before_keys_had_carts(connection: Connection) -> None:
        schema.VERSION.create(connection)
        schema.upgrade(connection, "0006")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "bring_up_to_date", before_keys_had_carts)
        with closing(Database(where)) as old, old.writing() as connection:
            kept = {"store": "pickle", "cart": "cart-1", "pay_key": "pay-1", "request": "wish-1", "state": "placed"}
            kept |= {"live": False, "fence": 0, "lease_until": 0.0, "created_at": 0.0, "record": b"{}", "id": "chk_1"}
            connection.execute(METADATA.tables["checkouts"].insert().values(kept))
            connection.execute(text("INSERT INTO checkout_keys VALUES ('pickle', 'order-1', 'wish-1', 'chk_1')"))
            connection.execute(text("INSERT INTO checkout_keys VALUES ('pickle', 'order-2', 'wish-2', 'chk_gone')"))
    with closing(Database(where)) as database, database.reading() as connection:
        rows = connection.execute(text("SELECT store, cart, key, request, checkout FROM checkout_keys")).all()
    assert [tuple(row) for row in rows] == [("pickle", "cart-1", "order-1", "wish-1", "chk_1")]


def test_a_sandbox_payment_from_before_the_update_keeps_its_page_and_loses_its_addresses(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = SandboxLink(id="a", return_url="https://pickle.example/pay/t?done=1", cancel_url="https://pickle.example/é")
    fields = {"id": "a", "key": "k", "store": "pickle", "checkout": "chk_1", "title": "Pickle", "expires_at": 9}
    fields |= {"amount": {"minor": 1, "currency": "AUD"}, "return_url": link.return_url, "cancel_url": link.cancel_url}
    row = {"id": "a", "key": "k", "expires_at": 9, "slip": msgspec.json.encode(fields)}
    with monkeypatch.context() as patched:

        def before_links(connection: Connection) -> None:
            schema.VERSION.create(connection)
            schema.upgrade(connection, "0013")

        patched.setattr(schema, "bring_up_to_date", before_links)
        with closing(Database(where)) as old, old.writing() as connection:
            connection.execute(METADATA.tables["sandbox_slips"].insert().values(row))
    with closing(Database(where)) as database:
        found = asyncio.run(SqlSandboxRepository(database).find("a"))
        with database.reading() as connection:
            assert b"pickle.example" not in connection.execute(text("SELECT slip FROM sandbox_slips")).scalar_one()
    assert found is not None
    assert (found.checkout, found.link_digest) == ("chk_1", link.digest)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(where: str) -> None:
    first = Database(where)
    with first.writing() as connection:
        schema.stamp(connection, "9999")
    first.close()
    with pytest.raises(DatabaseUnusable, match=r"newer storefront-mcp \(version 9999 .* Update storefront-mcp") as told:
        Database(where)
    assert str(told.value).startswith(first.name)


def test_a_step_that_fails_leaves_the_database_as_it_was(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(connection: Connection) -> None:
        schema.VERSION.create(connection)
        schema.upgrade(connection)
        connection.exec_driver_sql("SELECT no_such_thing")

    monkeypatch.setattr(schema, "bring_up_to_date", breaks)
    with pytest.raises(DatabaseUnusable, match="no_such_thing"):
        Database(where)
    monkeypatch.undo()
    with closing(Database(where)) as database, database.reading() as connection:
        assert schema.revision(connection) == schema.HEAD_REVISION


def test_processes_that_start_at_once_agree_on_one_schema(where: str) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unit.database.test_schema"])
    started = [context.Process(target=_open_and_close, args=(where,)) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * 4


def test_threads_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    path = tmp_path / "storefront.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(BEFORE_MIGRATIONS)
    with ThreadPoolExecutor(4) as starting:
        for database in starting.map(Database, [path] * 4):
            database.close()
    with closing(Database(path)) as database:
        assert len(SqlFlipRepository(database).history()) == 1


def test_alembic_is_not_imported_where_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    opening = (
        f"import sys; from storefront_mcp.database import Database; Database({str(tmp_path / 'x.db')!r}).close(); "
    )
    for _ in range(2):
        found = subprocess.run(
            [sys.executable, "-c", opening + "print({'alembic', 'psycopg', 'cryptography'} & set(sys.modules))"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert found.stdout.strip() == "set()"


def _open_and_close(where: str) -> None:
    Database(where).close()
