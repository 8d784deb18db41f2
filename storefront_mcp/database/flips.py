"""Flips of phases in SQL; a flip takes effect only once it is written here."""

import datetime as dt
import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, func, insert, select

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.audit import append_entry
from storefront_mcp.database.emergency_stops import current_stops, newest_stop_numbers, stop_entry, write_stop
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.schedules import due_schedules, end_schedule, read_schedule, schedule_entry, write_schedule
from storefront_mcp.database.tables.emergency_stops import STOPS
from storefront_mcp.database.tables.flips import FLIPS
from storefront_mcp.instrumentation import store_job
from storefront_mcp.records.audit import operator_entry
from storefront_mcp.roadmap.emergency_stops import EmergencyStop, StopScope
from storefront_mcp.roadmap.flips import Flip, PhaseStatuses, ScheduledFlip, with_statuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import FlipRefused, Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms

log: Final = logging.getLogger(__name__)
KEPT_SCHEDULES: Final = dt.timedelta(days=7)
"""How long scheduled flips are shown after their moment."""
EARLIEST: Final = dt.datetime.min.replace(tzinfo=dt.UTC)


class SqlFlipRepository:
    """Implements `roadmap.flips.FlipRepository`; thread-safe."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._lock = threading.Lock()
        self._probe = database.watching()
        self._seen_writes: int | None = None
        self._read_number: int | None = None

    def current_statuses(self) -> Mapping[StoreId, PhaseStatuses]:
        """The statuses of every store, read in one transaction."""
        with self._database.reading() as connection:
            number = _newest(connection)
            statuses = _current_statuses(connection)
        with self._lock:
            self._read_number = number
        return statuses

    def has_changed(self) -> bool:
        """Whether a flip was written since the last call of `current_statuses`.

        SQLite counts the writes of other connections; the table is read only when there were some (carts write too).
        """
        with self._lock:
            writes = self._probe.writes()
            if writes is not None and writes == self._seen_writes:
                return False
            with self._database.reading() as connection:
                newest = _newest(connection)
            # Writes count as seen only when they were no flips: until `current_statuses` has read a flip, every call
            # returns True again.
            if newest == self._read_number:
                self._seen_writes = writes
            return newest != self._read_number

    def flip(
        self,
        planned: Roadmap,
        store: StoreId,
        changes: Mapping[str, Status],
        *,
        by: str,
        terms: FlipTerms = NO_TERMS,
    ) -> PhaseStatuses:
        """Validate `changes` against the current statuses and store them, all or none; survives a power cut.

        `planned` is the store's roadmap with every phase as its manifest starts it. Raises FlipRefused.
        """
        if not changes:
            raise FlipRefused(["Name at least one phase."])
        with self._database.writing(survives="power", alone="flips") as connection:
            return self._flip(connection, planned, store, changes, by, terms)

    def stop(self, store: StoreId, scope: StopScope, *, client: str = "", reason: str = "", by: str) -> EmergencyStop:
        """Record a stop, which is in force at once. A second one of the same scope replaces the reason."""
        with self._database.writing(survives="power", alone="flips") as connection:
            stop = EmergencyStop(
                number=_newest(connection) + 1, scope=scope, client=client, reason=reason, by=by, at=self._now()
            )
            write_stop(connection, store, stop, stopped=True)
            append_entry(self._database, connection, [stop_entry(stop, store, "store.stopped")])
        return stop

    def resume(self, store: StoreId, *, by: str, client: str | None = None) -> Sequence[EmergencyStop]:
        """End every stop of a store, or that of one client program; those that were in force."""
        with self._database.writing(survives="power", alone="flips") as connection:
            standing = current_stops(connection).get(store, ())
            ended = [stop for stop in standing if client is None or (stop.scope, stop.client) == ("client", client)]
            number, now = _newest(connection), self._now()
            for index, stop in enumerate(ended, 1):
                resumed = replace(stop, number=number + index, by=by, at=now)
                write_stop(connection, store, resumed, stopped=False)
                append_entry(self._database, connection, [stop_entry(resumed, store, "store.resumed")])
        return ended

    def schedule(
        self,
        planned: Roadmap,
        store: StoreId,
        changes: Mapping[str, Status],
        *,
        by: str,
        terms: FlipTerms,
        at: dt.datetime,
    ) -> ScheduledFlip:
        """Record a flip for later. Raises FlipRefused for phases that do not exist and for a moment that has passed."""
        unknown = [name for name in changes if planned.phase(name) is None]
        if unknown or not changes:
            known = ", ".join(phase.name for phase in planned.phases)
            raise FlipRefused(
                [f"{name}: there is no such phase; there are {known}." for name in unknown or ["nothing"]]
            )
        if at < self._now():
            raise FlipRefused([f"{at.isoformat()} has passed: schedule a flip for later, or make it now."])
        flip = ScheduledFlip(
            id=f"sch_{secrets.token_hex(6)}", store=store, changes=changes, terms=terms, at=at.astimezone(dt.UTC), by=by
        )
        with self._database.writing(survives="power", alone="flips") as connection:
            write_schedule(connection, flip)
            append_entry(self._database, connection, [schedule_entry(flip, self._now(), "flip.scheduled", by=by)])
        return flip

    def list_schedule(self, store: StoreId) -> Sequence[ScheduledFlip]:
        """The scheduled flips that wait, and those of the last week, by their moment."""
        with self._database.reading() as connection:
            return read_schedule(connection, store, since=self._now() - KEPT_SCHEDULES)

    def refused_schedule(self, store: StoreId) -> Sequence[ScheduledFlip]:
        """The scheduled flips that could not be made, until they are cancelled or superseded; by their moment."""
        with self._database.reading() as connection:
            scheduled = read_schedule(connection, store, since=EARLIEST)
        refused = [flip for flip in scheduled if flip.is_refused]
        flips = self.history(store) if refused else ()
        return [flip for flip in refused if not flip.is_superseded(flips, scheduled)]

    def unschedule(self, store: StoreId, id_: str, *, by: str) -> bool:
        """Cancel a scheduled flip that waits, or no longer show one that was refused; whether there was one."""
        with self._database.writing(survives="power", alone="flips") as connection:
            flip = next((one for one in read_schedule(connection, store, since=EARLIEST) if one.id == id_), None)
            if flip is None or (flip.outcome and not flip.is_refused):
                return False
            end_schedule(connection, flip, "cancelled")
            append_entry(self._database, connection, [schedule_entry(flip, self._now(), "flip.cancelled", by=by)])
        return True

    def flip_due(self, planned: Mapping[StoreId, Roadmap]) -> int:
        """Make the scheduled flips whose moment has come, each once over all processes; their number."""
        now = self._now()
        with self._database.reading() as connection:
            if not due_schedules(connection, now):
                return 0
        made = 0
        with self._database.writing(survives="power", alone="flips") as connection:
            for flip in due_schedules(connection, now):
                if flip.store not in planned:
                    continue
                try:
                    self._flip(
                        connection, planned[flip.store], flip.store, flip.changes, f"{flip.by}, scheduled", flip.terms
                    )
                    outcome = "done"
                except FlipRefused as refused:
                    outcome = f"refused: {' '.join(refused.complaints)}"
                    with store_job(flip.store):
                        log.error("%s: the scheduled flip %s was refused: %s", flip.store, flip.id, refused)  # noqa: TRY400
                    entry = schedule_entry(flip, now, "flip.refused", by=flip.by, refused=refused.complaints)
                    append_entry(self._database, connection, [entry])
                end_schedule(connection, flip, outcome)
                made += 1
        return made

    def _flip(
        self,
        connection: Connection,
        planned: Roadmap,
        store: StoreId,
        changes: Mapping[str, Status],
        by: str,
        terms: FlipTerms,
    ) -> PhaseStatuses:
        stored = _current_statuses(connection).get(store, PhaseStatuses(0, {}))
        current = with_statuses(planned, stored)
        after = {phase.name: phase for phase in current.with_status(changes, terms).phases if phase.name in changes}
        number = _newest(connection) + 1
        before = {phase.name: phase.status for phase in current.phases}
        now = self._now()
        at = now.astimezone(dt.UTC).isoformat()
        connection.execute(
            insert(FLIPS),
            [
                {
                    "number": number,
                    "store": store,
                    "phase": phase.name,
                    "before": before[phase.name],
                    "after": phase.status,
                    "by": by,
                    "at": at,
                    "terms": None if phase.terms == NO_TERMS else msgspec.json.encode(phase.terms).decode(),
                }
                for phase in after.values()
            ],
        )
        entries = [
            operator_entry(
                now,
                "phase.flipped",
                phase.name,
                store=store,
                by=by,
                details={"before": before[phase.name], "after": phase.status, **msgspec.to_builtins(phase.terms)},
            )
            for phase in after.values()
        ]
        append_entry(self._database, connection, entries)
        kept = {phase: one for phase, one in stored.terms.items() if phase not in changes}
        given = {phase.name: phase.terms for phase in after.values() if phase.terms != NO_TERMS}
        return PhaseStatuses(number, {**stored.statuses, **changes}, {**kept, **given}, stored.stops)

    def history(self, store: StoreId | None = None) -> Sequence[Flip]:
        """Every flip, oldest first; phases of one flip by name."""
        query = select(FLIPS)
        if store is not None:
            query = query.where(FLIPS.c.store == store)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        # Sorted here, as databases collate differently.
        return [
            Flip(
                number=row["number"],
                store=StoreId(row["store"]),
                phase=row["phase"],
                before=row["before"],
                after=row["after"],
                by=row["by"],
                at=dt.datetime.fromisoformat(row["at"]),
                terms=_terms(row["terms"]),
            )
            for row in sorted(rows, key=lambda row: (row["number"], row["phase"]))
        ]

    def close(self) -> None:
        """Close the change probe; the database stays open."""
        with self._lock:
            self._probe.close()


def _newest(connection: Connection) -> int:
    """The number of the last flip or stop; 0 before the first."""
    numbers = (select(func.coalesce(func.max(table.c.number), 0)).scalar_subquery() for table in (FLIPS, STOPS))
    return max(cast("tuple[int, int]", tuple(connection.execute(select(*numbers)).one())))


def _current_statuses(connection: Connection) -> dict[StoreId, PhaseStatuses]:
    last = select(FLIPS.c.store, FLIPS.c.phase, func.max(FLIPS.c.number).label("number")).group_by(
        FLIPS.c.store, FLIPS.c.phase
    )
    newest = last.subquery()
    rows = connection.execute(
        select(FLIPS.c.store, FLIPS.c.phase, FLIPS.c.after, FLIPS.c.number, FLIPS.c.terms).join(
            newest,
            (FLIPS.c.store == newest.c.store) & (FLIPS.c.phase == newest.c.phase) & (FLIPS.c.number == newest.c.number),
        )
    )
    versions: dict[StoreId, int] = {}
    statuses: dict[StoreId, dict[str, Status]] = {}
    terms: dict[StoreId, dict[str, FlipTerms]] = {}
    for store, phase, after, number, written in rows:
        statuses.setdefault(store, {})[phase] = after
        if written is not None:
            terms.setdefault(store, {})[phase] = _terms(written)
        versions[store] = max(versions.get(store, 0), number)
    stops = current_stops(connection)
    newest_stops = newest_stop_numbers(connection)
    return {
        store: PhaseStatuses(
            max(versions.get(store, 0), newest_stops.get(store, 0)),
            statuses.get(store, {}),
            terms.get(store, {}),
            stops.get(store, ()),
        )
        for store in {**statuses, **newest_stops}
    }


def _terms(written: str | None) -> FlipTerms:
    return NO_TERMS if written is None else msgspec.json.decode(written, type=FlipTerms)
