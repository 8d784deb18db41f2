"""The one database, safe for several processes at once: a SQLite file, or PostgreSQL by URL."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DatabaseError, OperationalError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database import schema
from storefront_mcp.database.sqlite import SqliteFile
from storefront_mcp.database.unusable import DatabaseUnusable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

SERVERS: Final = ("postgresql://", "postgres://")

Durability = Literal["process", "power"]
"""What a commit outlives: the death of this process, or a power cut as well (and then it waits for the disk)."""


def utc_now() -> dt.datetime:
    """This moment: the clock of every record unless a test brings its own."""
    return dt.datetime.now(dt.UTC)


class Watching(Protocol):
    """Asks whether others have written."""

    def writes(self) -> int | None:
        """A number that changes with every write of others; None where only the tables themselves can tell."""

    def close(self) -> None:
        """Stop asking."""


class Kind(Protocol):
    """What differs between the databases."""

    name: str
    """What people may read: no password is in it."""
    advice: str
    """What to check when it cannot be used."""
    engine: Engine

    def prepare(self) -> None:
        """Make sure that it is there and usable, before the first transaction. Raises OSError."""

    def reading(self) -> dict[str, Any]:
        """Execution options of a transaction that reads."""

    def writing(self, survives: Durability) -> dict[str, Any]:
        """Execution options of a transaction that writes."""

    def begun(self, connection: Connection, *, survives: Durability, alone: str | None) -> None:
        """Called first in a transaction that writes."""

    def insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """INSERT with the `ON CONFLICT` clauses that both have."""

    def watching(self) -> Watching:
        """Begin to ask whether others have written."""

    def forget(self) -> None:
        """Remove deleted content from where it still lies about, as far as that is ours to do."""


class Database:
    """One open database. Every process opens its own; threads may share it. Raises DatabaseUnusable.

    `where` is a path, or a URL `postgresql://user@host/name`.
    """

    def __init__(self, where: Path | str) -> None:
        self._kind = _kind(where)
        self.name = self._kind.name
        self._watching: list[Watching] = []
        try:
            self._kind.prepare()
            self._bring_up_to_date()
        except (OSError, DatabaseError) as error:
            self.close()
            cause = str(error.orig).strip() if isinstance(error, DatabaseError) else error.strerror
            message = f"{self.name}: cannot be used as the database: {cause}. {self._kind.advice}"
            raise DatabaseUnusable(message) from error
        except ShopBusy as busy:
            self.close()
            message = f"{self.name}: cannot be used as the database: others keep it busy. {self._kind.advice}"
            raise DatabaseUnusable(message) from busy
        except schema.NewerTables as newer:
            self.close()
            message = (
                f"{self.name}: was written by a newer storefront-mcp (version {newer.found} of its tables, "
                f"this one knows {schema.HEAD}). Update storefront-mcp or name another database."
            )
            raise DatabaseUnusable(message) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one moment and keeps nobody waiting."""
        with self._kind.engine.connect().execution_options(**self._kind.reading()) as connection:
            yield connection

    @contextmanager
    def writing(self, *, survives: Durability = "process", alone: str | None = None) -> Iterator[Connection]:
        """One transaction that writes all or nothing.

        Those that name the same thing in `alone` come one after the other. On SQLite every writer is the only one from
        its first statement on, on PostgreSQL only by that name. Raises ShopBusy, with nothing written, when others keep
        us waiting for too long.
        """
        options = self._kind.writing(survives)
        with self._kind.engine.connect().execution_options(**options) as connection, ExitStack() as transaction:
            try:
                transaction.enter_context(connection.begin())
                self._kind.begun(connection, survives=survives, alone=alone)
            except OperationalError as error:
                raise ShopBusy(retry_after=5, internal=f"{self.name}: {error.orig}") from error
            yield connection

    def insert(self, table: Table) -> "sqlite.Insert | postgresql.Insert":
        """INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return self._kind.insert(table)

    def watching(self) -> Watching:
        """Something of one's own for asking whether others have written."""
        watching = self._kind.watching()
        self._watching.append(watching)
        return watching

    def forget(self) -> None:
        """What was deleted is no longer in the file and those beside it; a server sees to that by itself, in time."""
        self._kind.forget()

    def close(self) -> None:
        """Let go of it."""
        for watching in self._watching:
            watching.close()
        self._kind.engine.dispose()

    def _bring_up_to_date(self) -> None:
        """Several processes may start at once, and one of them does it; when there is nothing to do, nobody waits."""
        try:
            with self.reading() as connection:
                current = schema.revision(connection) == schema.HEAD
        except DatabaseError:
            # No such table yet; whatever else it is comes again right now.
            current = False
        if not current:
            with self.writing(survives="power", alone="schema") as connection:
                schema.bring_up_to_date(connection)


def _kind(where: Path | str) -> Kind:
    if not isinstance(where, str) or not where.startswith(SERVERS):
        return SqliteFile(Path(where))
    from storefront_mcp.database.postgresql import PostgresqlServer  # noqa: PLC0415 -- a driver that most do without

    return PostgresqlServer(where)
