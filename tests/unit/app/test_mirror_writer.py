"""One store's writer: it goes on while it has the lease, tells how it stands, and hears what has changed."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import OperationalError

from storefront_mcp.app.mirror_channel import LEASE_SECONDS
from storefront_mcp.app.mirror_engine import (
    MirrorEngineMissing,
    check_engine,
    index_opener,
    mirror_folder,
    mirror_place,
)
from storefront_mcp.app.mirror_process import RENEW_SECONDS, MirrorWriter
from storefront_mcp.catalogue.mirror_work import SyncClocks
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings.catalogue import CatalogueSettings
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.memory_lister import MemoryLister
from tests.serving import PATIENCE

NOW = 1_800_000_000.0


class Written:
    """A writer over a database, a shop in memory and a clock that passes as it waits."""

    def __init__(self, state: Path) -> None:
        self.now = NOW
        self.settings = demo_settings(1, state=state, mirror=True)
        self.store = self.settings.stores[0]
        self.folder = mirror_folder(self.settings.catalogue, self.store)
        self.database = Database(self.settings.database)
        self.mirrors = SqlMirrorRepository(self.database)
        self.changes = SqlCatalogueChanges(self.database)
        self.shop = MemoryLister(12, now=lambda: self.now)
        self.at: dict[float, Callable[[], object]] = {}
        taken = self.lease("me")
        assert taken is not None
        self.writer = MirrorWriter(self.mirrors, self.changes, taken, clocks=self.clocks())

    def clocks(self) -> SyncClocks:
        return SyncClocks(clock=lambda: self.now, now=lambda: self.now, sleep=self._sleep)

    def lease(self, owner: str) -> MirrorRecord | None:
        return self.mirrors.lease(self.store.id, "here", owner, now=self.now, seconds=LEASE_SECONDS)

    def record(self) -> MirrorRecord:
        found = self.mirrors.find(self.store.id, "here")
        assert found is not None
        return found

    def look(self, at: float, reached: Callable[[MirrorRecord], bool], seen: list[MirrorRecord]) -> None:
        """From `at` on wait for a record, which goes to `seen`, and end the run: time passes while threads work."""

        def again() -> None:
            told = self.record()
            if reached(told):
                seen.append(told)
                take_over(self)
            else:
                self.at[self.now - NOW + 1] = again

        self.at[at] = again

    async def run(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.writer.run(self.shop, self.folder, self.store)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds / 2
        for due in [at for at in self.at if at <= self.now - NOW]:
            self.at.pop(due)()
        await asyncio.sleep(0)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    made = Written(tmp_path)
    yield made
    made.database.close()


def take_over(written: Written) -> None:
    written.mirrors.release(written.store.id, "here", "me")
    assert written.lease("another") is not None


async def test_it_writes_until_the_lease_is_anothers(written: Written) -> None:
    seen: list[MirrorRecord] = []
    written.look(40.0, lambda told: told.generation > 0 and told.lease_until > NOW + 40, seen)

    await written.run()

    (told,) = seen
    assert told.generation > 0
    assert (told.products, told.owner) == (12, "me")
    assert told.lease_until > NOW + 40
    assert told.seen_at > NOW + 40 - RENEW_SECONDS - 2
    assert written.record().owner == "another"
    assert index_opener(written.folder, written.store.locale)().size == 12


async def test_what_was_told_is_read_from_the_shop_and_not_again(written: Written) -> None:
    seen: list[MirrorRecord] = []

    def change() -> None:
        written.shop.change("00002", by_stock=True, price=5)
        written.changes.append(written.store.id, ["SKU-00002"], now=written.now)

    written.look(20.0, lambda told: told.change == written.changes.last(), seen)
    written.at[10.0] = change
    await written.run()

    assert len(seen) == 1
    assert written.shop.calls.count("read 00002") == 1
    shown = index_opener(written.folder, written.store.locale)().find("SKU-00002")
    assert shown is not None
    assert shown.product.price.minor == 5


async def test_a_database_that_takes_nothing_for_as_long_as_the_lease_ends_it(
    written: Written, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_given: Any, **_named: Any) -> Any:
        raise OperationalError("UPDATE", {}, Exception("disk I/O error"))

    def break_it() -> None:
        monkeypatch.setattr(written.mirrors, "write", refuse)
        monkeypatch.setattr(written.changes, "list_after", refuse)

    written.at = {15.0: break_it}
    await written.run()

    assert LEASE_SECONDS < written.now - NOW < 3 * LEASE_SECONDS
    assert sum("does not take" in one.message for one in caplog.records) == 1


def test_a_place_is_made_once_whoever_asks_first(tmp_path: Path) -> None:
    catalogue = CatalogueSettings(folder=str(tmp_path / "mirrors"))
    store = demo_settings(1, state=tmp_path).stores[0]

    first = mirror_place(catalogue, store.id)

    assert mirror_place(catalogue, store.id) == first
    assert len(first) == 16
    assert [path.name for path in (tmp_path / "mirrors" / store.id).iterdir()] == ["place"]


def test_another_shop_view_currency_or_language_has_a_folder_of_its_own(tmp_path: Path) -> None:
    catalogue = CatalogueSettings().at(tmp_path)
    store = demo_settings(1, state=tmp_path).stores[0]
    others = [
        replace(store, currency="NZD"),
        replace(store, locale="de"),
        *(
            replace(store, upstream=replace(store.upstream, **{name: "other"}))
            for name in ("store_code", "region", "publishable_key", "consumer_key")
        ),
    ]

    assert len({mirror_folder(catalogue, one) for one in (store, *others)}) == 1 + len(others)
    assert mirror_folder(catalogue, replace(store, name="Renamed")) == mirror_folder(catalogue, store)


def test_without_the_library_a_store_with_a_mirror_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront_mcp.app.mirror_engine.ENGINE", "no_such_library")
    settings = demo_settings(1, state=tmp_path, mirror=True)

    with pytest.raises(MirrorEngineMissing, match=r"storefront-mcp\[mirror\]"):
        check_engine(settings.stores[0])
    check_engine(demo_settings(1, state=tmp_path).stores[0])


def test_mirrors_are_beside_the_databases_file_unless_they_are_put_elsewhere(tmp_path: Path) -> None:
    etc, state = tmp_path / "etc", tmp_path / "var"

    assert CatalogueSettings().at(etc, state=state).path == state / "catalogue"
    assert CatalogueSettings().at(etc).path == etc / "catalogue"
    assert CatalogueSettings(folder="copies").at(etc, state=state).path == etc / "copies"
    assert CatalogueSettings(folder="/srv/copies").at(etc, state=state).path == Path("/srv/copies")
