"""What is on record, counted: for those who draw curves of it."""

import datetime as dt
from collections.abc import Callable, Mapping

from sqlalchemy import func, select

from storefront_mcp.database.engine import Database
from storefront_mcp.database.tables.checkouts import CHECKOUTS
from storefront_mcp.database.tables.flips import FLIPS


class DatabaseFigures:
    """Counts when asked. Implements `telemetry.telling.Figures`."""

    def __init__(self, database: Database, *, now: Callable[[], dt.datetime]) -> None:
        self._database = database
        self._now = now

    def checkouts(self) -> Mapping[tuple[str, str], int]:
        """How many, by store and state."""
        asked = select(CHECKOUTS.c.store, CHECKOUTS.c.state, func.count()).group_by(
            CHECKOUTS.c.store, CHECKOUTS.c.state
        )
        with self._database.reading() as connection:
            return {(store, state): count for store, state, count in connection.execute(asked)}

    def lags(self) -> Mapping[str, float]:
        """Seconds that the longest waiting checkout has been due, by store."""
        now = self._now().timestamp()
        waiting = CHECKOUTS.c.due_at.is_not(None) & (CHECKOUTS.c.due_at <= now) & (CHECKOUTS.c.lease_until <= now)
        asked = select(CHECKOUTS.c.store, func.min(CHECKOUTS.c.due_at)).where(waiting).group_by(CHECKOUTS.c.store)
        with self._database.reading() as connection:
            return {store: now - due for store, due in connection.execute(asked)}

    def flips(self) -> Mapping[tuple[str, str, str], int]:
        """How many, by store, phase and the status after it."""
        by = FLIPS.c.store, FLIPS.c.phase, FLIPS.c.after
        with self._database.reading() as connection:
            found = connection.execute(select(*by, func.count()).group_by(*by))
            return {(store, phase, after): count for store, phase, after, count in found}
