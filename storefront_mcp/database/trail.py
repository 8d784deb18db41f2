"""The way into the audit: a queue that costs a call nothing, and a thread that writes what is in it, many at a time."""

import asyncio
import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.calls.audit import AuditStalled, Entry
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import Database, utc_now

log: Final = logging.getLogger("storefront_mcp.audit")

LINGER: Final = 0.05
"""Seconds in which entries gather before they are written as one; what a `kill -9` may lose."""
BATCH: Final = 500
PATIENCE: Final = 5.0
"""Seconds that a call waits for room in a full queue before it is refused."""
PAUSE: Final = 1.0
"""Seconds after a failure of the database."""
PRUNE_EVERY: Final = 6 * 3600.0
FAREWELL: Final = 15.0


class DatabaseTrail:
    """Implements `calls.audit.Trail` for one worker.

    The queue is bounded. When it is full, because the disk is, calls that write wait for room and are then refused, so
    that nothing happens without a trace; calls that only read leave none and go on.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], dt.datetime] = utc_now,
        at_most: int = 10_000,
        keep: dt.timedelta | None = None,
    ) -> None:
        """Entries older than `keep` are dropped in time; None keeps everything."""
        self._log = AuditLog(database, now=now)
        self._now = now
        self._at_most = at_most
        self._keep = keep
        self._queue: deque[Entry] = deque()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._prune_at = 0.0
        self._failing = False
        self._writer: threading.Thread | None = None

    def note(self, entry: Entry) -> None:
        """Have an entry written soon. Never waits."""
        self._queue.append(entry)
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name="write the audit", daemon=True)
            self._writer.start()
        self._wake.set()

    async def room(self) -> None:
        """Come back when there is room. Raises AuditStalled."""
        if len(self._queue) < self._at_most:
            return
        until = time.monotonic() + PATIENCE
        while len(self._queue) >= self._at_most:
            if time.monotonic() >= until:
                raise AuditStalled
            await asyncio.sleep(LINGER)

    async def keep(self, entry: Entry) -> None:
        """Write an entry now. Raises AuditStalled and ShopBusy; the entry is then written as soon as it can be."""
        try:
            await asyncio.to_thread(self._log.write, [entry], survives="power")
        except ShopBusy:
            self.note(entry)
            raise
        except SQLAlchemyError as error:
            log.exception("an entry of the audit cannot be written")
            self.note(entry)
            raise AuditStalled from error

    def close(self) -> None:
        """Write what is left and stop. Call it before the database is closed."""
        self._ending.set()
        self._wake.set()
        if self._writer is not None:
            self._writer.join(FAREWELL)
        if self._queue:
            log.error("%d entries of the audit were lost: the database did not take them", len(self._queue))

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(PRUNE_EVERY)
            self._ending.wait(LINGER)
            self._wake.clear()
            if not self._written():
                self._ending.wait(PAUSE)
                self._wake.set()
            self._prune()
        self._written()

    def _written(self) -> bool:
        """Whether everything in the queue could be written down. What could not stays in it."""
        while self._queue:
            batch = [self._queue[index] for index in range(min(BATCH, len(self._queue)))]
            try:
                self._log.write(batch)
            except (SQLAlchemyError, ShopBusy):
                if not self._failing:
                    log.exception("the audit cannot be written; entries are kept in memory meanwhile")
                self._failing = True
                return False
            for _ in batch:
                self._queue.popleft()
        if self._failing:
            log.warning("the audit is written again")
        self._failing = False
        return True

    def _prune(self) -> None:
        if self._keep is None or time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_EVERY
        try:
            dropped = self._log.prune(self._now() - self._keep)
        except (SQLAlchemyError, ShopBusy):
            log.exception("old entries of the audit cannot be dropped")
            return
        if dropped:
            log.info("%d entries of the audit were older than %d days and dropped", dropped, self._keep.days)
