"""Worker record wiring: tells the database that this worker runs, and which flips it shows."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.app.background import background_jobs
from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.workers import SqlWorkerRepository

POLL_SECONDS: Final = 0.2
"""How soon after a flip is shown it is recorded."""
HEARTBEAT_SECONDS: Final = 5.0
"""How often a worker is recorded in which nothing changes."""

log: Final = logging.getLogger(__name__)


class WorkerRecordWiring:
    """Records this worker as long as it runs."""

    def __init__(self, workers: SqlWorkerRepository, shown: Callable[[], Mapping[StoreId, int]]) -> None:
        """`shown` is by store the number of the flip that this worker shows."""
        self._workers = workers
        self._shown = shown
        self._failing = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Record it until the block ends."""
        try:
            async with background_jobs({"record this worker": self._run()}):
                yield
        finally:
            # It counts as ended soon even where the database takes nothing.
            with contextlib.suppress(SQLAlchemyError, ShopBusy):
                await asyncio.to_thread(self._workers.remove)

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        written: Mapping[StoreId, int] | None = None
        due = clock()
        while True:
            shown = dict(self._shown())
            if shown != written or clock() >= due:
                due = clock() + HEARTBEAT_SECONDS
                if await self._write(shown):
                    written = shown
            await asyncio.sleep(POLL_SECONDS)

    async def _write(self, shown: Mapping[StoreId, int]) -> bool:
        try:
            await asyncio.to_thread(self._workers.write, shown)
        except (SQLAlchemyError, ShopBusy):
            if not self._failing:
                log.exception("the database does not take that this worker runs")
            self._failing = True
            return False
        self._failing = False
        return True
