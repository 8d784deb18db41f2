"""Traffic on record: every worker adds its minutes to the same lines."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, case, delete, func, select

from storefront_mcp.calls.traffic import Line, Sum
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables import CHECKOUTS, TRAFFIC

_T: Final = TRAFFIC.c
_WITHIN: Final = ("within_25ms", "within_100ms", "within_500ms", "within_2s", "within_10s")
_THING: Final = ("minute", "store", "kind", "name", "client", "outcome")


class DatabaseTraffic:
    """Implements `calls.traffic.TrafficBook`; may be shared by threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, store: StoreId, lines: Sequence[Line]) -> None:
        """Add to what there is already, in one transaction; a power cut may lose the last of it."""
        if not lines:
            return
        fresh = self._database.insert(TRAFFIC)
        more = fresh.excluded
        changed = {name: _T[name] + more[name] for name in ("count", "seconds", *_WITHIN)}
        changed["slowest"] = case((more.slowest > _T.slowest, more.slowest), else_=_T.slowest)
        with self._database.writing() as connection:
            connection.execute(
                fresh.on_conflict_do_update(index_elements=list(_THING), set_=changed),
                # In one order, so that two workers never wait for each other in a circle.
                sorted((_row(store, line) for line in lines), key=lambda row: [str(row[name]) for name in _THING]),
            )

    def read(self, store: StoreId, *, since: int, step: int) -> Sequence[Line]:
        """Everything from a minute on, added up by `step` minutes."""
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
            Line(
                minute=row[0],
                kind=row[1],
                name=row[2],
                client=row[3],
                outcome=row[4],
                sum=Sum(int(row[5]), float(row[6]), float(row[7]), tuple(int(count) for count in row[8:])),
            )
            for row in sorted(rows, key=lambda row: tuple(row)[:5])
        ]

    def prune(self, before: int) -> int:
        """Drop what is older than a minute; how many lines."""
        with self._database.writing() as connection:
            return connection.execute(delete(TRAFFIC).where(_T.minute < before)).rowcount


def ordered(database: Database, store: StoreId, since: float) -> int:
    """How many orders were placed since a moment, in Unix seconds."""
    columns = CHECKOUTS.c
    placed = (columns.state == "placed") & (columns.ended_at >= since)
    wanted = select(func.count()).select_from(CHECKOUTS).where(placed, columns.store == store)
    with database.reading() as connection:
        return int(connection.execute(wanted).scalar_one())


def _row(store: StoreId, line: Line) -> dict[str, object]:
    thing = {"minute": line.minute, "store": store, "kind": line.kind, "name": line.name}
    how = {"client": line.client, "outcome": line.outcome}
    numbers = {"count": line.sum.count, "seconds": line.sum.seconds, "slowest": line.sum.slowest}
    return thing | how | numbers | dict(zip(_WITHIN, line.sum.within, strict=True))
