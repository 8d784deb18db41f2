"""The benchmark compares two indexes of the same products, which find the same."""

import sys
from pathlib import Path

import pytest

from benchmarks import mirror_build, mirror_sizes
from benchmarks.catalogue import FTS5, MIRROR, figures, table
from benchmarks.catalogue_products import CURRENCY, QUERIES, catalogue_of
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.demo.search import ProductIndex, ProductQuery
from tests.unit.catalogue_search.conftest import built_search

pytestmark = pytest.mark.slow


def test_both_put_products_with_all_plain_words_in_their_names_first(tmp_path: Path) -> None:
    catalogue, documents = catalogue_of(3000)
    demo = ProductIndex(catalogue, lambda _: True)
    mirror = built_search(tmp_path, documents, locale="en-AU", currency=CURRENCY)
    asked = [query.text for query in QUERIES if query.kind == "plain"]
    there = [text for text in asked if demo.count(ProductQuery(text=text))]

    assert len(there) > len(asked) // 2
    for text in there:
        [first] = mirror.search(SearchQuery(text=text, size=1)).products
        [other] = demo.find(ProductQuery(text=text), offset=0, limit=1)
        for name in (first.name, catalogue.products[other].name):
            assert set(text.split()) <= set(name.lower().split())
    assert all(mirror.search(SearchQuery(text=query.text)).total for query in QUERIES)


@pytest.mark.slow
def test_each_row_is_measured_and_those_with_a_mark_are_judged() -> None:
    found = list(figures(400, 1))

    assert len({one.name for one in found}) == len(found)
    assert {one.met is None for one in found if not one.wanted} == {True}
    assert {one.met for one in found if one.wanted} <= {True, False}
    assert [one.name for one in found if one.name.startswith((FTS5, MIRROR))]
    assert len(list(table(found))) == len(found) + 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory in /proc")
def test_mirrors_of_several_sizes_are_measured_each_in_processes_of_their_own() -> None:
    found = {one.name: one for one in mirror_sizes.figures((300, 600), 1)}

    for size in ("300", "600"):
        assert float(found[f"{size} products: a worker, MB more"].found) > 0
        assert float(found[f"{size} products: a search, µs CPU, plain words"].found) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.timeout(900)
def test_searches_are_measured_while_a_mirror_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_build, "QUIET_SECONDS", 0.5)
    found = list(mirror_build.figures(300, 1))

    assert len({one.name for one in found}) == len(found)
    assert [one.met in {True, False} for one in found if one.wanted] == [True, True]
