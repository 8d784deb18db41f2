"""Search: words are prefixes, all must match, the best comes first."""

import sqlite3

import pytest
from hypothesis import given, settings, strategies as st

from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.search import ProductIndex, ProductQuery, fts_query
from tests.often import often

CATALOGUE = pickle_warehouse()


@pytest.fixture(scope="module")
def index() -> ProductIndex:
    return ProductIndex(CATALOGUE, in_stock=lambda _product: True)


def names(index: ProductIndex, text: str, limit: int = 5) -> list[str]:
    found = index.find(ProductQuery(text=text), offset=0, limit=limit)
    return [CATALOGUE.products[number].name for number in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("pad-2", "Gherkin Pro 16 Carbon Paddle"),
        ("TEE", "Club Tee"),
        ("portable net", "Portable Net"),
        ("jalapeno relish", "Jalapeño Relish, 480 g"),
        ("pickled JALAPEÑOS", "Pickled Jalapeños, 480 g"),
        ("custom mug", "Custom Mug"),
        ("plush", "Plush Dill"),
    ],
)
def test_the_best_match_comes_first(index: ProductIndex, text: str, first: str) -> None:
    assert names(index, text)[0] == first


@pytest.mark.parametrize(
    ("text", "fragment"), [("paddle", "Paddle"), ("dill pickle", "Dill"), ("junior", "Junior"), ("kraut", "kraut")]
)
def test_the_first_page_is_about_what_was_asked(index: ProductIndex, text: str, fragment: str) -> None:
    assert all(fragment.casefold() in name.casefold() for name in names(index, text))


def test_who_asks_for_a_paddle_gets_paddles_before_covers(index: ProductIndex) -> None:
    assert not any("Cover" in name for name in names(index, "paddle", limit=20))


def test_words_are_prefixes_and_stems(index: ProductIndex) -> None:
    assert index.count(ProductQuery(text="padd")) == index.count(ProductQuery(text="paddles")) > 50


def test_every_word_must_match(index: ProductIndex) -> None:
    assert names(index, "paddle kimchi") == []
    assert names(index, "zzzzqq") == []


def test_words_of_options_and_categories_are_found_too(index: ProductIndex) -> None:
    assert "Club Tee" in names(index, "blue tee", limit=20)
    assert names(index, "beginner paddle")
    assert names(index, "ferments napa")


def test_no_text_lists_everything_and_a_text_without_words_nothing(index: ProductIndex) -> None:
    assert index.count(ProductQuery()) == index.count(ProductQuery(text="  ")) > 300
    assert index.count(ProductQuery(text="!?")) == 0


def test_variants_are_not_found_by_their_sku(index: ProductIndex) -> None:
    assert names(index, "TEE-BLACK-M") == []


def test_pages_do_not_overlap_and_miss_nothing(index: ProductIndex) -> None:
    wanted = ProductQuery(text="pickle")
    pages = [index.find(wanted, offset=at, limit=50) for at in range(0, index.count(wanted), 50)]
    found = [number for page in pages for number in page]
    assert len(found) == len(set(found)) == index.count(wanted)


@given(st.text(max_size=40))
@settings(max_examples=often(150), deadline=None)
def test_no_text_breaks_the_question(text: str) -> None:
    rows = sqlite3.connect(":memory:")
    rows.execute("CREATE VIRTUAL TABLE words USING fts5 (name, kind)")
    expression = fts_query(text)
    for asked in (expression, f"{{name kind}} : ({expression})") if expression else ():
        assert rows.execute("SELECT count(*) FROM words WHERE words MATCH ?", (asked,)).fetchone() == (0,)
    rows.close()
