"""The open relevance set: what buyers ask for is among the first ten, and first."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import pytest
from msgspec import Struct

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.commerce.search import SearchQuery
from tests.fakes.demo_documents import demo_documents
from tests.unit.catalogue_search.german_catalogue import german_documents
from tests.unit.catalogue_search.relevance import GERMAN_QUERIES, TOP, WAREHOUSE_QUERIES, RelevanceQuery

MIN_RECALL: Final = 0.95
MIN_RECIPROCAL_RANK: Final = 0.95


class RelevanceResult(Struct, frozen=True):
    """How well one search was answered."""

    query: RelevanceQuery
    recall: float
    reciprocal_rank: float


def results(
    search: CatalogueSearch, documents: Sequence[CatalogueDocument], queries: Sequence[RelevanceQuery]
) -> Iterator[RelevanceResult]:
    """Of each search; the recall is of as many as ten places can hold."""
    for query in queries:
        right = {document.product.sku for document in documents if query.relevant(document)}
        found = [product.sku for product in search.search(SearchQuery(text=query.text, size=TOP)).products]
        ranks = [rank for rank, sku in enumerate(found, 1) if sku in ({query.first} if query.first else right)]
        yield RelevanceResult(
            query, len(right.intersection(found)) / min(TOP, len(right)), 1 / ranks[0] if ranks else 0.0
        )


@pytest.fixture(scope="module")
def open_set(warehouse: CatalogueSearch, kaufhaus: CatalogueSearch) -> list[RelevanceResult]:
    return [
        *results(warehouse, demo_documents(), WAREHOUSE_QUERIES),
        *results(kaufhaus, german_documents(), GERMAN_QUERIES),
    ]


def test_the_open_set_is_answered_well(open_set: list[RelevanceResult]) -> None:
    recall = sum(result.recall for result in open_set) / len(open_set)
    rank = sum(result.reciprocal_rank for result in open_set) / len(open_set)
    kinds = defaultdict(list)
    for result in open_set:
        kinds[result.query.kind].append(result.recall)
    report = {kind: round(sum(values) / len(values), 2) for kind, values in kinds.items()}

    assert len(open_set) == 60
    assert recall >= MIN_RECALL, report
    assert rank >= MIN_RECIPROCAL_RANK, report


def test_no_search_of_the_open_set_finds_nothing(open_set: list[RelevanceResult]) -> None:
    assert [result.query.text for result in open_set if not result.recall] == []


def test_the_open_set_has_every_kind() -> None:
    kinds = {query.kind for query in (*WAREHOUSE_QUERIES, *GERMAN_QUERIES)}

    assert kinds == set(
        "plain typo plural compound synonym SKU sentence price sale stock colour attribute foreign phrase".split()
    )


def test_a_broken_index_would_fail(warehouse: CatalogueSearch) -> None:
    nothing = [RelevanceQuery("plain", "kimchi", lambda document: document.product.sku == "PAD-1")]

    assert [result.recall for result in results(warehouse, demo_documents(), nothing)] == [0.0]
