"""The doctor notices that the running server uses another database, or that the database takes no write."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.database import Database
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.tables.cart_handles import CARTS
from storefront_mcp.settings.limits import GuestSettings
from storefront_mcp.settings.storage import DatabaseLocation
from tests.unit.doctor.conftest import ExaminedServer
from tests.unit.doctor.stores import Said, at, bad, findings, of, only, settings

pytestmark = pytest.mark.slow


async def test_a_server_with_the_database_of_the_settings_has_no_fault(examined: ExaminedServer) -> None:
    report = await only(of(examined.settings), "database", "address.reached", "address.database")
    assert bad(report) == {}
    assert [one.says for one in findings(report, "address.database")] == ["It does."]
    assert [one.says for one in findings(report, "database.written")] == ["It does."]


@pytest.mark.parametrize("there", [False, True])
async def test_a_server_with_another_database_is_a_fault(examined: ExaminedServer, tmp_path: Path, there: bool) -> None:
    other = DatabaseLocation(tmp_path / "other.db")
    if there:
        with closing(Database(other)) as database:
            DatabaseReadiness(database)
    report = await only(
        of(replace(examined.settings, database=other)), "database", "address.reached", "address.database"
    )
    (found,) = findings(report, "address.database")
    assert found.level == "fault"
    assert f"The running server uses another database than {other}" in found.says


@pytest.mark.parametrize("said", ["was deleted since the start", "was replaced since the start"])
async def test_a_file_that_was_taken_from_under_the_server_is_a_fault(examined: ExaminedServer, said: str) -> None:
    def displaced(answer: Said) -> None:
        answer.json = {**answer.json, "checks": {"database": said}}

    examined.proxy.spoil = at("/readyz", displaced)
    report = await only(of(examined.settings), "address.reached", "address.database")
    (found,) = findings(report, "address.database")
    assert found.says.startswith(f"{examined.settings.database} {said}: the running server goes on with what was there")


async def test_a_server_that_does_not_say_which_database_it_uses_is_let_be(examined: ExaminedServer) -> None:
    examined.proxy.spoil = at("/readyz", lambda answer: setattr(answer, "body", b"ready"))
    report = await only(of(examined.settings), "address.reached", "address.database")
    assert [one.says for one in findings(report, "address.database")] == ["The server does not say which one it uses."]


async def test_a_database_that_takes_no_write_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.database.sqlite.BUSY_TIMEOUT_SECONDS", 0.05)
    chosen = settings(tmp_path, "http://127.0.0.1:1")
    Database(chosen.database).close()
    with closing(sqlite3.connect(chosen.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        report = await only(of(chosen), "database")
        holder.execute("ROLLBACK")
    assert [one.says for one in findings(report, "database.written")] == [f"{chosen.database} is locked."]
    assert list(bad(report)) == ["database.written"]


async def test_a_table_that_guests_have_nearly_filled_is_a_warning_that_names_its_setting(tmp_path: Path) -> None:
    chosen = replace(settings(tmp_path, "http://127.0.0.1:1"), guests=GuestSettings(carts=100))
    with closing(Database(chosen.database)) as database, database.writing() as connection:
        for number in range(80):
            row = {"key": bytes([number]), "store": "pickle", "upstream": "", "lines": b"[]", "expires_at": 0}
            connection.execute(database.insert(CARTS).values(row))
    report = await only(of(chosen), "database")
    (found,) = findings(report, "database.guests")
    assert found.level == "warning"
    assert "80 of the 100 that guests.carts allows" in found.says
    assert [
        one.says
        for one in findings(await only(of(settings(tmp_path, "http://127.0.0.1:1")), "database"), "database.guests")
    ] == ["There is."]
