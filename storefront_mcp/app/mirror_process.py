"""The process that writes mirrors, started by a worker.

It ends when the worker does, however that dies: its end of the channel closes.
"""

import asyncio
import logging
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.app.backends import lister_of
from storefront_mcp.app.mirror_channel import LEASE_SECONDS, ChannelClient, ChannelTransport, WriterTask, receive_frame
from storefront_mcp.app.mirror_engine import index_writer, mirror_folder
from storefront_mcp.app.observability import configure_logging
from storefront_mcp.catalogue.mirror_sync import MirrorSync
from storefront_mcp.catalogue.mirror_work import SyncClocks, SyncPolicy
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.listing import CatalogueLister
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.instrumentation import store_job
from storefront_mcp.records.catalogue_changes import CatalogueChanges
from storefront_mcp.records.catalogue_mirrors import MirrorLeaseLost, MirrorRecord, MirrorRepository
from storefront_mcp.settings.schema import StoreSettings

RENEW_SECONDS: Final = 10.0
TICK_SECONDS: Final = 0.1
"""Between two looks at whether there is something to put on record."""
TELL_SECONDS: Final = 1.0
"""Between two writes, but for what readers are to see: that is told at once."""
MAX_CHANGES: Final = 1000
"""Read from the record at a time."""
NICENESS: Final = 10
"""Below the workers."""

log: Final = logging.getLogger("storefront_mcp.mirror")


class MirrorWriter:
    """Writes one store's mirror as long as it has the lease, and puts on record how it goes."""

    def __init__(
        self,
        mirrors: MirrorRepository,
        changes: CatalogueChanges,
        record: MirrorRecord,
        *,
        clocks: SyncClocks,
    ) -> None:
        """`record` is as leased."""
        self._mirrors = mirrors
        self._changes = changes
        self._record = record
        self._clocks = clocks
        self._written = record
        self._failing = False

    async def run(self, lister: CatalogueLister, folder: Path, settings: StoreSettings) -> None:
        """Run until the lease is lost."""
        sync = MirrorSync(
            lister,
            folder,
            index_writer(settings.locale),
            requests=self.take_requests,
            report=self.report,
            policy=SyncPolicy(
                poll=settings.mirror.poll, pace=settings.mirror.pace, sweep_hour=settings.mirror.sweep_hour
            ),
            clocks=self._clocks,
        )
        syncing = asyncio.create_task(sync.run(), name=f"mirror {self._record.store}")
        try:
            await self._keep_lease(syncing)
        finally:
            syncing.cancel()
            with suppress(asyncio.CancelledError):
                await syncing

    def report(self, fields: Mapping[str, Any]) -> None:
        """Note changed fields of the record, to be written within a second."""
        self._record = replace(self._record, **fields)

    async def take_requests(self) -> Sequence[str]:
        """Names of what was seen to be different since the last look."""
        try:
            found = await asyncio.to_thread(
                self._changes.list_after, self._record.change, store=self._record.store, limit=MAX_CHANGES
            )
        except (SQLAlchemyError, ShopBusy):
            return ()
        if found:
            self.report({"change": found[-1].number})
        return [one.name for one in found]

    async def _keep_lease(self, syncing: "asyncio.Task[Any]") -> None:
        tried_at = self._written.seen_at
        while not syncing.done():
            now = self._clocks.now()
            fresh = replace(self._written, **_sync_fields(self._record))
            before = self._written
            is_news = (fresh.generation, fresh.commit) != (before.generation, before.commit) and not self._failing
            due = TELL_SECONDS if fresh != before else RENEW_SECONDS
            if is_news or now >= tried_at + due:
                tried_at = now
                try:
                    await self._write(replace(fresh, seen_at=now, lease_until=now + LEASE_SECONDS))
                except MirrorLeaseLost:
                    log.warning("another process writes the mirror now")
                    return
                if now >= self._written.lease_until:
                    log.warning("the lease has run out while the database took nothing")
                    return
            await self._clocks.sleep(TICK_SECONDS)
        await syncing

    async def _write(self, record: MirrorRecord) -> None:
        try:
            await asyncio.to_thread(self._mirrors.write, record)
        except (SQLAlchemyError, ShopBusy):
            if not self._failing:
                log.exception("the database does not take how the mirror stands")
            self._failing = True
        else:
            self._written, self._failing = record, False


def _sync_fields(record: MirrorRecord) -> dict[str, Any]:
    """The fields that the sync tells of."""
    return {
        name: getattr(record, name)
        for name in record.__struct_fields__
        if name not in {"store", "place", "owner", "lease_until", "seen_at"}
    }


async def write_mirrors(task: WriterTask, client: ChannelClient) -> None:
    """Write the mirrors of all stores of a task, each until its lease is lost."""
    database = Database(task.database)
    try:
        async with asyncio.TaskGroup() as group:
            for store in task.stores:
                group.create_task(_write_store(task, store, database, client))
    finally:
        database.close()


async def _write_store(task: WriterTask, store: StoreSettings, database: Database, client: ChannelClient) -> None:
    mirrors, changes = SqlMirrorRepository(database), SqlCatalogueChanges(database)
    record = await asyncio.to_thread(
        mirrors.lease, store.id, task.places[store.id], task.owner, now=time.time(), seconds=LEASE_SECONDS
    )
    if record is None:
        return
    if not record.change:
        record = replace(record, change=await asyncio.to_thread(changes.last))
    record = replace(record, host=socket.gethostname())
    transport = ChannelTransport(client, store.id) if store.upstream.kind == "demo" else None
    lister, close = lister_of(store, transport)
    with store_job(store.id):
        try:
            writer = MirrorWriter(mirrors, changes, record, clocks=SyncClocks())
            await writer.run(lister, mirror_folder(task.catalogue, store), store)
        finally:
            await close()


def main() -> None:
    """Read the task from the channel whose descriptor is the argument, and do it."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # What is sent to a terminal or a group of processes is for the worker, whose end is ours.
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(NICENESS)
    channel = socket.socket(fileno=int(sys.argv[1]))
    task: WriterTask = pickle.loads(receive_frame(channel))  # noqa: S301 -- from our own parent, by a socket of its own
    configure_logging(replace(task.logs, level="error" if task.logs.level == "error" else "warning"))
    client = ChannelClient(channel, gone=lambda: os._exit(0))
    client.start()
    asyncio.run(write_mirrors(task, client))
