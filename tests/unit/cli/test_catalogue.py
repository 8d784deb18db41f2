"""`storefront-mcp catalogue`: how mirrors stand, in words, for programs, and as a bar while one is being built; and the
feed, from a mirror or from the shop.
"""

import io
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from storefront_mcp.app import product_feed
from storefront_mcp.app.mirror_engine import mirror_folder, mirror_place
from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter
from storefront_mcp.cli import main
from storefront_mcp.cli.catalogue_status import describe, follow_sweeps
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings import Settings
from storefront_mcp.settings.catalogue import MirrorSettings
from tests.fakes.demo_documents import demo_documents
from tests.fakes.memory_lister import MemoryLister
from tests.unit.cli.test_audit import TOML

NOW = 1_800_000_000.0
PICKLE = StoreId("pickle")
MIRRORED = TOML + "\n[store.mirror]\non = true\n"


def run(home: Path, *words: str, toml: str = MIRRORED) -> Result:
    (home / "storefront.toml").write_text(toml, encoding="utf-8")
    return CliRunner().invoke(main, ["catalogue", *words, "--config", str(home / "storefront.toml")])


def record(**fields: Any) -> MirrorRecord:
    known: dict[str, Any] = {"place": "here", "host": "shelf", "generation": 3, "products": 20_000, "as_of": NOW - 30}
    known |= {"stock_as_of": NOW - 200, "bytes_used": 8_100_000, "lease_until": NOW + 20}
    return MirrorRecord(store=PICKLE, **known | fields)


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


@pytest.fixture
def lister(monkeypatch: pytest.MonkeyPatch) -> MemoryLister:
    """The shop of three products that the store is over."""
    shop = MemoryLister(3, now=lambda: NOW)

    async def close() -> None:
        pass

    monkeypatch.setattr(product_feed, "lister_of", lambda _settings: (shop, close))
    return shop


def mirrored(home: Path, *, as_of: float) -> int:
    """Have a whole mirror of the demo's catalogue there; the number of its products."""
    (home / "storefront.toml").write_text(MIRRORED, encoding="utf-8")
    settings = Settings.load(home / "storefront.toml", {})
    (store,) = settings.stores
    place = mirror_place(settings.catalogue, store.id)
    folder = mirror_folder(settings.catalogue, store)
    folder.mkdir(parents=True)
    writer = TantivyIndexWriter(folder, locale=store.locale)
    writer.begin(1)
    writer.put(demo_documents()[:20])
    writer.swap()
    writer.close()
    with closing(Database(settings.database)) as database:
        mirrors = SqlMirrorRepository(database)
        assert mirrors.lease(PICKLE, place, "me", now=time.time(), seconds=60) is not None
        mirrors.write(record(place=place, owner="me", generation=1, as_of=as_of, lease_until=time.time() + 60))
    return 20


def test_a_feed_is_written_and_said_in_words(tmp_path: Path, lister: MemoryLister) -> None:
    lister.products["00002"].price = 0

    done = run(tmp_path, "feed", str(tmp_path / "feed"), "--country", "au", "--id", "feed_8f3", toml=TOML)

    assert done.exit_code == 0, done.output
    assert f"Wrote 2 products with 2 variants to {tmp_path}/feed/products.jsonl, from the shop, as of 20" in done.stdout
    assert "Left out: 1 without a price or an id.\n" in done.stdout
    metadata = json.loads((tmp_path / "feed" / "metadata.json").read_text())
    assert (metadata["id"], metadata["target_country"]) == ("feed_8f3", "AU")


def test_programs_are_told_what_a_feed_has_and_what_it_leaves_out(tmp_path: Path, lister: MemoryLister) -> None:
    lister.products["00003"].unreadable = True

    told = json.loads(run(tmp_path, "feed", str(tmp_path / "feed"), "--json", toml=TOML).stdout)

    assert (told["source"], told["products"], told["left_out"]["unreadable"], told["moved"]) == ("shop", 2, 1, False)
    assert json.loads((tmp_path / "feed" / "metadata.json").read_text())["id"] == "pickle"


def test_a_whole_mirror_spares_the_shop(tmp_path: Path, lister: MemoryLister) -> None:
    count = mirrored(tmp_path, as_of=time.time() - 60)

    done = run(tmp_path, "feed", str(tmp_path / "feed"))

    assert f"Wrote {count} products with" in done.stdout
    assert "from the mirror, as of" in done.stdout
    assert lister.calls == []


def test_a_mirror_that_is_too_old_is_not_told(tmp_path: Path, lister: MemoryLister) -> None:
    mirrored(tmp_path, as_of=NOW - 10**8)

    assert "Wrote 3 products with 3 variants" in run(tmp_path, "feed", str(tmp_path / "feed")).stdout


def test_why_there_is_no_feed_is_said_and_the_one_before_stays(tmp_path: Path, lister: MemoryLister) -> None:
    folder = tmp_path / "feed"
    assert run(tmp_path, "feed", str(folder), toml=TOML).exit_code == 0
    before = (folder / "products.jsonl").read_bytes()

    def fail(_name: str) -> None:
        raise ShopDown(internal="gone")

    lister.step = fail
    down = run(tmp_path, "feed", str(folder), toml=TOML)
    lister.step = lambda _name: None
    lister.products.clear()
    empty = run(tmp_path, "feed", str(folder), toml=TOML)
    country = run(tmp_path, "feed", str(folder), "--country", "Australia", toml=TOML)

    assert [one.exit_code for one in (down, empty, country)] == [2, 2, 2]
    assert "The shop did not tell all of its products" in down.stderr
    assert "a feed without any would empty the platform's" in empty.stderr
    assert f"What was in {folder} is as it was." in down.stderr
    assert "--country wants two letters of ISO 3166" in country.stderr
    assert (folder / "products.jsonl").read_bytes() == before


def test_a_folder_that_takes_no_files_is_said(tmp_path: Path, lister: MemoryLister) -> None:
    (tmp_path / "file").write_text("")

    done = run(tmp_path, "feed", str(tmp_path / "file" / "feed"), toml=TOML)

    assert (done.exit_code, lister.calls) == (2, [])
    assert f"{tmp_path}/file/feed cannot be written: Not a directory." in done.stderr
