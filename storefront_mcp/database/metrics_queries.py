"""What is behind the Prometheus gauges of the database: checkouts, lag, flips, alerts, guests, mirrors, itself."""

import datetime as dt
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from sqlalchemy import func, select

from storefront_mcp.checkout.states import LATE_SECONDS, PASSING_STATES
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.alerts import SqlAlertRepository
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.database.guest_rows import count_guest_rows
from storefront_mcp.database.order_events import count_order_events
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.tables.checkouts import CHECKOUTS
from storefront_mcp.database.tables.flips import FLIPS
from storefront_mcp.records.alerts import CONDITIONS, STORE_CONDITIONS

MAX_PASSING: Final = 1_000
"""Checkouts that are read for the longest in its state."""
MIRROR_SEEN_SECONDS: Final = 24 * 3600
"""A mirror that nobody told of for so long counts no more."""


class EnteredState(Struct, frozen=True):
    """What is read of a checkout's record."""

    since: float
    """Unix seconds, when it came into its state."""


_ENTERED: Final = msgspec.json.Decoder(EnteredState)


class SqlMetricsSource:
    """Implements `telemetry.exposition.MetricsSource`; queries at every scrape."""

    def __init__(
        self,
        database: Database,
        readiness: DatabaseReadiness,
        *,
        stores: Sequence[str],
        folder: Path | None,
        bounds: Mapping[str, int],
        now: Callable[[], dt.datetime],
    ) -> None:
        """`folder` is on the disk of the database, None for a server; `bounds` are those of `[guests]` by name."""
        self._bounds = bounds
        self._database = database
        self._readiness = readiness
        self._stores = stores
        self._folder = folder
        self._now = now

    def checkouts(self) -> Mapping[tuple[str, str], int]:
        """Number of checkouts by store and state."""
        query = select(CHECKOUTS.c.store, CHECKOUTS.c.state, func.count()).group_by(
            CHECKOUTS.c.store, CHECKOUTS.c.state
        )
        with self._database.reading() as connection:
            return {(store, state): count for store, state, count in connection.execute(query)}

    def guest_rows(self) -> Mapping[str, float]:
        """The part of each bound that guests have filled."""
        rows = count_guest_rows(self._database, self._now())
        return {name: rows[name] / at_most for name, at_most in self._bounds.items()}

    def lags(self) -> Mapping[str, float]:
        """Seconds that the checkout which waits longest has been due, or in a state that is left at once, by store."""
        now = self._now().timestamp()
        passing = CHECKOUTS.c.state.in_(PASSING_STATES) & (CHECKOUTS.c.created_at <= now - LATE_SECONDS)
        entered = select(CHECKOUTS.c.store, CHECKOUTS.c.record).where(passing).order_by(CHECKOUTS.c.created_at)
        waiting = CHECKOUTS.c.due_at.is_not(None) & (CHECKOUTS.c.due_at <= now) & (CHECKOUTS.c.lease_until <= now)
        query = select(CHECKOUTS.c.store, func.min(CHECKOUTS.c.due_at)).where(waiting).group_by(CHECKOUTS.c.store)
        with self._database.reading() as connection:
            lags: dict[str, float] = {store: now - due for store, due in connection.execute(query)}
            for store, record in connection.execute(entered.limit(MAX_PASSING)):
                lags[store] = max(lags.get(store, 0.0), now - _ENTERED.decode(record).since)
        return lags

    def flips(self) -> Mapping[tuple[str, str, str], int]:
        """Number of flips by store, phase and new status."""
        by = FLIPS.c.store, FLIPS.c.phase, FLIPS.c.after
        with self._database.reading() as connection:
            rows = connection.execute(select(*by, func.count()).group_by(*by))
            return {(store, phase, after): count for store, phase, after, count in rows}

    def order_events(self) -> Mapping[tuple[str, str], int]:
        """Number of events about orders by store and status."""
        counts = count_order_events(self._database)
        return {(store, status): count for (store, status), count in counts.items()}

    def alerts(self) -> Mapping[tuple[str, str], bool]:
        """Whether an alert is raised, by store and condition; those of the server at every store."""
        active = SqlAlertRepository(self._database).list_active()
        raised = {tuple(alert.key) for alert in active if alert.told_at is not None}
        return {
            (store, condition): (condition, store if condition in STORE_CONDITIONS else "") in raised
            for store in self._stores
            for condition in CONDITIONS
            # What it takes no writes for cannot be written.
            if condition != "database"
        }

    def mirrors(self) -> Mapping[str, tuple[int, float, int]]:
        """Products, age in seconds and problems of the mirrors by store, of machines that told of them lately."""
        mirrors, now = SqlMirrorRepository(self._database), self._now().timestamp()
        found: dict[str, tuple[int, float, int]] = {}
        for store in self._stores:
            seen = [one for one in mirrors.list_by_store(StoreId(store)) if one.seen_at >= now - MIRROR_SEEN_SECONDS]
            if seen:
                whole = [one for one in seen if one.generation]
                age = max((max(0.0, now - one.as_of) for one in whole), default=0.0)
                found[store] = (
                    min(one.products if one.generation else 0 for one in seen),
                    age,
                    sum(one.problem is not None for one in seen),
                )
        return found

    def is_writable(self) -> bool:
        """Whether the database takes a write."""
        return self._readiness.unready_reason() is None

    def disk(self) -> tuple[int, int] | None:
        """Free and total bytes of the disk; None for a server, or where the disk does not tell."""
        try:
            usage = None if self._folder is None else shutil.disk_usage(self._folder)
        except OSError:
            return None
        return None if usage is None else (usage.free, usage.total)
