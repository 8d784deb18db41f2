"""A full sweep: fills a new generation with the whole catalogue, and makes it the one that is read."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.mirror_generation import MirrorGeneration, carry_over, storage
from storefront_mcp.catalogue.mirror_ledger import SweepProgress
from storefront_mcp.catalogue.mirror_work import DAY_SECONDS, SyncWork

COMMIT_SECONDS: Final = 1.0
"""Between two commits: each is a segment of the index, and many of them are slow to search."""
SHRUNK_SHARE: Final = 0.5
"""A sweep that finds less than this share of what was there is believed only when another agrees, or on request."""
SHRUNK_LEAST: Final = 20
"""Products from which on that rule holds."""
AGREE_SHARE: Final = 0.1
"""How far two sweeps may differ and still agree."""
MAX_UNREADABLE_KEYS: Final = 1000
"""Remembered of one sweep."""

log: Final = logging.getLogger(__name__)


class FullSweep:
    """One sweep, new or resumed where an earlier one was interrupted."""

    def __init__(
        self,
        work: SyncWork,
        current: MirrorGeneration | None,
        tend: Callable[[Callable[[], None]], Awaitable[bool]],
        *,
        overlap: float,
        trusted: bool,
    ) -> None:
        """`tend` keeps the current generation up to date meanwhile, if that is due.

        It calls what it is given before it takes the index's writer, and returns whether it took it. `trusted` believes
        a sweep that finds few products.
        """
        self._work = work
        self._current = current
        self._tend = tend
        self._overlap = overlap
        self._trusted = trusted
        self._committed_at = work.clocks.clock()

    async def run(self) -> MirrorGeneration:
        """The generation that is read from now on: the new one, or the old one where the new one was not believed.

        Raises MirrorStorageFailed, IndexLocked, ShopError other than busy and down.
        """
        work, old = self._work, self._current
        work.folder.check_space()
        await work.read_tree()
        new = self._open()
        try:
            progress = new.progress
            work.tell(building=True, read=progress.read, total=progress.total)
            if not progress.complete:
                if not progress.paged:
                    await self._read_pages(new)
                await self._heal(new)
                if old is not None and not await self._bring_over(old, new):
                    new.close()
                    work.folder.drop_ledgers(but=old.number)
                    work.tell(building=False)
                    old.resume()
                    return old
                # So that nobody is told less than the old generation knew already.
                as_of = await work.read_changes(new, self._overlap)
                new.note_progress(replace(new.progress, complete=True, as_of=as_of))
                new.commit()
            with storage():
                new.ledger.compact()
                work.writer.swap()
        except BaseException:
            new.close()
            raise
        if old is not None:
            old.close()
        work.folder.drop_ledgers(but=new.number)
        done = new.progress
        work.tell(
            building=False,
            generation=new.number,
            commit=new.commits,
            products=new.ledger.count,
            swept_at=done.began,
            as_of=done.as_of,
            stock_as_of=done.began,
            unreadable=done.unreadable_count,
            bytes_used=work.folder.bytes_used(),
            problem=None,
            problem_since=0.0,
        )
        return new

    def _open(self) -> MirrorGeneration:
        """The generation of an interrupted sweep that is not old, or a new one.

        A ledger that says complete while the index reads none is of an index that is gone.
        """
        work, now = self._work, self._work.clocks.now()
        last = 0 if self._current is None else self._current.number
        for number in reversed([one for one in work.folder.generations() if one > last]):
            with ExitStack() as unused:
                found = work.folder.generation(number, work.writer, work.tree)
                unused.callback(found.close)
                progress = found.progress
                gone = progress.complete and self._current is None
                if progress.began and 0 <= now - progress.began < DAY_SECONDS and not gone:
                    found.resume()
                    unused.pop_all()
                    return found
        # Never a number that was used before: what an abandoned sweep left in the index would be found again.
        number = max([last + 1, int(now), *(one + 1 for one in work.folder.generations())])
        with ExitStack() as unused:
            new = work.folder.generation(number, work.writer, work.tree)
            unused.callback(new.close)
            new.resume()
            new.note_progress(SweepProgress(began=now))
            unused.pop_all()
        return new

    async def _read_pages(self, new: MirrorGeneration) -> None:
        work = self._work
        progress = new.progress
        while True:
            page = await work.pace.ask(lambda at=progress.position: work.lister.page(at))  # type: ignore[misc]
            work.note_shop_time(page)
            await work.put(new, page.entries)
            progress = replace(
                progress,
                position=page.next,
                paged=page.next is None,
                read=progress.read + len(page.entries) + len(page.unreadable) + page.unsold,
                total=page.total,
                moved=progress.moved or progress.total not in {0, page.total},
                unreadable=(*progress.unreadable, *page.unreadable)[:MAX_UNREADABLE_KEYS],
                unreadable_count=progress.unreadable_count + len(page.unreadable),
                unsold_count=progress.unsold_count + page.unsold,
                watermark=progress.watermark or page.shop_time,
            )
            new.note_progress(progress)
            if work.clocks.clock() - self._committed_at >= COMMIT_SECONDS or progress.paged:
                self._commit(new)
            work.tell(read=progress.read, total=progress.total)
            if progress.paged:
                return
            await self._tend_current(new)

    async def _tend_current(self, new: MirrorGeneration) -> None:
        """Keep what is read up to date meanwhile; the index's writer serves one generation at a time."""
        if self._current is not None and await self._tend(lambda: self._commit(new)):
            new.resume()

    def _commit(self, new: MirrorGeneration) -> None:
        new.commit()
        self._committed_at = self._work.clocks.clock()

    async def _heal(self, new: MirrorGeneration) -> None:
        """Read what pages that shifted have skipped, where the shop's total moved or the number does not fit."""
        work, progress = self._work, new.progress
        found = new.ledger.count + progress.unreadable_count + progress.unsold_count
        if not progress.moved and found >= progress.total:
            return
        after: str | None = None
        while True:
            page = await work.pace.ask(lambda at=after: work.lister.brief_page(at))  # type: ignore[misc]
            known = new.ledger.known([one.key for one in page.entries])
            skipped = [one.key for one in page.entries if one.key not in known and one.key not in progress.unreadable]
            await work.read_keys(new, skipped)
            after = page.next
            if after is None:
                break
            await self._tend_current(new)
        self._commit(new)

    async def _bring_over(self, old: MirrorGeneration, new: MirrorGeneration) -> bool:
        """Keep what no list shows and is still there; False where there is so little new that it is not believed."""
        found, before = new.ledger.expected_count(), old.ledger.expected_count()
        if not self._trusted and before >= SHRUNK_LEAST and found < SHRUNK_SHARE * before:
            told = old.progress.shrunk_to
            if told is None or abs(found - told) > AGREE_SHARE * max(found, told):
                old.note_progress(replace(old.progress, shrunk_to=found))
                old.commit()
                self._work.tell_problem(
                    f"the shop lists {found} products, and listed {before} before: those are kept until another sweep "
                    "agrees, or `storefront-mcp catalogue refresh` is run"
                )
                log.warning("a sweep found %d products where %d were: it is not believed yet", found, before)
                return False
        missing = carry_over(old, new)
        for start in range(0, len(missing), 10):
            await self._work.read_keys(new, missing[start : start + 10])
            await self._tend_current(new)
        self._commit(new)
        return True
