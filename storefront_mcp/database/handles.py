"""Cart handles, shared by every worker of the machine."""

import asyncio
import datetime as dt
import hashlib
import itertools
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection, Select, delete, func, select

from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.names import CartId, StoreId
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.tables import CARTS

SWEEP_EVERY: Final = 256
"""Writes between two sweeps."""

SWEEP: Final = 2_000
"""Rows that one sweep takes away at most, so that nobody waits long for it; more than come in between two."""

_LINES: Final = msgspec.json.Decoder(tuple[LostLine, ...])


class DatabaseHandles:
    """Handles in the database. Implements `commerce.guest_carts.Handles`.

    Expired records are swept away now and then; above `at_most` the ones that end soonest go with them.
    """

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now, at_most: int = 500_000) -> None:
        self._database = database
        self._now = now
        self._at_most = at_most
        self._writes = itertools.count(1)

    async def find(self, store: StoreId, handle: CartId) -> CartRecord | None:
        """The record of a handle of this store; None when there is none."""
        return await asyncio.to_thread(self._find, store, handle)

    async def keep(self, record: CartRecord) -> None:
        """Write a record, new or changed."""
        await asyncio.to_thread(self._keep, record)

    def _find(self, store: StoreId, handle: CartId) -> CartRecord | None:
        query = select(CARTS.c.upstream, CARTS.c.lines, CARTS.c.expires_at).where(CARTS.c.key == _key(store, handle))
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return CartRecord(
            store=store,
            handle=handle,
            upstream=CartId(row.upstream),
            lines=_LINES.decode(row.lines),
            expires_at=row.expires_at,
        )

    def _keep(self, record: CartRecord) -> None:
        changed = {
            "upstream": record.upstream,
            "lines": msgspec.json.encode(record.lines),
            "expires_at": record.expires_at,
        }
        row = {"key": _key(record.store, record.handle), "store": record.store} | changed
        with self._database.writing() as connection:
            connection.execute(
                self._database.insert(CARTS).values(row).on_conflict_do_update(index_elements=["key"], set_=changed)
            )
            if next(self._writes) % SWEEP_EVERY == 0:
                self._sweep(connection)

    def _sweep(self, connection: Connection) -> None:
        expired = select(CARTS.c.key).where(CARTS.c.expires_at <= int(self._now().timestamp())).limit(SWEEP)
        connection.execute(delete(CARTS).where(CARTS.c.key.in_(_unheld(expired))))
        held = connection.execute(select(func.count()).select_from(CARTS)).scalar_one()
        too_many = min(SWEEP, held - self._at_most)
        if too_many > 0:
            soonest = select(CARTS.c.key).order_by(CARTS.c.expires_at).limit(too_many)
            connection.execute(delete(CARTS).where(CARTS.c.key.in_(_unheld(soonest))))


def _unheld(keys: Select[tuple[bytes]]) -> Select[tuple[bytes]]:
    """Rows that somebody else is changing are left to the next sweep, so that two sweeps cannot block each other."""
    return keys.with_for_update(skip_locked=True)


def _key(store: StoreId, handle: CartId) -> bytes:
    """A handle opens a cart, so it is not written down; store ids hold no NUL, so the pair is unambiguous."""
    return hashlib.sha256(f"{store}\0{handle}".encode()).digest()
