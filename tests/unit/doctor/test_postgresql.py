"""The database's checks on a real PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from storefront_mcp.database import Database
from storefront_mcp.settings.storage import DatabaseLocation
from tests.postgres import fresh_postgres, postgres
from tests.unit.doctor.conftest import opened
from tests.unit.doctor.stores import bad, findings, of, only, settings

__all__ = ["fresh_postgres", "postgres"]


async def test_a_server_is_looked_at_and_left_as_it_was(fresh_postgres: Callable[[], str], tmp_path: Path) -> None:
    chosen = replace(settings(tmp_path, "http://127.0.0.1:1"), database=DatabaseLocation(fresh_postgres()))
    before = await only(of(chosen), "database", "phases")
    still_empty = await only(of(chosen), "database.reached", "database.tables")
    Database(chosen.database).close()
    opened(chosen, "p1_browse")
    after = await only(of(chosen), "database", "phases")

    assert bad(before) == bad(after) == {}
    assert [one.says for one in findings(still_empty, "database.tables")] == [
        "There are none yet; the first start makes them."
    ]
    assert [one.says for one in findings(after, "phases.kept")] == ["p1_browse is open and has what it needs."]
