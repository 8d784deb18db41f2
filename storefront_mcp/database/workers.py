"""Running workers on record: which flip each shows, and when it was last seen."""

import datetime as dt
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.tables.workers import WORKERS

STALE_SECONDS: Final = 30
"""A worker that was not seen for so long has ended."""
FORGET_SECONDS: Final = 24 * 3600

_SHOWN: Final = msgspec.json.Decoder(dict[StoreId, int])


class WorkerRecord(Struct, frozen=True, kw_only=True):
    """One worker as it last told of itself."""

    host: str
    pid: int
    file: str
    """Of the database that it has open, as `Database.file`."""
    seen_at: int
    """Unix seconds."""
    shown: Mapping[StoreId, int]
    """By store, the number of the flip that it shows."""


class SqlWorkerRepository:
    """The workers of one database; thread-safe. `write` and `remove` are about this process."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._id = secrets.token_hex(8)
        self._last_seen: Sequence[WorkerRecord] = ()

    def write(self, shown: Mapping[StoreId, int]) -> None:
        """Record this worker as running, with what it shows; forgets those that ended long ago."""
        now = int(self._now().timestamp())
        values = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "file": self._database.file,
            "seen_at": now,
            "shown": msgspec.json.encode(shown),
        }
        with self._database.writing() as connection:
            fresh = self._database.insert(WORKERS).values(id=self._id, **values)
            connection.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=values))
            connection.execute(delete(WORKERS).where(WORKERS.c.seen_at < now - FORGET_SECONDS))

    def remove(self) -> None:
        """Remove this worker, as it ends."""
        with self._database.writing() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.id == self._id))

    def list_displaced(self) -> Sequence[WorkerRecord]:
        """Workers of this machine that have another file open than the one that is there now."""
        here = socket.gethostname()
        return [one for one in self.running() if one.host == here and one.file != self._database.file]

    def leads(self) -> bool:
        """Whether this worker is the first of those that run on this machine, as far as is known.

        While the database tells nothing, it is decided among those that it told of last.
        """
        try:
            found = self.running()
        except (SQLAlchemyError, ShopBusy):
            found = ()
        self._last_seen = found or self._last_seen
        here = [one.pid for one in self._last_seen if one.host == socket.gethostname() and _process_exists(one.pid)]
        return os.getpid() == min(here, default=os.getpid())

    def running(self) -> Sequence[WorkerRecord]:
        """Workers that run: seen within STALE_SECONDS, and not ended where that can be seen."""
        oldest = int(self._now().timestamp()) - STALE_SECONDS
        with self._database.reading() as connection:
            rows = connection.execute(select(WORKERS).where(WORKERS.c.seen_at >= oldest)).all()
        found = [
            WorkerRecord(host=row.host, pid=row.pid, file=row.file, seen_at=row.seen_at, shown=_SHOWN.decode(row.shown))
            for row in rows
        ]
        return [one for one in found if one.host != socket.gethostname() or _process_exists(one.pid)]


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
