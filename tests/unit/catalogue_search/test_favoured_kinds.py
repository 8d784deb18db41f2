"""The ordinary thing comes before its variants, and what is in a jar before the jar."""

import pytest

from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.search import SearchQuery


def named(search: CatalogueSearch, text: str, size: int = 6) -> list[str]:
    return [product.name for product in search.search(SearchQuery(text=text, size=size)).products]


@pytest.mark.parametrize("text", ["paddle", "paddles", "racket", "padle"])
def test_the_usual_kind_of_a_thing_comes_before_those_for_children(text: str, warehouse: CatalogueSearch) -> None:
    assert all(name.endswith("Carbon Paddle") for name in named(warehouse, text))


def test_a_word_that_tells_kinds_apart_still_decides(warehouse: CatalogueSearch) -> None:
    assert all("Junior" in name for name in named(warehouse, "junior paddle"))
    assert all("Wooden" in name for name in named(warehouse, "wooden paddle", size=5))


def test_a_thing_comes_before_what_is_only_for_it(warehouse: CatalogueSearch) -> None:
    found = named(warehouse, "paddle", size=50)
    assert not [name for name in found if not name.endswith("Paddle")]


@pytest.mark.parametrize("text", ["pickle jars", "picle jars", "pickle jar"])
def test_what_comes_in_a_container_comes_before_the_container(text: str, warehouse: CatalogueSearch) -> None:
    assert all("Jars" not in name for name in named(warehouse, text))


@pytest.mark.parametrize("text", ["preserving jars", "paddle bag", "ball bag"])
def test_a_container_that_is_sold_itself_comes_first(text: str, warehouse: CatalogueSearch) -> None:
    first = named(warehouse, text, size=1)[0]
    assert any(kind in first for kind in ("Jars", "Sling", "Bag"))


def test_pages_of_a_kind_do_not_overlap(warehouse: CatalogueSearch) -> None:
    first = warehouse.search(SearchQuery(text="paddle", size=20))
    second = warehouse.search(SearchQuery(text="paddle", size=20, after=first.next))
    assert {one.sku for one in first.products}.isdisjoint(one.sku for one in second.products)
