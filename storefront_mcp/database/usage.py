"""Usage statistics in SQL: every worker adds its counts to the same rows."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, case, delete, func, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.checkouts import CHECKOUTS
from storefront_mcp.database.tables.usage import TRAFFIC
from storefront_mcp.records.outcomes import current_outcome
from storefront_mcp.records.usage import DurationSummary, UsageRow

_T: Final = TRAFFIC.c
_WITHIN: Final = ("within_25ms", "within_100ms", "within_500ms", "within_2s", "within_10s")
_KEY: Final = ("minute", "store", "kind", "name", "client", "outcome")


class SqlUsageRepository:
    """Implements `records.usage.UsageRepository`; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, store: StoreId, rows: Sequence[UsageRow]) -> None:
        """Add to the stored counts in one transaction; a power cut may lose the latest."""
        if not rows:
            return
        fresh = self._database.insert(TRAFFIC)
        more = fresh.excluded
        changed = {name: _T[name] + more[name] for name in ("count", "seconds", *_WITHIN)}
        changed["slowest"] = case((more.slowest > _T.slowest, more.slowest), else_=_T.slowest)
        with self._database.writing() as connection:
            connection.execute(
                fresh.on_conflict_do_update(index_elements=list(_KEY), set_=changed),
                # Sorted, so that two workers cannot deadlock.
                sorted((_row(store, one) for one in rows), key=lambda row: [str(row[name]) for name in _KEY]),
            )

    def read(self, store: StoreId, *, since: int, step: int) -> Sequence[UsageRow]:
        """Rows since a minute (Unix minutes), summed over `step` minutes."""
        span: ColumnElement[int] = _T.minute - _T.minute % step
        totals = [func.sum(_T[name]) for name in ("count", "seconds")]
        wanted = (
            select(
                span.label("span"),
                _T.kind,
                _T.name,
                _T.client,
                _T.outcome,
                *totals,
                func.max(_T.slowest),
                *(func.sum(_T[name]) for name in _WITHIN),
            )
            .where(_T.store == store, _T.minute >= since)
            .group_by(span, _T.kind, _T.name, _T.client, _T.outcome)
        )
        with self._database.reading() as connection:
            rows = connection.execute(wanted).all()
        return [
            UsageRow(
                minute=row[0],
                kind=row[1],
                name=row[2],
                client=row[3],
                outcome=current_outcome(row[4]),
                sum=DurationSummary(int(row[5]), float(row[6]), float(row[7]), tuple(int(count) for count in row[8:])),
            )
            for row in sorted(rows, key=lambda row: tuple(row)[:5])
        ]

    def prune(self, before: int) -> int:
        """Delete rows before a minute; their number."""
        with self._database.writing() as connection:
            return connection.execute(delete(TRAFFIC).where(_T.minute < before)).rowcount


def count_orders(database: Database, store: StoreId, since: float) -> int:
    """Number of orders placed since a time (Unix seconds)."""
    columns = CHECKOUTS.c
    placed = (columns.state == "placed") & (columns.ended_at >= since)
    wanted = select(func.count()).select_from(CHECKOUTS).where(placed, columns.store == store)
    with database.reading() as connection:
        return int(connection.execute(wanted).scalar_one())


def _row(store: StoreId, usage: UsageRow) -> dict[str, object]:
    key = {"minute": usage.minute, "store": store, "kind": usage.kind, "name": usage.name}
    labels = {"client": usage.client, "outcome": usage.outcome}
    numbers = {"count": usage.sum.count, "seconds": usage.sum.seconds, "slowest": usage.sum.slowest}
    return key | labels | numbers | dict(zip(_WITHIN, usage.sum.within, strict=True))
