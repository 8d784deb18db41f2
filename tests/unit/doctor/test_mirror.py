"""The doctor says how a store's mirror stands, and what keeps it from being current."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings.catalogue import MirrorSettings
from storefront_mcp.settings.server import Settings
from tests.unit.doctor.stores import findings, of, only, settings

pytestmark = pytest.mark.slow


def mirrored(folder: Path) -> Settings:
    chosen = settings(folder, "http://127.0.0.1:1")
    return replace(chosen, stores=tuple(replace(one, mirror=MirrorSettings(on=True)) for one in chosen.stores))


async def told(chosen: Settings) -> tuple[str, str]:
    report = await only(of(chosen), "database.reached", "catalogue")
    (found,) = findings(report, "catalogue.mirror")
    return found.level, found.says


async def test_a_store_without_a_mirror_is_as_it_should_be(tmp_path: Path) -> None:
    chosen = settings(tmp_path, "http://127.0.0.1:1")

    assert await told(chosen) == ("ok", "There is none: the shop answers each search.")


async def test_a_mirror_without_its_library_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.doctor.checks.catalogue.LIBRARY", "no_such_library")

    level, says = await told(mirrored(tmp_path))

    assert (level, says) == ("fault", "store.mirror.on needs a search library that is not installed.")


async def test_a_folder_that_cannot_be_written_to_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = mirrored(tmp_path)
    await told(chosen)
    monkeypatch.setattr("storefront_mcp.doctor.checks.catalogue.os.access", lambda _path, _mode: False)

    report = await only(of(chosen), "catalogue.mirror")

    (found,) = findings(report, "catalogue.mirror")
    assert (found.level, "cannot be written to" in found.says) == ("fault", True)


async def test_before_the_first_start_there_is_none_yet(tmp_path: Path) -> None:
    level, says = await told(mirrored(tmp_path))

    assert (level, says.partition(";")[0]) == ("note", "There is none yet")


@pytest.mark.parametrize(
    ("fields", "level", "says"),
    [
        ({}, "ok", "The mirror on shelf has 12 products"),
        ({"lease": -1.0}, "note", "Nobody writes the mirror on shelf now; a running server does."),
        ({"generation": 0}, "note", "is being built: 3 of 40 products are read."),
        ({"generation": 0, "lease": -1.0}, "note", "Nobody writes the mirror on shelf now; a running server does."),
        (
            {"age": 3600},
            "warning",
            "For 60 min the shop has not told the mirror on shelf what changed: its",
        ),
        ({"age": 200_000}, "warning", "the shop answers each search"),
        ({"problem": "the disk is full"}, "warning", "is kept from being current: the disk is full."),
    ],
)
async def test_each_state_has_its_finding(tmp_path: Path, fields: dict[str, Any], level: str, says: str) -> None:
    chosen = mirrored(tmp_path)
    now = time.time()
    store = StoreId(chosen.stores[0].id)
    with closing(Database(chosen.database)) as database:
        mirrors = SqlMirrorRepository(database)
        assert mirrors.lease(store, "here", "me", now=now, seconds=60) is not None
        mirrors.write(
            MirrorRecord(
                store=store,
                place="here",
                owner="me",
                host="shelf",
                generation=fields.get("generation", 1),
                products=12,
                read=3,
                total=40,
                as_of=now - fields.get("age", 1),
                lease_until=now + fields.get("lease", 60.0),
                seen_at=now,
                problem=fields.get("problem"),
            )
        )

    found = await told(chosen)

    assert found[0] == level
    assert says in found[1]
