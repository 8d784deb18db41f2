"""The record of flips: nothing is shown that is not written here first."""

import datetime as dt
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from sqlalchemy import Connection, func, insert, select

from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.audit import append, operator_entry
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.tables import FLIPS
from storefront_mcp.roadmap.flags import Flip, Standing, as_it_stands
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import FlipRefused, Roadmap


class DatabaseFlags:
    """Flips in the database. Implements `roadmap.flags.Flags`; may be shared by threads."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._lock = threading.Lock()
        self._watching = database.watching()
        self._seen_writes: int | None = None
        self._read_number: int | None = None

    def standing(self) -> Mapping[StoreId, Standing]:
        """Every store's standing, read in one transaction."""
        with self._database.reading() as connection:
            number = _newest(connection)
            standing = _standing(connection)
        with self._lock:
            self._read_number = number
        return standing

    def changed(self) -> bool:
        """Whether a flip was written since the last call of `standing`.

        SQLite counts the writes of others for us; only when there are some (carts write too) do we look further.
        """
        with self._lock:
            writes = self._watching.writes()
            if writes is not None and writes == self._seen_writes:
                return False
            with self._database.reading() as connection:
                newest = _newest(connection)
            # Writes are remembered as seen only when they were no flips: until `standing` has read a flip,
            # every call says so again.
            if newest == self._read_number:
                self._seen_writes = writes
            return newest != self._read_number

    def flip(self, planned: Roadmap, store: StoreId, changes: Mapping[str, Status], *, by: str) -> Standing:
        """Check `changes` against the record as it is now and write them down, all or none; survives a power cut.

        `planned` is the store's roadmap with every phase as its manifest starts it. Raises FlipRefused.
        """
        if not changes:
            raise FlipRefused(["Name at least one phase."])
        with self._database.writing(survives="power", alone="flips") as connection:
            standing = _standing(connection).get(store, Standing(0, {}))
            current = as_it_stands(planned, standing)
            current.with_status(changes)
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
                        "phase": phase,
                        "before": before[phase],
                        "after": after,
                        "by": by,
                        "at": at,
                    }
                    for phase, after in changes.items()
                ],
            )
            entries = [
                operator_entry(
                    now, "phase.flipped", phase, store=store, by=by, details={"before": before[phase], "after": after}
                )
                for phase, after in changes.items()
            ]
            append(self._database, connection, entries)
        return Standing(number, {**standing.statuses, **changes})

    def history(self, store: StoreId | None = None) -> Sequence[Flip]:
        """Every flip, oldest first; phases flipped together by name."""
        query = select(FLIPS)
        if store is not None:
            query = query.where(FLIPS.c.store == store)
        with self._database.reading() as connection:
            rows = connection.execute(query).mappings().all()
        # Sorted here: databases have alphabets of their own.
        return [
            Flip(
                number=row["number"],
                store=StoreId(row["store"]),
                phase=row["phase"],
                before=row["before"],
                after=row["after"],
                by=row["by"],
                at=dt.datetime.fromisoformat(row["at"]),
            )
            for row in sorted(rows, key=lambda row: (row["number"], row["phase"]))
        ]

    def close(self) -> None:
        """Stop asking; the database stays open."""
        with self._lock:
            self._watching.close()


def _newest(connection: Connection) -> int:
    return cast("int", connection.execute(select(func.coalesce(func.max(FLIPS.c.number), 0))).scalar_one())


def _standing(connection: Connection) -> dict[StoreId, Standing]:
    last = select(FLIPS.c.store, FLIPS.c.phase, func.max(FLIPS.c.number).label("number")).group_by(
        FLIPS.c.store, FLIPS.c.phase
    )
    newest = last.subquery()
    rows = connection.execute(
        select(FLIPS.c.store, FLIPS.c.phase, FLIPS.c.after, FLIPS.c.number).join(
            newest,
            (FLIPS.c.store == newest.c.store) & (FLIPS.c.phase == newest.c.phase) & (FLIPS.c.number == newest.c.number),
        )
    )
    versions: dict[StoreId, int] = {}
    statuses: dict[StoreId, dict[str, Status]] = {}
    for store, phase, after, number in rows:
        statuses.setdefault(store, {})[phase] = after
        versions[store] = max(versions.get(store, 0), number)
    return {store: Standing(versions[store], phases) for store, phases in statuses.items()}
