"""An open database, SQLite or PostgreSQL: transactions, start-up checks, change detection, readiness."""

import asyncio
import datetime as dt
import functools
import hmac
import secrets
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Table, event, select
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import schema
from storefront_mcp.database.errors import DatabaseUnusable
from storefront_mcp.database.failures import OTHER, SILENT, FailureKind, failure_kind
from storefront_mcp.database.sqlite import SqliteDriver
from storefront_mcp.database.tables.shared_secrets import KEYS
from storefront_mcp.instrumentation import request_holder
from storefront_mcp.records.audit import Durability

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

P = ParamSpec("P")
T = TypeVar("T")

SERVER_DIALECTS: Final = ("postgresql://", "postgres://")
HOLDER_BYTES: Final = 12
"""Of the digest that stands for a client."""


def utc_now() -> dt.datetime:
    """The current time, the default clock of every repository."""
    return dt.datetime.now(dt.UTC)


def in_thread(blocking: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Decorate a method that asks the database, and so blocks: its callers await it while it runs in a thread."""

    @functools.wraps(blocking)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(blocking, *args, **kwargs)

    return awaited


class ChangeProbe(Protocol):
    """Detects writes of other connections."""

    def writes(self) -> int | None:
        """A number that changes with every write of others; None where the database has none."""

    def close(self) -> None:
        """Give its connection back."""


class DatabaseDriver(Protocol):
    """What differs between SQLite and PostgreSQL."""

    name: str
    """For people: path or URL, without the password."""
    engine: Engine
    file: str
    """Device and inode of a prepared file; empty for a server."""
    kept: bool
    """Whether it is stored anywhere: False for a missing file that is only read."""
    read_options: Mapping[str, Any]
    """Execution options of a transaction that reads; `begin_with` among them are its first statements."""
    write_options: Mapping[Durability, Mapping[str, Any]]
    """Those of a transaction that writes."""
    lock_statement: Callable[[str], str] | None
    """SQL that takes the lock of a name until the transaction ends; None where every writer is alone."""

    def insert(self, table: Table, /) -> "sqlite.Insert | postgresql.Insert":
        """INSERT with the `ON CONFLICT` clauses that both have."""

    def explain(self, cause: str, state: str | None = None) -> str:
        """Why it cannot be used and what to do, as sentences, by the database's message and SQLSTATE."""

    def prepare(self) -> None:
        """Create and configure it, before the first transaction. Raises OSError."""

    def watching(self) -> ChangeProbe:
        """A new change probe."""

    def forget(self) -> None:
        """Remove deleted content from logs, as far as that is ours to do."""

    def displacement_reason(self) -> str | None:
        """Why what was opened is no longer what a new process would open; None while it is."""


class Database:
    """One open database of a process; thread-safe. Raises DatabaseUnusable.

    `where` is a path, or a URL `postgresql://user@host/name`. With `read_only` nothing is created, migrated or changed
    in any other way, and a missing file counts as an empty one.
    """

    def __init__(self, where: Path | str, *, read_only: bool = False) -> None:
        self._driver = database_driver(where, read_only=read_only)
        self.name = self._driver.name
        self.insert = self._driver.insert
        self.file = ""
        """Device and inode of a file that is written; empty for a server."""
        self._probes: list[ChangeProbe] = []
        # Also without a call of `close`: an app may be created and never started.
        self._dispose = weakref.finalize(self, _dispose, self._driver.engine)
        try:
            self._driver.prepare()
            if read_only and self._driver.kept:
                self._check_tables()
            else:
                self._migrate()
            self.file = self._driver.file
        except (OSError, DatabaseError, ShopBusy) as error:
            self.close()
            cause, state = ("others keep it busy", None) if isinstance(error, ShopBusy) else _cause(error)
            message = f"{self.name}: cannot be used as the database: {self._driver.explain(cause, state)}"
            raise DatabaseUnusable(message) from error
        except schema.TablesRefused as refused:
            self.close()
            raise DatabaseUnusable(f"{self.name}: {refused}") from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction on one snapshot; blocks nobody."""
        try:
            with self._driver.engine.connect() as connection:
                yield connection.execution_options(**self._driver.read_options)
        except (SQLAlchemyError, ShopBusy) as error:
            self._explain(error)
            raise

    @contextmanager
    def writing(self, *, survives: Durability = "process", alone: str | None = None) -> Iterator[Connection]:
        """A transaction that writes all or nothing.

        Transactions with the same `alone` are serialised; on SQLite all are, from the first statement on. Raises
        ShopBusy, with nothing written, when the lock is not free in time.
        """
        options, lock = self._driver.write_options[survives], self._driver.lock_statement
        try:
            with self._driver.engine.connect() as connection, ExitStack() as transaction:
                connection.execution_options(**options)
                try:
                    transaction.enter_context(connection.begin())
                    if alone is not None and lock is not None:
                        connection.exec_driver_sql(lock(alone))
                except OperationalError as error:
                    raise ShopBusy(retry_after=5, internal=f"{self.name}: {error.orig}") from error
                yield connection
        except (SQLAlchemyError, ShopBusy) as error:
            self._explain(error)
            raise

    def _explain(self, error: SQLAlchemyError | ShopBusy) -> None:
        """Add a note (PEP 678) to an error of the database: its name, and what to do."""
        error.add_note(f"{self.name}: {self._driver.explain(*_cause(error))}")

    def shared_secret(self, name: str) -> bytes:
        """The secret of a name, which every worker shares: 32 random bytes, stored at the first call."""
        # Durable, as what it has signed may be.
        with self.writing(survives="power") as connection:
            new = self.insert(KEYS).values(name=name, key=secrets.token_bytes(32)).on_conflict_do_nothing()
            connection.execute(new)
            key: bytes = connection.execute(select(KEYS.c.key).where(KEYS.c.name == name)).scalar_one()
        return key

    @cached_property
    def _holder_secret(self) -> bytes:
        return self.shared_secret("holders")

    def holder_digest(self) -> bytes | None:
        """What stands for the current request's client in rows; not guessed from an address without a shared secret.

        None for whoever is unknown or shares an address with many. Call it outside of a transaction.
        """
        holder = request_holder()
        return hmac.digest(self._holder_secret, holder.encode(), "sha256")[:HOLDER_BYTES] if holder else None

    def failure(self, error: Exception) -> FailureKind:
        """What an error of the database means."""
        return failure_kind(*_cause(error)) or OTHER

    def displacement_reason(self) -> str | None:
        """Why a new process would open another one, to follow its name and safe to publish; None if it would not."""
        return self._driver.displacement_reason()

    def watching(self) -> ChangeProbe:
        """A new change probe, closed with the database."""
        probe = self._driver.watching()
        self._probes.append(probe)
        return probe

    def forget(self) -> None:
        """Remove deleted content from the file's write-ahead log; a server does that by itself."""
        self._driver.forget()

    def close(self) -> None:
        """Close idle connections now, those in use when their transactions end."""
        for probe in self._probes:
            probe.close()
        self._dispose()

    def _check_tables(self) -> None:
        with self.reading() as connection:
            schema.check_tables(connection)

    def _migrate(self) -> None:
        """Migrate the tables, in one of the processes that start at once; takes no lock when they are current."""
        try:
            with self.reading() as connection:
                current = schema.revision(connection) == schema.HEAD_REVISION
        except DatabaseError:
            # No such table yet; any other error comes again below.
            current = False
        if not current:
            with self.writing(survives="power", alone="schema") as connection:
                schema.bring_up_to_date(connection)


def _cause(error: Exception) -> tuple[str, str | None]:
    """The database's own message, and its SQLSTATE where it has one."""
    while isinstance(error, ShopBusy) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, OSError):
        return str(error.strerror), None
    if not isinstance(error, DBAPIError) or error.orig is None:
        return str(error), None
    state = getattr(error.orig, "sqlstate", None)
    if state is None and error.orig.__class__.__module__.startswith("psycopg"):
        # libpq's own errors, of connections, have none.
        state = SILENT.states[0]
    return str(error.orig).strip(), state


def database_driver(where: Path | str, *, read_only: bool = False) -> DatabaseDriver:
    """The driver of a path or URL. Raises DatabaseUnusable for a URL that cannot be read, or without its library."""
    driver: DatabaseDriver
    if isinstance(where, str) and where.startswith(SERVER_DIALECTS):
        from storefront_mcp.database.postgresql import PostgresqlDriver  # noqa: PLC0415 -- optional

        driver = PostgresqlDriver(where)
    else:
        driver = SqliteDriver(Path(where), read_only=read_only)
    event.listen(driver.engine, "begin", _begin)
    return driver


def _begin(connection: Connection) -> None:
    """Execute what a transaction begins with, as its options say."""
    for statement in connection.get_execution_options().get("begin_with", ()):
        connection.exec_driver_sql(statement)


def _dispose(engine: Engine) -> None:
    """Close every connection: idle ones now, those in use when they are returned."""
    event.listen(engine, "checkin", _close_returned)
    engine.dispose()


def _close_returned(connection: object, entry: ConnectionPoolEntry) -> None:
    """Close a returned connection instead of pooling it."""
    if connection is not None:
        entry.invalidate()
