"""Rows of scheduled flips, within the transactions of flips."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, or_, select, update

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.tables.emergency_stops import SCHEDULED_FLIPS
from storefront_mcp.records.audit import AuditEntry, operator_entry
from storefront_mcp.records.outcomes import FLIP_REFUSED, OK
from storefront_mcp.roadmap.flips import ScheduledFlip
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.terms import FlipTerms

_C = SCHEDULED_FLIPS.c


def write_schedule(connection: Connection, flip: ScheduledFlip) -> None:
    """Write a scheduled flip."""
    connection.execute(
        insert(SCHEDULED_FLIPS).values(
            id=flip.id,
            store=flip.store,
            changes=msgspec.json.encode(flip.changes).decode(),
            terms=msgspec.json.encode(flip.terms).decode(),
            by=flip.by,
            at=_instant(flip.at),
            outcome=flip.outcome,
        )
    )


def read_schedule(connection: Connection, store: StoreId, *, since: dt.datetime) -> Sequence[ScheduledFlip]:
    """The scheduled flips of a store that wait, and those whose moment is not before `since`."""
    query = select(SCHEDULED_FLIPS).where(_C.store == store, or_(_C.outcome == "", _C.at >= _instant(since)))
    return [_flip_of(row) for row in connection.execute(query.order_by(_C.at, _C.id))]


def due_schedules(connection: Connection, now: dt.datetime) -> Sequence[ScheduledFlip]:
    """The scheduled flips of all stores whose moment has come, the oldest first."""
    query = select(SCHEDULED_FLIPS).where(_C.outcome == "", _C.at <= _instant(now)).order_by(_C.at, _C.id)
    return [_flip_of(row) for row in connection.execute(query)]


def end_schedule(connection: Connection, flip: ScheduledFlip, outcome: str) -> None:
    """Write what became of a scheduled flip."""
    connection.execute(update(SCHEDULED_FLIPS).where(_C.id == flip.id).values(outcome=outcome))


def schedule_entry(
    flip: ScheduledFlip, now: dt.datetime, subject: str, *, by: str, refused: Sequence[str] = ()
) -> AuditEntry:
    """The audit entry of a scheduled flip; `refused` is why it could not be made."""
    details = {"id": flip.id, "changes": dict(flip.changes), "at": _instant(flip.at)}
    if refused:
        details["refused"] = list(refused)
    outcome = FLIP_REFUSED if refused else OK
    return operator_entry(now, "operator.acted", subject, store=flip.store, by=by, details=details, outcome=outcome)


def _flip_of(row: Row[Any]) -> ScheduledFlip:
    return ScheduledFlip(
        id=row.id,
        store=StoreId(row.store),
        changes=msgspec.json.decode(row.changes, type=Mapping[str, Status]),
        terms=msgspec.json.decode(row.terms, type=FlipTerms),
        at=dt.datetime.fromisoformat(row.at),
        by=row.by,
        outcome=row.outcome,
    )


def _instant(at: dt.datetime) -> str:
    """ISO 8601 in UTC with one length, so that texts compare as instants."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")
