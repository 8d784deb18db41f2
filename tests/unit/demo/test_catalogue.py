"""The shop is believable: enough of everything, nothing twice, a picture for each."""

from collections import Counter
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from storefront_mcp.demo.art import FAVICON, product_art
from storefront_mcp.demo.catalogue.model import ROOT_CATEGORY_ID
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse, slug
from tests.unit.demo.conftest import Guest

CATALOGUE = pickle_warehouse()
VISIBLE = [product for product in CATALOGUE.products.values() if product.parent is None]


def test_there_are_at_least_three_hundred_products_without_counting_variants() -> None:
    assert len(VISIBLE) >= 300


def test_skus_and_url_keys_are_unique() -> None:
    for name in ("sku", "url_key"):
        counted = Counter(getattr(product, name).casefold() for product in CATALOGUE.products.values())
        assert [value for value, count in counted.items() if count > 1] == []


def test_the_tree_has_three_levels_and_every_product_hangs_on_a_leaf() -> None:
    assert {category.level for category in CATALOGUE.categories.values()} == {2, 3, 4}
    parents = {category.parent for category in CATALOGUE.categories.values()}
    leaves = {category.id for category in CATALOGUE.categories.values()} - parents
    assert ROOT_CATEGORY_ID in parents
    assert {place for product in VISIBLE for place in product.categories} == leaves


def test_ids_are_the_same_in_every_run() -> None:
    again = pickle_warehouse.__wrapped__()
    assert again == CATALOGUE
    assert [CATALOGUE.by_sku(sku).id for sku in ("PAD-1", "PAD-2", "PAD-3")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("sku", "cents", "sale"),
    [("PAD-2", 32900, 27900), ("TEE", 2500, None), ("GIFT-MUG", 1900, None), ("JAR-DILL", 950, None)],
)
def test_prices_that_the_documentation_shows(sku: str, cents: int, sale: int | None) -> None:
    product = CATALOGUE.by_sku(sku)
    assert product is not None
    assert (product.cents, product.sale_cents) == (cents, sale)


def test_the_club_tee_comes_in_colours_and_sizes() -> None:
    tee = CATALOGUE.by_sku("TEE")
    assert tee is not None
    skus = [CATALOGUE.products[child].sku for child in tee.variants]
    assert tee.url_key == "club-tee"
    assert tee.axes == ("color", "size")
    assert len(skus) == 12
    assert "TEE-BLACK-M" in skus
    assert all(CATALOGUE.products[child].parent == tee.id for child in tee.variants)


def test_there_are_sales_sold_out_things_and_things_made_to_order() -> None:
    assert sum(product.sale_cents is not None for product in VISIBLE) >= 10
    assert sum(product.stock == 0 and not product.variants for product in VISIBLE) >= 5
    assert sum(bool(product.options) for product in VISIBLE) >= 10
    assert all(product.sale_cents < product.cents for product in VISIBLE if product.sale_cents is not None)


def test_every_text_is_a_sentence_of_its_own_length() -> None:
    for product in VISIBLE:
        assert product.summary[0].isupper() or product.summary[0].isdigit()
        assert product.summary.endswith((".", "!", "?"))
        assert 10 <= len(product.summary) <= 140
        assert product.description.count("<p>") == 2


def test_every_picture_is_an_svg_with_the_products_name() -> None:
    space = {"svg": "http://www.w3.org/2000/svg"}
    for product in CATALOGUE.products.values():
        drawn = ET.fromstring(product_art(CATALOGUE, product))
        assert drawn.tag.endswith("}svg")
        assert drawn.findtext("svg:title", namespaces=space) == product.name
    assert ET.fromstring(FAVICON).tag.endswith("}svg")


def test_every_name_fits_below_its_picture() -> None:
    assert max(len(product.name) for product in CATALOGUE.products.values()) <= 40


def test_colours_change_the_picture() -> None:
    black, blue = CATALOGUE.by_sku("TEE-BLACK-M"), CATALOGUE.by_sku("TEE-BLUE-M")
    assert black is not None
    assert blue is not None
    assert product_art(CATALOGUE, black) != product_art(CATALOGUE, blue).replace("Blue", "Black")


@pytest.mark.parametrize(
    ("text", "key"), [("Jalapeño Relish, 1 kg", "jalapeno-relish-1-kg"), ("Bird's Eye", "birds-eye")]
)
def test_a_url_key_is_plain_ascii(text: str, key: str) -> None:
    assert slug(text) == key


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["/media/catalog/product/pad-2.svg", "/catalog/product/PAD-2.svg", "/favicon.svg", "/media/logo.svg"]
)
async def test_pictures_are_served_with_and_without_the_media_prefix(guest: Guest, path: str) -> None:
    answer = await guest.http.get(f"http://shop.test{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert ET.fromstring(answer.content).tag.endswith("}svg")


async def test_an_unknown_picture_is_not_found(guest: Guest) -> None:
    assert (await guest.http.get("http://shop.test/media/catalog/product/nope.svg")).status_code == 404


async def test_image_addresses_begin_with_the_base_url_and_work(guest_of: Callable[..., Guest]) -> None:
    guest = guest_of(base_url="https://pickles.example/")
    product = (await guest.get("/products/2")).json()
    assert product["thumbnailUrl"] == "https://pickles.example/media/catalog/product/pad-2.svg"
    assert (await guest.http.get(product["imageUrl"])).status_code == 200
