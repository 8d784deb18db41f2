"""Bounds of the tables that guests fill: rows of one client, and rows in all; those that expire next go first."""

from typing import Final

from msgspec import Struct
from sqlalchemy import Column, Connection, Table, delete, func, select

SWEEP_INTERVAL_WRITES: Final = 256
"""Writes of one worker between two sweeps of a table."""
OWN_INTERVAL_WRITES: Final = 16
"""Writes of one worker between two looks at what the client of the second one holds."""
SWEEP_ROWS: Final = 2_000
"""Rows that one sweep deletes at most, to keep it short; more than are added between two."""


class RowQuota(Struct, frozen=True, kw_only=True):
    """How many rows guests may fill of one table."""

    per_holder: int
    """Of one client address."""
    in_all: int


def sweep_expired(connection: Connection, table: Table, now: int) -> None:
    """Delete rows that have expired."""
    key, expires_at = _columns(table)
    expired = select(key).where(expires_at <= now).limit(SWEEP_ROWS).with_for_update(skip_locked=True)
    connection.execute(delete(table).where(key.in_(expired)))


def sweep_excess(connection: Connection, table: Table, in_all: int) -> None:
    """Delete the rows above a number that expire next."""
    key, expires_at = _columns(table)
    held = connection.execute(select(func.count()).select_from(table)).scalar_one()
    excess = min(SWEEP_ROWS, held - in_all)
    if excess > 0:
        # Rows that others lock are skipped, so that two sweeps cannot block each other.
        soonest = select(key).order_by(expires_at).limit(excess).with_for_update(skip_locked=True)
        connection.execute(delete(table).where(key.in_(soonest)))


def drop_own_excess(
    connection: Connection,
    table: Table,
    holder: bytes | None,
    at_most: int,
    size: tuple[Column[bytes], int] | None = None,
) -> None:
    """Delete those rows of one holder above a number that expire next; with `size`, above bytes of a column too."""
    if holder is None:
        return
    key, expires_at = _columns(table)
    own = table.c.holder == holder
    newest_first = (expires_at.desc(), key)
    columns = [key, func.row_number().over(order_by=newest_first).label("place")]
    if size is not None:
        columns.append(func.sum(func.coalesce(func.length(size[0]), 0)).over(order_by=newest_first).label("bytes"))
    ranked = select(*columns).where(own).subquery()
    over = ranked.c.place > at_most
    if size is not None:
        over |= ranked.c.bytes > size[1]
    connection.execute(delete(table).where(key.in_(select(ranked.c.key).where(over).limit(SWEEP_ROWS))))


def _columns(table: Table) -> tuple[Column[bytes], Column[int]]:
    return table.c.key, table.c.expires_at
