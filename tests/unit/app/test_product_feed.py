"""A feed is replaced as a whole or not at all, whatever befalls the shop, and takes no memory for its products."""

import asyncio
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.acp.product_feed import FeedMetadata
from storefront_mcp.app import product_feed
from storefront_mcp.app.product_feed import FeedEmpty, FeedReport, ProductFeedWriter, export_feed
from storefront_mcp.catalogue.document import CatalogueDocument, DocumentCategory
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.memory_backend import STORE
from tests.fakes.memory_lister import MemoryLister, ShelfProduct
from tests.unit.acp.schemas import FEED_METADATA, FEED_PRODUCT, check

NOW = 1_800_000_000.0
METADATA = FeedMetadata(id="feed_1", target_country="AU")


class FeedShop:
    """A shop in memory, and the folder into which its products go."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.lister = MemoryLister(25, now=lambda: NOW)
        self.folder = folder / "feed"
        self.closed = 0
        self.settings = demo_settings(8000, state=folder).stores[0]
        patch.setattr(product_feed, "lister_of", lambda _settings: (self.lister, self._close))

    async def _close(self) -> None:
        self.closed += 1

    def export(self) -> FeedReport:
        return asyncio.run(export_feed(self.settings, None, self.folder, METADATA, now=lambda: NOW))

    @property
    def lines(self) -> list[Any]:
        text = (self.folder / "products.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeedShop:
    return FeedShop(tmp_path, monkeypatch)


def test_both_files_are_as_the_specification_has_them(shop: FeedShop) -> None:
    report = shop.export()

    for line in shop.lines:
        check(line, FEED_PRODUCT)
    assert [line["id"] for line in shop.lines] == [f"SKU-{key}" for key in shop.lister.products]
    assert shop.lines[0]["variants"][0]["categories"] == [{"value": "Paddles", "taxonomy": "merchant"}]
    metadata = json.loads(shop.files["metadata.json"])
    check(metadata, FEED_METADATA)
    assert metadata == {"id": "feed_1", "target_country": "AU", "updated_at": "2027-01-15T08:00:00Z"}
    assert (report.source, report.products, report.variants, report.moved) == ("shop", 25, 25, False)
    assert shop.files.keys() == {"metadata.json", "products.jsonl"}
    assert shop.closed == 1


def test_what_cannot_be_told_is_counted(shop: FeedShop) -> None:
    products = shop.lister.products
    products["00001"].unsold = products["00012"].unsold = True
    products["00002"].price = 0
    products["00003"].unreadable = True

    report = shop.export()

    assert report.products == 21
    assert report.left_out == {"chosen": 0, "incomplete": 3, "hidden": 0, "unreadable": 1}


def test_the_next_export_takes_the_place_of_the_one_before(shop: FeedShop) -> None:
    shop.export()
    del shop.lister.products["00001"]
    (shop.folder / "notes.txt").write_text("of a person")

    shop.export()

    assert len(shop.lines) == 24
    assert shop.files.keys() == {"metadata.json", "products.jsonl", "notes.txt"}


def test_a_shop_that_fails_half_way_leaves_the_feed_as_it_was(shop: FeedShop) -> None:
    shop.export()
    before = shop.files

    def fail(name: str) -> None:
        if shop.lister.calls.count("page") == 5:
            raise ShopDown(internal=name)

    shop.lister.step = fail
    with pytest.raises(ShopDown):
        shop.export()

    assert shop.files == before
    assert shop.closed == 2


def test_a_shop_without_products_does_not_empty_the_feed(shop: FeedShop) -> None:
    shop.export()
    before = shop.files
    shop.lister.products.clear()

    with pytest.raises(FeedEmpty):
        shop.export()

    assert shop.files == before


def test_a_catalogue_that_changes_meanwhile_is_said_and_nothing_is_told_twice(shop: FeedShop) -> None:
    def add_before(name: str) -> None:
        if name == "page" and shop.lister.calls.count("page") == 2:
            shop.lister.products["00000"] = ShelfProduct(key="00000")

    shop.lister.step = add_before

    report = shop.export()

    assert report.moved
    assert len(shop.lines) == len({line["id"] for line in shop.lines}) == report.products == 25


def document(number: int, description: str = "") -> CatalogueDocument:
    product = Product(sku=Sku(f"S{number}"), name="Jar", price=Money(900, "AUD"), description=description)
    above = DocumentCategory(id=CategoryId("1"), name="Food", direct=False)
    return CatalogueDocument(
        key=str(number), product=product, categories=(above, DocumentCategory(id=CategoryId("2"), name="Jars"))
    )


def test_only_what_no_list_and_no_word_finds_is_hidden() -> None:
    report, file = FeedReport(source="mirror", as_of=""), io.BytesIO()
    writer = ProductFeedWriter(file, STORE, report)

    writer.write(replace(document(1), listed=False))
    writer.write(replace(document(2), searchable=False))
    writer.write(replace(document(3), listed=False, searchable=False))

    assert (report.products, report.left_out["hidden"]) == (2, 1)
    line = json.loads(file.getvalue().splitlines()[0])
    assert [one["value"] for one in line["variants"][0]["categories"]] == ["Jars"]


def test_memory_does_not_grow_with_what_is_written(tmp_path: Path) -> None:
    report = FeedReport(source="mirror", as_of="")
    tracemalloc.start()
    try:
        with (tmp_path / "products.jsonl").open("wb") as file:
            writer = ProductFeedWriter(file, STORE, report)
            for number in range(1000):
                writer.write(document(number, "Brine. " * 1500))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert report.products == 1000
    assert (tmp_path / "products.jsonl").stat().st_size > 10_000_000
    assert peak < 1_000_000
