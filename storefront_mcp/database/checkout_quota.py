"""Bounds of checkouts that nobody pays for: of one client and in all, the oldest go first."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, select

from storefront_mcp.database.row_quota import SWEEP_ROWS, RowQuota
from storefront_mcp.database.tables.checkouts import CHECKOUT_EVENTS, CHECKOUT_KEYS, CHECKOUTS

CHECKOUT_QUOTA: Final = RowQuota(per_holder=1_000, in_all=50_000)
"""Of open ones, and of ended ones without an order or a payment as many again."""
MAX_CROWDING: Final = 2
"""Open checkouts that give way to one that is opened: more than come in."""

_C: Final = CHECKOUTS.c
_OPEN: Final = _C.state == "open"
_UNPAID: Final = _C.state.in_(("canceled", "expired"))
"""Ended while their payment page was surely closed, so nothing can become of them."""


def crowding_ids(connection: Connection, holder: bytes | None, quota: RowQuota) -> Sequence[str]:
    """Ids of open checkouts beyond the quota."""
    own = [] if holder is None else _oldest(connection, _OPEN & (_C.holder == holder), quota.per_holder, MAX_CROWDING)
    return [*own, *_oldest(connection, _OPEN, quota.in_all, MAX_CROWDING)]


def drop_unpaid(connection: Connection, holder: bytes | None, quota: RowQuota) -> None:
    """Delete ended checkouts beyond the quota."""
    bounds: list[tuple[ColumnElement[bool], int]] = [(_UNPAID, quota.in_all)]
    if holder is not None:
        bounds.append((_UNPAID & (_C.holder == holder), quota.per_holder))
    for which, at_most in bounds:
        ids = _oldest(connection, which, at_most, SWEEP_ROWS)
        if ids:
            for table in (CHECKOUT_KEYS, CHECKOUT_EVENTS):
                connection.execute(delete(table).where(table.c.checkout.in_(ids)))
            connection.execute(delete(CHECKOUTS).where(_C.id.in_(ids)))


def _oldest(connection: Connection, which: ColumnElement[bool], at_most: int, limit: int) -> Sequence[str]:
    """Ids of those beyond the newest `at_most`."""
    query = select(_C.id).where(which).order_by(_C.created_at.desc(), _C.id).offset(at_most).limit(limit)
    return connection.execute(query).scalars().all()
