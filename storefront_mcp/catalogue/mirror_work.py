"""What the parts of a mirror's sync share: the shop, the clock, and whom they tell how it goes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndexWriter
from storefront_mcp.catalogue.mirror_documents import CategoryPaths
from storefront_mcp.catalogue.mirror_generation import MirrorFolder, MirrorGeneration
from storefront_mcp.catalogue.mirror_pace import ShopPace
from storefront_mcp.commerce.errors import ShopRefused
from storefront_mcp.commerce.listing import CatalogueEntry, CatalogueLister, EntryPage

DAY_SECONDS: Final = 86_400
TREE_SECONDS: Final = 300.0
"""Between two reads of the category tree for a category that it does not show."""

log: Final = logging.getLogger(__name__)


class SyncPolicy(Struct, frozen=True, kw_only=True):
    """How often the shop is asked; seconds."""

    poll: float = 60.0
    """Between two questions for what has changed."""
    pace: float = 1.0
    """Between two pages of short lists, which tell stock and prices."""
    overlap: float = 300.0
    """How far each question for changes reaches back behind the last: as long as the shop itself caches answers."""
    sweep_hour: int = 3
    """Hour of the day (UTC) from which the whole catalogue is read anew."""


class SyncClocks(Struct, frozen=True, kw_only=True):
    """Time, as tests replace it."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    """Unix seconds."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class SyncWork:
    """A shop's lister at its pace, and the category tree."""

    def __init__(
        self,
        lister: CatalogueLister,
        folder: MirrorFolder,
        writer: CatalogueIndexWriter,
        *,
        report: Callable[[Mapping[str, Any]], None],
        clocks: SyncClocks,
    ) -> None:
        """`report` hears changed fields of the `MirrorRecord`."""
        self.lister: Final = lister
        self.folder: Final = folder
        self.writer: Final = writer
        self.clocks: Final = clocks
        self.tree = CategoryPaths()
        self.shop_ahead = 0.0
        """The shop's clock minus ours, seconds."""
        self._report = report
        self.pace: Final = ShopPace(self.tell_problem, clock=clocks.clock, sleep=clocks.sleep)
        self._tree_read_at = -TREE_SECONDS

    def tell(self, **fields: Any) -> None:  # noqa: ANN401 -- fields of a record
        """Tell how it goes."""
        self._report(fields)

    def tell_problem(self, problem: str | None) -> None:
        """Tell what keeps the mirror from being current; None when nothing does any more."""
        self.tell(problem=problem, problem_since=0.0 if problem is None else self.clocks.now())

    async def read_tree(self) -> None:
        """Read the category tree."""
        self._tree_read_at = self.clocks.clock()
        self.tree = CategoryPaths(await self.pace.ask(self.lister.categories))

    async def put(self, generation: MirrorGeneration, entries: Sequence[CatalogueEntry]) -> int:
        """Take entries in, under the names of their categories; how many were new or different."""
        strange = any(category not in self.tree for one in entries for category in one.product.categories)
        if strange and self.clocks.clock() - self._tree_read_at >= TREE_SECONDS:
            await self.read_tree()
        generation.tree = self.tree
        return generation.put(entries, now=self.clocks.now(), shop_ahead=self.shop_ahead)

    def note_shop_time(self, page: EntryPage) -> None:
        """Learn how far the shop's clock is ahead."""
        self.shop_ahead = page.shop_time - self.clocks.now()

    async def read_changes(self, generation: MirrorGeneration, overlap: float) -> float:
        """Take in what has changed since the generation's watermark; when that was asked (Unix seconds)."""
        progress, began = generation.progress, self.clocks.now()
        since, watermark, after = progress.watermark - overlap, progress.watermark, None
        while True:
            page = await self.pace.ask(lambda at=after: self.lister.changes(since, at))  # type: ignore[misc]
            if after is None:
                self.note_shop_time(page)
                watermark = max(watermark, page.shop_time)
            await self.put(generation, page.entries)
            after = page.next
            if after is None:
                break
        generation.note_progress(replace(generation.progress, watermark=watermark))
        return began

    async def read_keys(self, generation: MirrorGeneration, keys: Sequence[str]) -> None:
        """Read products by key: those that there are are put in, others taken out; what cannot be read stays."""
        for key in keys:
            try:
                entry = await self.pace.ask(lambda key=key: self.lister.read(key))  # type: ignore[misc]
            except ShopRefused as refused:
                log.info("%s: %s", key, refused.internal)
                generation.ledger.touch(key, seen=self.clocks.now(), reprice=None)
                continue
            if entry is None:
                generation.remove([key])
            else:
                await self.put(generation, [entry])
