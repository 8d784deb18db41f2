"""Search: words are prefixes, all must match, the best comes first."""

import sqlite3

import pytest
from hypothesis import given, settings, strategies as st

from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.search import Shelves, Wanted, match_expression
from tests.often import often

CATALOGUE = pickle_warehouse()


@pytest.fixture(scope="module")
def shelves() -> Shelves:
    filled = Shelves(CATALOGUE)
    for product in CATALOGUE.products.values():
        if product.parent is None:
            filled.mark(product.id, in_stock=True)
    return filled


def names(shelves: Shelves, text: str, limit: int = 5) -> list[str]:
    found = shelves.find(Wanted(text=text), offset=0, limit=limit)
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
def test_the_best_match_comes_first(shelves: Shelves, text: str, first: str) -> None:
    assert names(shelves, text)[0] == first


@pytest.mark.parametrize(
    ("text", "fragment"), [("paddle", "Paddle"), ("dill pickle", "Dill"), ("junior", "Junior"), ("kraut", "kraut")]
)
def test_the_first_page_is_about_what_was_asked(shelves: Shelves, text: str, fragment: str) -> None:
    assert all(fragment.casefold() in name.casefold() for name in names(shelves, text))


def test_who_asks_for_a_paddle_gets_paddles_before_covers(shelves: Shelves) -> None:
    assert not any("Cover" in name for name in names(shelves, "paddle", limit=20))


def test_words_are_prefixes_and_stems(shelves: Shelves) -> None:
    assert shelves.count(Wanted(text="padd")) == shelves.count(Wanted(text="paddles")) > 50


def test_every_word_must_match(shelves: Shelves) -> None:
    assert names(shelves, "paddle kimchi") == []
    assert names(shelves, "zzzzqq") == []


def test_words_of_options_and_categories_are_found_too(shelves: Shelves) -> None:
    assert "Club Tee" in names(shelves, "blue tee", limit=20)
    assert names(shelves, "beginner paddle")
    assert names(shelves, "ferments napa")


def test_no_text_lists_everything_and_a_text_without_words_nothing(shelves: Shelves) -> None:
    assert shelves.count(Wanted()) == shelves.count(Wanted(text="  ")) > 300
    assert shelves.count(Wanted(text="!?")) == 0


def test_variants_are_not_found_by_their_sku(shelves: Shelves) -> None:
    assert names(shelves, "TEE-BLACK-M") == []


def test_pages_do_not_overlap_and_miss_nothing(shelves: Shelves) -> None:
    wanted = Wanted(text="pickle")
    pages = [shelves.find(wanted, offset=at, limit=50) for at in range(0, shelves.count(wanted), 50)]
    found = [number for page in pages for number in page]
    assert len(found) == len(set(found)) == shelves.count(wanted)


@given(st.text(max_size=40))
@settings(max_examples=often(150), deadline=None)
def test_no_text_breaks_the_question(text: str) -> None:
    rows = sqlite3.connect(":memory:")
    rows.execute("CREATE VIRTUAL TABLE words USING fts5 (name, kind)")
    expression = match_expression(text)
    for asked in (expression, f"{{name kind}} : ({expression})") if expression else ():
        assert rows.execute("SELECT count(*) FROM words WHERE words MATCH ?", (asked,)).fetchone() == (0,)
    rows.close()
