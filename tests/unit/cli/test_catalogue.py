"""`storefront-mcp catalogue`: how mirrors stand, in words, for programs, and as a bar while one is being built."""

import io
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from storefront_mcp.cli import main
from storefront_mcp.cli.catalogue_status import describe, follow_sweeps
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings.catalogue import MirrorSettings
from tests.unit.cli.test_audit import TOML

NOW = 1_800_000_000.0
PICKLE = StoreId("pickle")
MIRRORED = TOML + "\n[store.mirror]\non = true\n"


def run(home: Path, *words: str, toml: str = MIRRORED) -> Result:
    (home / "storefront.toml").write_text(toml, encoding="utf-8")
    return CliRunner().invoke(main, ["catalogue", *words, "--config", str(home / "storefront.toml")])


def record(**fields: Any) -> MirrorRecord:
    known: dict[str, Any] = {"host": "shelf", "generation": 3, "products": 20_000, "as_of": NOW - 30}
    known |= {"stock_as_of": NOW - 200, "bytes_used": 8_100_000, "lease_until": NOW + 20}
    return MirrorRecord(store=PICKLE, place="here", **known | fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {},
            [
                "pickle on shelf: whole, with 20,000 products; the shop told of changes 30 s ago.",
                "  Stock and prices were looked at 3 min ago; 8.1 MB on disk.",
            ],
        ),
        (
            {"as_of": NOW - 7300},
            "with 20,000 products, and marked as stale: the shop last told",
        ),
        ({"as_of": NOW - 200_000}, "pickle on shelf: too old, so the shop is asked: it last told of changes 2 d ago."),
        ({"generation": 0, "building": True}, "it is being built; until it is whole, the shop is asked."),
        ({"generation": 0, "building": True}, "  A sweep begins."),
        ({"building": True, "read": 1200, "total": 20_000}, "  A sweep is under way: 1,200 of 20,000 products."),
        ({"generation": 0, "lease_until": 0.0, "host": ""}, "pickle: there is no mirror yet, and nobody builds one"),
        ({"lease_until": 0.0}, "  Nobody writes it now"),
        ({"unreadable": 2}, "  2 products are told by the shop in a way that cannot be read, and are missing."),
        ({"problem": "the shop is busy", "problem_since": NOW - 90}, "  For 90 s: the shop is busy"),
    ],
)
def test_each_state_is_said_in_words(fields: dict[str, Any], said: str | list[str]) -> None:
    lines = describe(record(**fields), MirrorSettings(on=True), NOW)

    assert lines == said if isinstance(said, list) else any(said in line for line in lines)


def test_a_store_without_a_mirror_says_how_to_have_one(tmp_path: Path) -> None:
    done = run(tmp_path, "status", toml=TOML)

    assert (done.exit_code, done.stdout) == (0, "No store has a mirror: store.mirror.on switches one on.\n")


def test_before_the_first_start_there_is_none(tmp_path: Path) -> None:
    done = run(tmp_path, "status")

    assert done.exit_code == 0
    assert done.stdout == "pickle: there is no mirror yet, and nobody builds one: is the server running?\n"


def test_programs_get_what_is_on_record(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "storefront.db")) as database:
        mirrors = SqlMirrorRepository(database)
        leased = mirrors.lease(PICKLE, "here", "me", now=time.time(), seconds=60)
        assert leased is not None
        mirrors.write(record(owner="me", as_of=time.time(), lease_until=time.time() + 60, problem="slow"))

    done = run(tmp_path, "status", "--json")

    (told,) = json.loads(done.stdout)
    assert (told["store"], told["state"], told["products"], told["problem"]) == ("pickle", "whole", 20_000, "slow")


def test_a_sweep_is_followed_as_a_bar_until_it_is_over() -> None:
    looks = iter([(0, 0), (10, 40), (40, 40)])
    pauses: list[float] = []
    console = Console(file=io.StringIO(), force_terminal=True, width=80)

    def read() -> list[MirrorRecord]:
        found = next(looks, None)
        return [] if found is None else [record(building=True, read=found[0], total=found[1])]

    follow_sweeps(read, console, now=lambda: NOW, pause=pauses.append)

    assert len(pauses) == 3
    assert "40/40" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_sweep_that_nobody_goes_on_with_is_not_followed() -> None:
    follow_sweeps(lambda: [record(building=True, lease_until=0.0)], Console(file=io.StringIO()), now=lambda: NOW)
