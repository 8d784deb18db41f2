"""The one SQLite file, safe for several processes at once: WAL, waiting instead of failing, explicit transactions."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from storefront_mcp.database.tables import METADATA, SCHEMA_VERSION

PATIENCE: Final = 10.0
"""Seconds that a writer waits for another one before it gives up."""

Durability = Literal["process", "power"]
"""What a commit outlives: the death of this process, or a power cut as well (and then it waits for the disk)."""


def utc_now() -> dt.datetime:
    """This moment: the clock of every record unless a test brings its own."""
    return dt.datetime.now(dt.UTC)


class DatabaseUnusable(Exception):
    """The file cannot be used; the message names it and says what to do."""


class Database:
    """One open file. Every process opens its own; threads may share it. Raises DatabaseUnusable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._watching: list[Connection] = []
        try:
            path.touch(mode=0o600, exist_ok=True)
            _use_wal(self._engine)
            with self.writing() as connection:
                self._prepare(connection)
        except (OSError, DatabaseError) as error:
            self._engine.dispose()
            cause = error.orig if isinstance(error, DatabaseError) else error.strerror
            message = f"{path}: cannot be used as the database: {cause}. Check the path and its permissions."
            raise DatabaseUnusable(message) from error
        except DatabaseUnusable:
            self._engine.dispose()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one moment and keeps nobody waiting."""
        with self._engine.connect().execution_options(begin="BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self, *, survives: Durability = "process") -> Iterator[Connection]:
        """One transaction that writes all or nothing; it is the only writer from its first statement on."""
        with (
            self._engine.connect().execution_options(begin="BEGIN IMMEDIATE", survives=survives) as connection,
            connection.begin(),
        ):
            yield connection

    def watching(self) -> Connection:
        """A connection of one's own without transactions, for asking whether others have written."""
        connection = self._engine.connect().execution_options(begin=None)
        self._watching.append(connection)
        return connection

    def close(self) -> None:
        """Let go of the file."""
        for connection in self._watching:
            connection.close()
        self._engine.dispose()

    def _prepare(self, connection: Connection) -> None:
        """Bring the file to our shape; several processes may start at once, and one of them does it."""
        found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if found > SCHEMA_VERSION:
            message = (
                f"{self.path}: was written by a newer storefront-mcp (version {found} of its tables, "
                f"this one knows {SCHEMA_VERSION}). Update storefront-mcp or name another database."
            )
            raise DatabaseUnusable(message)
        if found < SCHEMA_VERSION:
            METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite+pysqlite:///{path}", connect_args={"timeout": PATIENCE}, hide_parameters=True)
    event.listen(engine, "connect", _take_over_transactions)
    event.listen(engine, "begin", _begin)
    return engine


def _take_over_transactions(connection: Any, _record: object) -> None:  # noqa: ANN401 -- sqlite3's own, through SQLAlchemy
    """Python's sqlite3 would begin transactions where it sees fit; we say when."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    statement = options.get("begin")
    if statement is None:
        return
    if statement != "BEGIN":
        level = "FULL" if options.get("survives") == "power" else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
    connection.exec_driver_sql(statement)


def _use_wal(engine: Engine) -> None:
    """Readers beside one writer. The switch needs the file alone, and SQLite does not wait for that by itself."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with engine.connect().execution_options(begin=None) as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except DatabaseError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
