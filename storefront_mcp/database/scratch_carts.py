"""Carts of nobody's that may hold a buyer's address, in SQL."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.scratch_carts import SCRATCH_CARTS
from storefront_mcp.records.scratch_carts import ScratchCartNote

log: Final = logging.getLogger(__name__)

LEFT_AFTER_SECONDS: Final = 600.0
"""After which nobody prices anything on a cart that was noted: longer than any call may take."""
KEEP_SECONDS: Final = 30 * 86_400.0
"""After which a shop has dropped a cart that nobody used."""
MAX_LEFT: Final = 100
"""Carts that are cleared at a time."""

_S: Final = SCRATCH_CARTS.c


class SqlScratchCarts:
    """Implements `records.scratch_carts.ScratchCartLedger` for one store."""

    def __init__(self, database: Database, store: StoreId, *, now: Callable[[], float]) -> None:
        """`now` gives Unix seconds."""
        self._database = database
        self._store = store
        self._now = now

    async def note(self, note: ScratchCartNote) -> bool:
        """Put it on record; whether that is done."""
        try:
            await asyncio.to_thread(self._note, note)
        except (SQLAlchemyError, ShopBusy) as error:
            log.info("a scratch cart is not on record: %s", getattr(error, "__notes__", (error,))[0])
            return False
        return True

    async def forget(self, cart: CartId) -> None:
        """Take it off the record; where that fails, it is only cleared once more."""
        try:
            await asyncio.to_thread(self._forget, cart)
        except (SQLAlchemyError, ShopBusy) as error:
            log.info("a scratch cart stays on record: %s", getattr(error, "__notes__", (error,))[0])

    async def list_left(self) -> Sequence[ScratchCartNote]:
        """Those of which nobody makes use any more, oldest first; none where the record cannot be read."""
        try:
            return await asyncio.to_thread(self._list_left)
        except (SQLAlchemyError, ShopBusy):
            return ()

    def _note(self, note: ScratchCartNote) -> None:
        row = {"store": self._store, "cart": note.cart, "country": note.country, "since": self._now()}
        with self._database.writing() as connection:
            connection.execute(delete(SCRATCH_CARTS).where(_S.store == self._store, _S.cart == note.cart))
            connection.execute(insert(SCRATCH_CARTS), row)

    def _forget(self, cart: CartId) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(SCRATCH_CARTS).where(_S.store == self._store, _S.cart == cart))
            connection.execute(delete(SCRATCH_CARTS).where(_S.since < self._now() - KEEP_SECONDS))

    def _list_left(self) -> Sequence[ScratchCartNote]:
        left = select(SCRATCH_CARTS).where(_S.store == self._store, _S.since < self._now() - LEFT_AFTER_SECONDS)
        with self._database.reading() as connection:
            rows = connection.execute(left.order_by(_S.since).limit(MAX_LEFT)).all()
        return [ScratchCartNote(cart=CartId(row.cart), country=row.country) for row in rows]
