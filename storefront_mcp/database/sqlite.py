"""The SQLite file: WAL, waiting instead of failing, explicit transactions."""

import time
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import DatabaseError

PATIENCE: Final = 10.0
"""Seconds that a writer waits for another one before it gives up."""


class SqliteFile:
    """One file on a local disk. Implements `engine.Kind`."""

    advice = "Check the path and its permissions."

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self.engine = create_engine(
            f"sqlite+pysqlite:///{path}", connect_args={"timeout": PATIENCE}, hide_parameters=True
        )
        event.listen(self.engine, "connect", _take_over_transactions)
        event.listen(self.engine, "begin", _begin)

    def prepare(self) -> None:
        """The file is there, for its owner only, and in WAL mode."""
        self._path.touch(mode=0o600, exist_ok=True)
        _use_wal(self.engine)

    def reading(self) -> dict[str, Any]:
        """Begin when something is asked."""
        return {"begin": "BEGIN"}

    def writing(self, survives: str) -> dict[str, Any]:
        """Begin as the only writer."""
        return {"begin": "BEGIN IMMEDIATE", "synchronous": "FULL" if survives == "power" else "NORMAL"}

    def begun(self, connection: Connection, *, survives: str, alone: str | None) -> None:
        """Every writer is alone already."""

    def insert(self, table: Table) -> Insert:
        """SQLite's INSERT."""
        return insert(table)

    def watching(self) -> "FileWatching":
        """A connection of one's own: SQLite counts the writes of all others for it."""
        return FileWatching(self.engine.connect().execution_options(begin=None))

    def forget(self) -> None:
        """The write-ahead log still has what the file no longer has, so it is emptied."""
        with self.engine.connect().execution_options(begin=None) as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


class FileWatching:
    """Asks SQLite. Implements `engine.Watching`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def writes(self) -> int:
        """Changes with every write of any other connection, ours of this process included."""
        version: int = self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        return version

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()


def _take_over_transactions(connection: Any, _record: object) -> None:  # noqa: ANN401 -- sqlite3's own, through SQLAlchemy
    """Python's sqlite3 would begin transactions where it sees fit; we say when."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # What is erased is gone, not just no longer listed.
    connection.execute("PRAGMA secure_delete = ON")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    statement = options.get("begin")
    if statement is None:
        return
    if "synchronous" in options:
        connection.exec_driver_sql(f"PRAGMA synchronous = {options['synchronous']}")
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
