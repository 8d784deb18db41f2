"""Rows of emergency stops, within the transactions of flips."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.tables.emergency_stops import STOPS
from storefront_mcp.records.audit import AuditEntry, operator_entry
from storefront_mcp.roadmap.emergency_stops import EmergencyStop


def current_stops(connection: Connection) -> Mapping[StoreId, tuple[EmergencyStop, ...]]:
    """The stops in force by store, the oldest first."""
    c = STOPS.c
    newest = select(func.max(c.number)).group_by(c.store, c.scope, c.client)
    rows = connection.execute(select(STOPS).where(c.number.in_(newest), c.stopped).order_by(c.number))
    found: dict[StoreId, tuple[EmergencyStop, ...]] = {}
    for row in rows:
        stop = EmergencyStop(
            number=row.number,
            scope=row.scope,
            client=row.client,
            reason=row.reason,
            by=row.by,
            at=dt.datetime.fromisoformat(row.at),
        )
        found[row.store] = (*found.get(row.store, ()), stop)
    return found


def newest_stop_numbers(connection: Connection) -> Mapping[StoreId, int]:
    """The number of the last stop, or end of one, by store."""
    rows = connection.execute(select(STOPS.c.store, func.max(STOPS.c.number)).group_by(STOPS.c.store))
    return {StoreId(store): number for store, number in rows}


def write_stop(connection: Connection, store: StoreId, stop: EmergencyStop, *, stopped: bool) -> None:
    """Write a stop, or its end."""
    connection.execute(
        insert(STOPS).values(
            number=stop.number,
            store=store,
            scope=stop.scope,
            client=stop.client,
            stopped=stopped,
            reason=stop.reason,
            by=stop.by,
            at=stop.at.astimezone(dt.UTC).isoformat(),
        )
    )


def stop_entry(stop: EmergencyStop, store: StoreId, subject: str) -> AuditEntry:
    """The audit entry of a stop or its end."""
    details = {"scope": stop.scope, "client": stop.client, "reason": stop.reason, "number": stop.number}
    return operator_entry(stop.at, "operator.acted", subject, store=store, by=stop.by, details=details)
