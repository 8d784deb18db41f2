"""Keeps one store's mirror like its shop: a first sweep, changes, looks at the stock, and a sweep a day."""

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from storefront_mcp.catalogue.index import CatalogueIndexWriter, IndexLocked
from storefront_mcp.catalogue.mirror_documents import digest_of
from storefront_mcp.catalogue.mirror_generation import MirrorFolder, MirrorGeneration, MirrorStorageFailed
from storefront_mcp.catalogue.mirror_sweep import FullSweep
from storefront_mcp.catalogue.mirror_work import DAY_SECONDS, SyncClocks, SyncPolicy, SyncWork
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.listing import BriefEntry, CatalogueLister
from storefront_mcp.records.catalogue_changes import EVERYTHING

FIRST_RETRY_SECONDS: Final = 5.0
MAX_RETRY_SECONDS: Final = 600.0
"""Between two tries to write where the disk refuses."""
READS_PER_TURN: Final = 5
"""Products read by themselves between two other things."""
MAX_WAITING: Final = 50_000
"""Products that wait to be read; more of them are one sweep."""
VANISHED_SHARE: Final = 0.2
VANISHED_LEAST: Final = 50
"""When more products than both are in no list at once, that is believed only when the next look agrees."""
UNWATCHED_SECONDS: Final = 600.0
"""Age from which products are read again of which short lists tell too little."""
OTHER_FOLDER_SECONDS: Final = 7 * DAY_SECONDS

log: Final = logging.getLogger(__name__)


class MirrorSync:
    """One store's mirror. Runs in the one process that has its lease."""

    def __init__(
        self,
        lister: CatalogueLister,
        folder: Path,
        index_writer: Callable[[Path], CatalogueIndexWriter],
        *,
        requests: Callable[[], Awaitable[Sequence[str]]],
        report: Callable[[Mapping[str, Any]], None],
        policy: SyncPolicy,
        clocks: SyncClocks,
    ) -> None:
        """`requests` gives the SKUs, url keys or keys to be read anew, each once; EVERYTHING is a sweep.

        `report` hears changed fields of the `MirrorRecord`.
        """
        self._lister = lister
        self._folder = MirrorFolder(folder, index_writer)
        self._take_requests = requests
        self._report = report
        self._policy = policy
        self._clocks = clocks
        self._waiting: dict[str, BriefEntry | None] = {}
        """Keys to be read, with what the short list said of them."""
        self._named: dict[str, None] = {}
        """Requested names, in order."""
        self._sweep_wanted = False
        self._changes_at = 0.0
        self._sweep_at = 0.0
        self._brief_position: str | None = None
        self._brief_began = 0.0
        self._brief_pages = 0
        self._look_at = 0.0
        self._vanished_before = False
        self._work: SyncWork | None = None
        self._current: MirrorGeneration | None = None

    async def run(self) -> NoReturn:
        """Run until cancelled. What the disk or the shop refuses is tried again."""
        retry = FIRST_RETRY_SECONDS
        while True:
            began = self._clocks.clock()
            try:
                await self.open()
                while True:
                    await self.turn()
            except ShopError as refused:
                log.warning("the catalogue cannot be read: %s", refused.internal)
                self._report({"problem": f"the shop refuses: {refused.internal}", "problem_since": self._clocks.now()})
            except (MirrorStorageFailed, IndexLocked, sqlite3.Error) as error:
                said = str(error) or "another process writes the index"
                log.warning("the mirror in %s cannot be written: %s", self._folder.path, said)
                self._report({"problem": f"it cannot be written: {said}", "problem_since": self._clocks.now()})
            finally:
                self.close()
            if self._clocks.clock() - began > MAX_RETRY_SECONDS:
                retry = FIRST_RETRY_SECONDS
            await self._clocks.sleep(retry)
            retry = min(2 * retry, MAX_RETRY_SECONDS)

    def close(self) -> None:
        """Close what is open, without a commit."""
        if self._current is not None:
            self._current.close()
            self._current = None
        if self._work is not None:
            self._work.writer.close()
            self._work = None

    async def turn(self) -> None:
        """Do what is due now, and pause."""
        work, now = self._opened, self._clocks.now()
        await self._note_requests()
        current = self._current
        if current is None or self._sweep_wanted or now >= self._sweep_at:
            await self._sweep()
        elif not await self._tend(current):
            await self._look_at_stock(current)
        self._commit()
        await work.clocks.sleep(self._policy.pace)

    async def open(self) -> None:
        """Open what is on disk. Raises MirrorStorageFailed, IndexLocked."""
        writer = self._folder.open_writer()
        self._work = work = SyncWork(self._lister, self._folder, writer, report=self._report, clocks=self._clocks)
        self._folder.drop_other_folders(older_than=OTHER_FOLDER_SECONDS, now=self._clocks.now())
        number = writer.current
        current = None
        if number is not None and number in self._folder.generations():
            # Closed with everything else from here on, whatever happens.
            self._current = current = self._folder.generation(number, writer, work.tree)
            if not current.progress.complete:
                current.close()
                self._current = current = None
        if number is None or current is None:
            work.tell(generation=0, products=0, building=True, read=0, total=0)
            return
        progress = current.progress
        current.resume()
        await work.read_tree()
        self._sweep_at = next_sweep(progress.began, self._policy.sweep_hour)
        work.tell(problem=None, problem_since=0.0, building=False, generation=number, products=current.ledger.count)

    @property
    def _opened(self) -> SyncWork:
        if self._work is None:
            raise MirrorStorageFailed("it is closed")
        return self._work

    async def _sweep(self) -> None:
        before, trusted, self._sweep_wanted = self._current, self._sweep_wanted, False
        sweep = FullSweep(self._opened, before, self._tend_if_due, overlap=self._policy.overlap, trusted=trusted)
        try:
            self._current = await sweep.run()
        except BaseException:
            self._sweep_wanted = self._sweep_wanted or trusted
            raise
        now = self._clocks.now()
        # One that was not believed is soon followed by another.
        self._sweep_at = now + DAY_SECONDS / 24 if self._current is before else next_sweep(now, self._policy.sweep_hour)
        self._changes_at = now + self._policy.poll
        self._brief_position, self._look_at = None, now + self._policy.poll

    async def _tend_if_due(self, before: Callable[[], None]) -> bool:
        """Look for changes while a sweep is under way, if it is time; whether the index's writer was taken."""
        await self._note_requests()
        current = self._current
        if current is None or not (self._clocks.now() >= self._changes_at or self._named):
            return False
        before()
        current.resume()
        await self._tend(current)
        self._commit()
        return True

    async def _tend(self, current: MirrorGeneration) -> bool:
        """Ask for changes if that is due, else read what waits; whether there was anything to do."""
        work, now = self._opened, self._clocks.now()
        if now >= self._changes_at:
            as_of = await work.read_changes(current, self._policy.overlap)
            self._changes_at = as_of + self._policy.poll
            work.tell(as_of=as_of)
            return True
        for key in current.ledger.due_reprices(now):
            self._waiting.setdefault(key, None)
        if self._named:
            await self._read_named(current)
            return True
        if self._waiting:
            await self._read_waiting(current)
            return True
        return False

    async def _note_requests(self) -> None:
        for name in await self._take_requests():
            if name == EVERYTHING or len(self._named) >= MAX_WAITING:
                self._sweep_wanted = True
            else:
                self._named[name] = None

    async def _read_named(self, current: MirrorGeneration) -> None:
        work = self._opened
        for name in list(self._named)[:READS_PER_TURN]:
            del self._named[name]
            keys = current.ledger.keys_of(name)
            if keys:
                await work.read_keys(current, keys)
                continue
            entry = await work.pace.ask(lambda name=name: work.lister.find(name))  # type: ignore[misc]
            if entry is not None:
                await work.put(current, [entry])

    async def _read_waiting(self, current: MirrorGeneration) -> None:
        work = self._opened
        for key in list(self._waiting)[:READS_PER_TURN]:
            await work.read_keys(current, [key])
            brief = self._waiting.pop(key, None)
            if brief is not None:
                current.ledger.note_briefs([brief], seen=self._clocks.now())

    async def _look_at_stock(self, current: MirrorGeneration) -> None:
        """One page of the short list: what it tells of a product that is another than before is read."""
        work, now = self._opened, self._clocks.now()
        if self._brief_position is None:
            if now < self._look_at:
                return
            self._look_at, self._brief_began, self._brief_pages = now + self._policy.poll, now, 0
        page = await work.pace.ask(lambda: work.lister.brief_page(self._brief_position))
        self._brief_pages += 1
        known, unreadable = current.ledger.known([one.key for one in page.entries]), current.progress.unreadable
        same = []
        for one in page.entries:
            if one.key in known and known[one.key].brief == digest_of(one):
                same.append(one)
            elif one.key not in unreadable:
                self._wait_for(one.key, one)
        current.ledger.note_briefs(same, seen=self._clocks.now())
        self._brief_position = page.next
        if page.next is None:
            self._end_look(current)

    def _end_look(self, current: MirrorGeneration) -> None:
        """Every page was seen: what is in none of them is read by its key, unless that is too much to be true."""
        ledger, work = current.ledger, self._opened
        vanished = [key for key in ledger.find_vanished(self._brief_began) if key not in self._waiting]
        many = len(vanished) > max(VANISHED_LEAST, VANISHED_SHARE * ledger.expected_count())
        if many and not self._vanished_before:
            self._vanished_before = True
            log.warning("%d products are in no list at once: that is not believed yet", len(vanished))
            work.tell_problem(f"the shop lists {len(vanished)} products less than before, which is looked at once more")
            return
        if self._vanished_before:
            self._vanished_before = False
            work.tell_problem(None)
        # As many reads as pages, so that they cost about as much as the look.
        quiet = ledger.find_unwatched(self._brief_began - UNWATCHED_SECONDS, max(READS_PER_TURN, self._brief_pages))
        for key in [*vanished, *quiet]:
            self._wait_for(key, None)
        work.tell(stock_as_of=self._brief_began)

    def _wait_for(self, key: str, brief: BriefEntry | None) -> None:
        if len(self._waiting) < MAX_WAITING or key in self._waiting:
            self._waiting[key] = brief
        else:
            self._sweep_wanted = True

    def _commit(self) -> None:
        current = self._current
        if current is not None and current.commit():
            self._opened.tell(commit=current.commits, products=current.ledger.count)


def next_sweep(last: float, hour: int) -> float:
    """When the next daily sweep is due: the first beginning of that hour (UTC) at least an hour after the last.

    >>> next_sweep(0.0, 3) / 3600, next_sweep(2.5 * 3600, 3) / 3600
    (3.0, 27.0)
    """
    earliest = last + DAY_SECONDS / 24
    return earliest + (hour * 3600 - earliest) % DAY_SECONDS
