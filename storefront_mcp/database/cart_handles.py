"""Cart handles in SQL, shared by every worker."""

import datetime as dt
import hashlib
import itertools
from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import select

from storefront_mcp.commerce.cart import LostLine
from storefront_mcp.commerce.guest_carts import CartRecord
from storefront_mcp.commerce.ids import CartId, StoreId
from storefront_mcp.database.engine import Database, in_thread, utc_now
from storefront_mcp.database.row_quota import (
    OWN_INTERVAL_WRITES,
    SWEEP_INTERVAL_WRITES,
    RowQuota,
    drop_own_excess,
    sweep_excess,
    sweep_expired,
)
from storefront_mcp.database.tables.cart_handles import CARTS

CART_QUOTA: Final = RowQuota(per_holder=5_000, in_all=500_000)
MAX_LINES_BYTES: Final = 16 * 1024
"""Of a cart's lines, which are kept to name them if the shop loses it; beyond, only the first of them are."""

_LINES: Final = msgspec.json.Decoder(tuple[LostLine, ...])


class SqlCartHandleRepository:
    """Implements `commerce.guest_carts.CartHandleRepository`.

    Expired rows are deleted in sweeps; of those above the quota, the ones that expire next: a client's own at once.
    """

    def __init__(
        self, database: Database, *, now: Callable[[], dt.datetime] = utc_now, quota: RowQuota = CART_QUOTA
    ) -> None:
        self._database = database
        self._now = now
        self._quota = quota
        self._writes = itertools.count(1)

    @in_thread
    def find(self, store: StoreId, handle: CartId) -> CartRecord | None:
        """The record of a handle of this store; None when there is none."""
        query = select(CARTS.c.upstream, CARTS.c.lines, CARTS.c.expires_at, CARTS.c.owner, CARTS.c.coupon).where(
            CARTS.c.key == _row_key(store, handle)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return CartRecord(
            store=store,
            handle=handle,
            upstream=CartId(row.upstream),
            owner=row.owner or "",
            lines=_LINES.decode(row.lines),
            coupon=row.coupon,
            expires_at=row.expires_at,
        )

    @in_thread
    def put(self, record: CartRecord) -> None:
        """Insert or update a record."""
        lines = record.lines
        while len(encoded := msgspec.json.encode(lines)) > MAX_LINES_BYTES:
            lines = lines[: len(lines) // 2]
        changed = {"upstream": record.upstream, "lines": encoded, "expires_at": record.expires_at}
        changed |= {"owner": record.owner or None, "coupon": record.coupon}
        holder = self._database.holder_digest()
        row = {"key": _row_key(record.store, record.handle), "store": record.store, "holder": holder} | changed
        with self._database.writing() as connection:
            connection.execute(
                self._database.insert(CARTS).values(row).on_conflict_do_update(index_elements=["key"], set_=changed)
            )
            writes = next(self._writes)
            if writes % OWN_INTERVAL_WRITES == 0:
                drop_own_excess(connection, CARTS, holder, self._quota.per_holder)
            if writes % SWEEP_INTERVAL_WRITES == 0:
                sweep_expired(connection, CARTS, int(self._now().timestamp()))
                sweep_excess(connection, CARTS, self._quota.in_all)


def _row_key(store: StoreId, handle: CartId) -> bytes:
    """SHA-256 of store and handle, as handles are secrets; store ids hold no NUL, so the pair is unambiguous."""
    return hashlib.sha256(f"{store}\0{handle}".encode()).digest()
