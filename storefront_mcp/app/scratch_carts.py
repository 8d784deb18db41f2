"""Scratch cart wiring: a ledger for each store's, and the clearing of what processes left that have ended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from storefront_mcp.app.backends import scratch_carts_of
from storefront_mcp.app.background import background_jobs
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.scratch_carts import SqlScratchCarts

LOOK_SECONDS: Final = 600.0
"""Between two looks for carts that were left."""


class ScratchCartWiring:
    """Ledgers and clearing of all stores."""

    def __init__(self, database: Database, *, now: Callable[[], float]) -> None:
        """`now` gives Unix seconds."""
        self._database = database
        self._now = now
        self._clearing: list[Callable[[], Awaitable[None]]] = []

    def ledger(self, store: StoreId) -> SqlScratchCarts:
        """The ledger of a store."""
        return SqlScratchCarts(self._database, store, now=self._now)

    def add(self, backend: ShopBackend) -> None:
        """Clear what was left in this shop, where it is of a kind that has scratch carts."""
        if (clear := scratch_carts_of(backend)) is not None:
            self._clearing.append(clear)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for such carts, at once and then now and again, until the block ends."""
        async with background_jobs({"clear carts that were left": self._run()}):
            yield

    async def _run(self) -> None:
        while True:
            for clear in self._clearing:
                await clear()
            await asyncio.sleep(LOOK_SECONDS)
