"""The audit writer of one worker: a bounded queue, and a thread that writes it in batches."""

import asyncio
import datetime as dt
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.records.audit import AuditEntry, AuditUnavailable

log: Final = logging.getLogger("storefront_mcp.audit")

LINGER_SECONDS: Final = 0.05
"""How long entries are gathered before they are written; what a `kill -9` may lose."""
BATCH_SIZE: Final = 500
ENQUEUE_TIMEOUT_SECONDS: Final = 5.0
"""How long a call waits for capacity before it is refused."""
RETRY_PAUSE_SECONDS: Final = 1.0
"""Pause after a failure of the database."""
PRUNE_INTERVAL_SECONDS: Final = 6 * 3600.0
CLOSE_TIMEOUT_SECONDS: Final = 15.0


class AuditWriter:
    """Implements `records.audit.AuditSink`.

    When the queue is full (a full disk, say), calls that write wait for capacity and are then refused, so that nothing
    happens without an audit entry.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], dt.datetime] = utc_now,
        at_most: int = 10_000,
        keep: dt.timedelta | None = None,
    ) -> None:
        """`at_most` bounds the queue; entries older than `keep` are deleted, None keeps all."""
        self._log = AuditLog(database, now=now)
        self._now = now
        self._at_most = at_most
        self._keep = keep
        self._queue: deque[AuditEntry] = deque()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._prune_at = 0.0
        self._failing = False
        self._writer: threading.Thread | None = None

    @property
    def failing(self) -> bool:
        """Whether entries wait that the database did not take."""
        return self._failing

    def enqueue(self, entry: AuditEntry) -> None:
        """Queue an entry. Never blocks."""
        self._queue.append(entry)
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name="write the audit", daemon=True)
            self._writer.start()
        self._wake.set()

    async def wait_for_capacity(self) -> None:
        """Wait until the queue has room. Raises AuditUnavailable after ENQUEUE_TIMEOUT_SECONDS."""
        if len(self._queue) < self._at_most:
            return
        until = time.monotonic() + ENQUEUE_TIMEOUT_SECONDS
        while len(self._queue) >= self._at_most:
            if time.monotonic() >= until:
                raise AuditUnavailable
            await asyncio.sleep(LINGER_SECONDS)

    async def write_durably(self, entry: AuditEntry) -> None:
        """Write an entry at once, to the disk. Raises AuditUnavailable, ShopBusy; the entry is then queued."""
        try:
            await asyncio.to_thread(self._log.write, [entry], survives="power")
        except ShopBusy:
            self.enqueue(entry)
            raise
        except SQLAlchemyError as error:
            log.exception("an entry of the audit cannot be written")
            self.enqueue(entry)
            raise AuditUnavailable from error

    def close(self) -> None:
        """Write what is queued and stop, within CLOSE_TIMEOUT_SECONDS. Call it before the database is closed."""
        self._ending.set()
        self._wake.set()
        if self._writer is not None:
            self._writer.join(CLOSE_TIMEOUT_SECONDS)
        if self._queue:
            log.error("%d entries of the audit were lost: the database did not take them", len(self._queue))

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(PRUNE_INTERVAL_SECONDS)
            self._ending.wait(LINGER_SECONDS)
            self._wake.clear()
            if not self._write_queue():
                self._ending.wait(RETRY_PAUSE_SECONDS)
                self._wake.set()
            self._prune()
        self._write_queue()

    def _write_queue(self) -> bool:
        """Write the queue; whether all was written. What was not stays queued."""
        while self._queue:
            batch = [self._queue[index] for index in range(min(BATCH_SIZE, len(self._queue)))]
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
        self._prune_at = time.monotonic() + PRUNE_INTERVAL_SECONDS
        try:
            dropped = self._log.prune(self._now() - self._keep)
        except (SQLAlchemyError, ShopBusy):
            log.exception("old entries of the audit cannot be dropped")
            return
        if dropped:
            log.info("%d entries of the audit were older than %d days and dropped", dropped, self._keep.days)
