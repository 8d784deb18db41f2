"""The lag that Prometheus is told: of what nobody looks at, and of what is looked at in vain."""

import datetime as dt
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.checkout.record import State
from storefront_mcp.database import Database, SqlCheckoutRepository
from storefront_mcp.database.metrics_queries import SqlMetricsSource
from storefront_mcp.database.readiness import DatabaseReadiness
from tests.unit.database.test_checkouts import NOW, PICKLE, checkout


@pytest.mark.parametrize(
    ("state", "due_in", "lag"),
    [("open", -700.0, 1600.0), ("open", 60.0, None), ("capturing", 60.0, 900.0), ("needs_human", 60.0, None)],
)
async def test_the_lag_counts_what_stays_on_its_way(
    state: State, due_in: float, lag: float | None, tmp_path: Path
) -> None:
    now = NOW + 900.0
    with closing(Database(tmp_path / "x.db")) as database:
        records = SqlCheckoutRepository(database)
        await records.open(checkout())
        held = await records.lease("chk_1", now=NOW, seconds=10)
        assert held is not None
        await records.write(replace(held, state=state, due_at=now + due_in - (900 if due_in < 0 else 0)), release=True)
        source = SqlMetricsSource(
            database,
            DatabaseReadiness(database),
            stores=[PICKLE],
            folder=None,
            bounds={},
            now=lambda: dt.datetime.fromtimestamp(now, dt.UTC),
        )
        assert source.lags().get(PICKLE) == lag
