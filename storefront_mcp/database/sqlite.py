"""SQLite driver: WAL mode, a busy timeout, explicit transactions."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from storefront_mcp.database.failures import REFUSED, failure_kind
from storefront_mcp.database.file_kinds import file_kind
from storefront_mcp.database.schema import has_foreign_tables
from storefront_mcp.records.audit import Durability

NOT_A_DATABASE_TEXT: Final = "file is not a database"
BUSY_TIMEOUT_SECONDS: Final = 10.0
"""How long a writer waits for another one."""


class SqliteDriver:
    """A file on a local disk. Implements `engine.DatabaseDriver`."""

    read_options: Mapping[str, Any] = {"begin_with": ("BEGIN",)}
    write_options: Mapping[Durability, Mapping[str, Any]] = {
        "process": {"begin_with": ("PRAGMA synchronous = NORMAL", "BEGIN IMMEDIATE")},
        "power": {"begin_with": ("PRAGMA synchronous = FULL", "BEGIN IMMEDIATE")},
    }
    lock_statement: Callable[[str], str] | None = None
    insert = staticmethod(insert)

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.name = str(path)
        self._path = path
        self._read_only = read_only
        self.file = ""
        self.kept = not read_only or _has_content(path)
        self.engine = _create_engine(path, read_only=read_only) if self.kept else _empty_engine()
        event.listen(self.engine, "connect", _configure)

    def explain(self, cause: str, state: str | None = None) -> str:  # noqa: ARG002 -- SQLite has none
        """The cause, and what to do; names what is in the place of a database file."""
        folder = self._path.parent
        if not folder.exists():
            return f"there is no folder {folder}. Make it, or set database to another path."
        if NOT_A_DATABASE_TEXT in cause or not self._path.is_file():
            # Only then is the file looked into: whoever opens and closes a file of SQLite drops the locks of all
            # connections of the process (fcntl, POSIX), and the next process to close deletes their write-ahead log.
            kind = file_kind(self._path)
            if kind is not None:
                return f"it is {kind}. Move it away or set database to another path; nothing in it was changed."
        return f"{cause}. {(failure_kind(cause) or REFUSED).advice}"

    def prepare(self) -> None:
        """Create the file with mode 0600 and switch it to WAL; read-only, or foreign: nothing."""
        if self._read_only:
            return
        self._path.touch(mode=0o600, exist_ok=True)
        self.file = _inode(self._path)
        with self.engine.connect() as connection:
            foreign = has_foreign_tables(connection)
        if not foreign:
            _use_wal(self.engine)

    def watching(self) -> "SqliteChangeProbe":
        """A probe with its own connection, for which SQLite counts the writes of all others."""
        return SqliteChangeProbe(self.engine.connect())

    def forget(self) -> None:
        """Truncate the write-ahead log, which still holds deleted content."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def displacement_reason(self) -> str | None:
        """Why the path leads to another file than the one that was opened."""
        found = _inode(self._path)
        if self.file in {"", found}:
            return None
        return "was replaced since the start" if found else "was deleted since the start"


class SqliteChangeProbe:
    """Implements `engine.ChangeProbe` with `PRAGMA data_version`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def writes(self) -> int:
        """A number that changes with every write of another connection, those of this process included."""
        version: int = self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        return version

    def close(self) -> None:
        """Return the connection to the pool."""
        self._connection.close()


def _create_engine(path: Path, *, read_only: bool) -> Engine:
    """Engine of a file."""
    if not read_only:
        target = f"sqlite+pysqlite:///{path}"
    else:
        # The last writer to close checkpoints the log and removes it, which a read-only process must not do. Without a
        # log, only a writer removes the files that opening has created.
        mode = "ro" if _has_content(path.with_name(f"{path.name}-wal")) else "rw"
        target = f"sqlite+pysqlite:///file:{quote(str(path))}?mode={mode}&uri=true"
    return create_engine(target, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}, hide_parameters=True)


def _empty_engine() -> Engine:
    """Engine of a missing file that is only read: an empty database in memory."""
    return create_engine(
        "sqlite+pysqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool, hide_parameters=True
    )


def _inode(path: Path) -> str:
    """Device and inode of a file; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        # SQLite's own error says more.
        return True


def _configure(connection: Any, _record: object) -> None:  # noqa: ANN401 -- sqlite3's own, through SQLAlchemy
    """Turn off implicit transactions of Python's sqlite3: ours begin as their options say."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    # Overwrite deleted content.
    connection.execute("PRAGMA secure_delete = ON")


def _use_wal(engine: Engine) -> None:
    """Switch to WAL. That needs an exclusive lock, for which SQLite does not wait by itself."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except DatabaseError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
