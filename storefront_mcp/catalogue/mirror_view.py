"""`StoreMirror`: a store's mirror as one worker reads it, and whether it may be asked now."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Callable, Iterable
from typing import Final

from storefront_mcp.catalogue.index import CatalogueIndex, IndexUnusable
from storefront_mcp.records.catalogue_mirrors import MirrorRecord

MAX_REQUESTS: Final = 1000
"""Products that wait to be told of; more of them are seen by the writer's own looks."""
NEAR_PRODUCTS: Final = 1000
"""Left to be read of a first sweep from which on it is not waited for: some seconds, of a shop that is quick."""

log: Final = logging.getLogger(__name__)


class StoreMirror:
    """Implements `CatalogueMirror`. Its index is opened when a record says that there is one."""

    def __init__(
        self,
        open_index: Callable[[], CatalogueIndex],
        *,
        max_age: float,
        give_up: float,
        now: Callable[[], float],
    ) -> None:
        """Ages in seconds; `now` gives Unix seconds."""
        self._open_index = open_index
        self._max_age = max_age
        self._give_up = give_up
        self._now = now
        self._index: CatalogueIndex | None = None
        self._seen: tuple[int, int] | None = None
        self._as_of = 0.0
        self._requests: dict[str, None] = {}
        self._failed = False
        self._expected_until = 0.0
        self._settled = asyncio.Event()
        """Whether it may be asked now or, as far as is on record, not soon."""

    def expect(self, seconds: float) -> None:
        """Have searches wait for it from now on for so long at most, as long as it may be ready soon."""
        self._expected_until = self._now() + seconds

    @property
    def is_expected(self) -> bool:
        """Whether searches wait for it now."""
        return not self._settled.is_set() and self._now() < self._expected_until

    async def wait_until_ready(self) -> None:
        """Return once it may be asked, or will not be soon, or is not expected any more."""
        if self.is_expected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._expected_until - self._now()):
                    await self._settled.wait()

    def update(self, record: MirrorRecord | None) -> None:
        """Follow what is on record: open what is whole, and read what was committed since."""
        self._follow(record)
        if self.index is not None or (record is not None and not _is_near(record)):
            self._settled.set()

    def _follow(self, record: MirrorRecord | None) -> None:
        if record is None or not record.generation:
            self._index, self._seen, self._as_of = None, None, 0.0
            return
        self._as_of = record.as_of
        state = (record.generation, record.commit)
        if state == self._seen:
            return
        try:
            if self._index is None:
                self._index = self._open_index()
            else:
                self._index.refresh()
        except IndexUnusable as unusable:
            self._index = None
            if not self._failed:
                log.warning("the mirror is on record and cannot be read: %s", unusable)
            self._failed = True
            return
        self._seen, self._failed = state, False

    @property
    def index(self) -> CatalogueIndex | None:
        """What may be asked now; None while it is not whole, is too old or cannot be read: then the shop is asked."""
        return self._index if self._now() - self._as_of <= self._give_up else None

    @property
    def as_of(self) -> dt.datetime:
        """When the shop last told what has changed, UTC."""
        return dt.datetime.fromtimestamp(self._as_of, dt.UTC)

    @property
    def stale(self) -> bool:
        """Whether that is longer ago than the operator allows."""
        return self._now() - self._as_of > self._max_age

    def request(self, keys: Iterable[str]) -> None:
        """Have products read anew soon, by SKU or key, since something else was seen of them. Never waits."""
        for key in keys:
            if len(self._requests) >= MAX_REQUESTS:
                return
            self._requests[key] = None

    def take_requests(self) -> list[str]:
        """What was requested since, each once."""
        taken, self._requests = list(self._requests), {}
        return taken


def _is_near(record: MirrorRecord) -> bool:
    """Whether it may be ready soon: nothing hinders it, and not much is left to be read."""
    return record.problem is None and record.total - record.read <= NEAR_PRODUCTS
