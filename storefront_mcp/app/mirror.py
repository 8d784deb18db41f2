"""Mirror wiring: what a worker reads of each store's mirror, and the process that writes them."""

import asyncio
import contextlib
import logging
import pickle
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, cast

import httpx
import msgspec
from litestar.types import ASGIApp
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.app.background import cancel_and_wait
from storefront_mcp.app.mirror_channel import (
    LEASE_SECONDS,
    ChannelAnswer,
    ChannelClosed,
    ChannelRequest,
    WriterTask,
    receive_frame,
    send_frame,
)
from storefront_mcp.app.mirror_engine import (
    check_engine,
    has_engine,
    index_opener,
    known_place,
    mirror_folder,
    mirror_place,
)
from storefront_mcp.catalogue.mirror_view import StoreMirror
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings

PROGRAM: Final = "from storefront_mcp.app.mirror_process import main; main()"
FOLLOW_SECONDS: Final = 1.0
"""Between two looks at what is on record: a change is seen by every worker within two seconds."""
EXPECTED_SECONDS: Final = 15.0
"""From a worker's start, in which a search waits for a mirror that may be ready soon."""
EXPECTED_FOLLOW_SECONDS: Final = 0.1
"""Between two looks while searches wait."""
START_SECONDS: Final = 0.5
"""Left to the worker's own start before a process is started beside it."""
ELECT_SECONDS: Final = 5.0
"""Between two tries to take a lease that another worker holds."""
FIRST_RESTART_SECONDS: Final = 2.0
MAX_RESTART_SECONDS: Final = 300.0
"""Between two starts of a writer's process that does not stay."""
STEADY_SECONDS: Final = 60.0
"""A process that lived for so long was no failed start."""
END_SECONDS: Final = 5.0
"""For a writer's process to end by itself."""

log: Final = logging.getLogger("storefront_mcp.mirror")


class _MirroredStore(Struct, frozen=True, kw_only=True):
    settings: StoreSettings
    place: str
    mirror: StoreMirror
    embedded: ASGIApp | None


class WriterProcess:
    """One running writer's process, which ends when this one does."""

    def __init__(
        self, task: WriterTask, ask: Callable[[ChannelRequest], ChannelAnswer], gone: Callable[[], None]
    ) -> None:
        """`ask` asks an embedded shop, in a thread; `gone` is called in that thread when the process has ended."""
        ours, theirs = socket.socketpair()
        self._channel = ours
        self._ask = ask
        self._gone = gone
        try:
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 -- this program
                    [sys.executable, "-c", PROGRAM, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
            send_frame(ours, pickle.dumps(task))
        except BaseException:
            ours.close()
            raise
        threading.Thread(target=self._serve, name="serve the mirror's writer", daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def close(self) -> None:
        """End it, and wait for that; blocks."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _serve(self) -> None:
        with self._channel:
            try:
                while True:
                    request = msgspec.msgpack.decode(receive_frame(self._channel), type=ChannelRequest)
                    send_frame(self._channel, msgspec.msgpack.encode(self._ask(request)))
            except ChannelClosed:
                pass
        self._process.wait()
        self._gone()


class MirrorWiring:
    """The mirrors of all stores of one worker. Raises MirrorEngineMissing."""

    def __init__(self, settings: Settings, database: Database, *, now: Callable[[], float]) -> None:
        self._settings = settings
        self._mirrors = SqlMirrorRepository(database)
        self._changes = SqlCatalogueChanges(database)
        self._now = now
        self._owner = secrets.token_hex(8)
        self._stores: dict[StoreId, _MirroredStore] = {}
        self._failing = False
        for store in settings.stores:
            check_engine(store)

    def add(self, store: StoreSettings, embedded: ASGIApp | None) -> StoreMirror | None:
        """A store's mirror, if it has one."""
        if not store.mirror.on:
            return None
        try:
            place = mirror_place(self._settings.catalogue, store.id)
        except OSError as error:
            log.error("%s: there is no mirror, as its folder cannot be used: %s", store.id, error)  # noqa: TRY400
            return None
        mirror = _mirror_of(self._settings, store, self._now)
        self._stores[store.id] = _MirroredStore(settings=store, place=place, mirror=mirror, embedded=embedded)
        return mirror

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the mirrors, and have them written, until the block ends."""
        if not self._stores:
            yield
            return
        for one in self._stores.values():
            one.mirror.expect(EXPECTED_SECONDS)
        tasks = [
            asyncio.create_task(self._follow(), name="follow the mirrors"),
            asyncio.create_task(self._have_written(), name="have the mirrors written"),
        ]
        try:
            yield
        finally:
            await cancel_and_wait(tasks)

    async def _follow(self) -> None:
        while True:
            try:
                records = await asyncio.to_thread(self._exchange)
            except (SQLAlchemyError, ShopBusy):
                if not self._failing:
                    log.exception("what is on record of mirrors cannot be read")
                self._failing = True
            else:
                self._failing = False
                for store, record in records.items():
                    self._stores[store].mirror.update(record)
            expected = any(one.mirror.is_expected for one in self._stores.values())
            await asyncio.sleep(EXPECTED_FOLLOW_SECONDS if expected else FOLLOW_SECONDS)

    def _exchange(self) -> Mapping[StoreId, Any]:
        """Tell what was requested, and read how each mirror stands."""
        for store, one in self._stores.items():
            self._changes.append(store, one.mirror.take_requests(), now=self._now())
        return {store: self._mirrors.find(store, one.place) for store, one in self._stores.items()}

    async def _have_written(self) -> None:
        """Take the leases that nobody has, and keep a process that writes."""
        clock = asyncio.get_running_loop().time
        pause = FIRST_RESTART_SECONDS
        await asyncio.sleep(START_SECONDS)
        while True:
            leased: tuple[_MirroredStore, ...] = ()
            with contextlib.suppress(SQLAlchemyError, ShopBusy):
                leased = await asyncio.to_thread(self._lease)
            if not leased:
                await asyncio.sleep(ELECT_SECONDS)
                continue
            began = clock()
            status = await self._write(leased)
            pause = FIRST_RESTART_SECONDS if clock() - began > STEADY_SECONDS else min(2 * pause, MAX_RESTART_SECONDS)
            log.warning("the process that writes mirrors has ended (%s); another starts in %.0f s", status, pause)
            await asyncio.sleep(pause)

    def _lease(self) -> tuple[_MirroredStore, ...]:
        now = self._now()
        return tuple(
            one
            for one in self._stores.values()
            if self._mirrors.lease(one.settings.id, one.place, self._owner, now=now, seconds=LEASE_SECONDS) is not None
        )

    async def _write(self, stores: tuple[_MirroredStore, ...]) -> int | None:
        """Run one writer's process until it ends, with this task at the latest; its exit status, if it ever ran."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        task = WriterTask(
            owner=self._owner,
            database=self._settings.database,
            catalogue=self._settings.catalogue,
            logs=self._settings.logs,
            stores=tuple(one.settings for one in stores),
            places={one.settings.id: one.place for one in stores},
        )

        def ask(request: ChannelRequest) -> ChannelAnswer:
            try:
                return asyncio.run_coroutine_threadsafe(self._ask_embedded(request), loop).result()
            except Exception:
                log.exception("the embedded shop failed")
                return ChannelAnswer(number=request.number, status=500, headers=[], body=b"")

        def gone() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ended.set)

        try:
            process = await asyncio.to_thread(WriterProcess, task, ask, gone)
        except (OSError, ChannelClosed) as error:
            log.error("no process can be started to write mirrors: %s", error)  # noqa: TRY400
            return None
        try:
            await ended.wait()
            return process.status
        finally:
            await asyncio.to_thread(process.close)
            await asyncio.to_thread(self._release, stores)

    def _release(self, stores: tuple[_MirroredStore, ...]) -> None:
        with contextlib.suppress(SQLAlchemyError, ShopBusy):
            for one in stores:
                self._mirrors.release(one.settings.id, one.place, self._owner)

    async def _ask_embedded(self, request: ChannelRequest) -> ChannelAnswer:
        """Ask the shop that is embedded in this worker."""
        shop = self._stores[StoreId(request.store)].embedded
        transport = httpx.ASGITransport(cast("Any", shop))
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.body)
        answer = await transport.handle_async_request(sent)
        body = await answer.aread()
        return ChannelAnswer(
            number=request.number, status=answer.status_code, headers=list(answer.headers.multi_items()), body=body
        )


def find_mirror(
    settings: Settings, store: StoreSettings, database: Database, *, now: Callable[[], float]
) -> StoreMirror | None:
    """A store's mirror on this machine as it stands now, for whoever only reads it once; None where none answers."""
    place = known_place(settings.catalogue, store.id) if store.mirror.on and has_engine() else None
    if place is None:
        return None
    mirror = _mirror_of(settings, store, now)
    mirror.update(SqlMirrorRepository(database).find(store.id, place))
    return None if mirror.index is None else mirror


def _mirror_of(settings: Settings, store: StoreSettings, now: Callable[[], float]) -> StoreMirror:
    return StoreMirror(
        index_opener(mirror_folder(settings.catalogue, store), store.locale),
        max_age=store.mirror.max_age,
        give_up=store.mirror.give_up,
        now=now,
    )
