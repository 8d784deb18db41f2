"""What operators and their machines do in a fault run: pauses, emergency stops, new prices, full disks and foreign
databases."""

import asyncio
import contextlib
import resource
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from storefront_mcp.app import planned_roadmap
from storefront_mcp.checkout.closing import close_open_checkouts
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, DatabaseUnusable, SqlFlipRepository
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.roadmap.emergency_stops import StopScope
from storefront_mcp.roadmap.terms import FlipTerms
from tests.chaos.faults.environment import STARTING, World
from tests.chaos.faults.shopper import GOODS

CHECKOUT = "p3_checkout"
REPRICED = 200
"""AUD cents by which prices are changed."""
PROGRAM = "aiohttp"
"""A part of the name of the program that people use."""


class Operators:
    """The people behind the shop, one act at a time; what they did is counted."""

    def __init__(self, here: World, random: Random, *, every: float) -> None:
        """`every` is the mean of the seconds between two acts."""
        self.here = here
        self.random = random
        self.every = every
        self.acts: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._dear: set[str] = set()
        """SKUs whose price was raised."""

    async def work(self) -> None:
        """Until cancelled: each kind of act in turn, in an order that is drawn anew each time."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "pause": self.pause,
            "pause and close": self.pause_and_close,
            "stop everything": lambda: self.stop("everything"),
            "stop buying": lambda: self.stop("buying"),
            "stop one program": lambda: self.stop("client"),
            "full disk": self.fill_disk,
            "foreign database": self.replace_database,
            "reprice": self.reprice,
        }
        while True:
            for name in self.random.sample(list(kinds), len(kinds)):
                await asyncio.sleep(self.every * self.random.uniform(0.5, 1.5))
                await kinds[name]()
                self.acts[name] += 1

    async def pause(self) -> None:
        """Close the checkout for a while; open ones may finish."""
        await self._pause_and(lambda _: asyncio.sleep(0))

    async def pause_and_close(self) -> None:
        """Close the checkout for a while, and the payment pages of what is open."""
        await self._pause_and(self._close_all)

    async def stop(self, scope: StopScope) -> None:
        """Stop a store, close what is open, and resume."""
        store = self.random.choice(self.here.settings.stores).id
        client = PROGRAM if scope == "client" else ""
        await self._insist(lambda flips: flips.stop(store, scope, client=client, reason="a leak", by="ops"))
        try:
            if scope != "client":
                await self._close_all(store)
            await self._while()
        finally:
            await self._insist(lambda flips: flips.resume(store, by="ops"))

    async def _pause_and(self, act: Callable[[StoreId], Awaitable[object]]) -> None:
        store = self.random.choice(self.here.settings.stores)
        planned, why = planned_roadmap(store), FlipTerms(reason="stocktaking")
        await self._insist(lambda flips: flips.flip(planned, store.id, {CHECKOUT: "paused"}, by="ops", terms=why))
        try:
            await act(store.id)
            await self._while()
        finally:
            await self._insist(lambda flips: flips.flip(planned, store.id, {CHECKOUT: "active"}, by="ops"))

    async def _close_all(self, store: StoreId) -> None:
        """What a frozen worker holds, or the database does not take now, stays open."""
        with contextlib.suppress(ShopBusy, DatabaseUnusable):
            database = await asyncio.to_thread(Database, self.here.settings.database)
            try:
                records = SqlCheckoutRepository(database)
                await close_open_checkouts(records, store, by="ops", now=time.time)
            finally:
                database.close()

    async def _insist(self, write: Callable[[SqlFlipRepository], object]) -> None:
        """Write to the record of flips as a command does, again and again while the database is busy."""

        def command() -> None:
            database = Database(self.here.settings.database)
            flips = SqlFlipRepository(database)
            try:
                write(flips)
            finally:
                flips.close()
                database.close()

        async with asyncio.timeout(STARTING):
            while True:
                with contextlib.suppress(ShopBusy, DatabaseUnusable):
                    await asyncio.to_thread(command)
                    return
                await asyncio.sleep(0.2)  # another process holds the database

    async def reprice(self) -> None:
        """Raise the price of something, or lower it again, while people have it in their carts and pay for it."""
        sku = self.random.choice(GOODS)
        self._dear ^= {sku}
        await self.here.meddle("price", {"sku": sku, "cents": REPRICED if sku in self._dear else -REPRICED})

    async def fill_disk(self) -> None:
        """No worker can write anything to any file for a while."""
        async with self.here.disturbances.one():
            self._limit_files(0)
            try:
                await self._while()
            finally:
                self._limit_files(resource.RLIM_INFINITY)

    async def replace_database(self) -> None:
        """While no worker runs, the database is replaced by somebody else's: no worker may serve it or write to it."""
        async with self.here.hands, self.here.disturbances.one():
            for worker in self.here.workers:
                await worker.end()
            self.here.kills += len(self.here.workers)
            files = sorted(self.here.folder.glob("faults.db*"))
            aside = self.here.folder / "aside"
            aside.mkdir(exist_ok=True)
            path = self.here.folder / "faults.db"
            for file in files:
                file.rename(aside / file.name)
            try:
                await self._try_foreign(path)
            finally:
                for file in self.here.folder.glob("faults.db*"):
                    file.unlink()
                for file in files:
                    (aside / file.name).rename(file)
                shutil.rmtree(aside)
                for index, worker in enumerate(self.here.workers):
                    await worker.start()
                    await self.here.ready(index)

    async def _try_foreign(self, path: Path) -> None:
        before = await asyncio.to_thread(_foreign_database, path)
        worker = self.here.workers[0]
        await worker.start()
        assert worker.running is not None
        try:
            code = await asyncio.wait_for(worker.running.wait(), STARTING)
        except TimeoutError:
            code = 0
        finally:
            await worker.end()
        if code == 0 or await asyncio.to_thread(path.read_bytes) != before:
            self.complaints.append(f"a worker took somebody else's database for its own (exit code {code})")

    async def _while(self) -> None:
        await asyncio.sleep(self.random.uniform(0.5, 2.0))  # people go on meanwhile

    def _limit_files(self, size: int) -> None:
        for worker in self.here.workers:
            if worker.running is not None and worker.running.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    resource.prlimit(worker.running.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _foreign_database(path: Path) -> bytes:
    """Make somebody else's database, and return what is in the file."""
    with contextlib.closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE customers (name TEXT)")
        foreign.execute("INSERT INTO customers VALUES ('Grace')")
        foreign.commit()
    return path.read_bytes()
