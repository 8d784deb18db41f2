"""One page of an answer in two parts, of which each is a search of its own."""

from collections.abc import Sequence

from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndex, IndexHit, IndexResult
from storefront_mcp.catalogue.index_query import IndexQuery


def fill_page(index: CatalogueIndex, first: IndexResult, others: IndexQuery) -> Sequence[IndexHit]:
    """The hits of a page: those of `first`, the first part's, and as many of `others` behind as there is room for.

    `others` asks for the page as it is counted over both parts.
    """
    missing = others.size - len(first.hits)
    if missing <= 0:
        return first.hits
    rest = replace(others, size=missing, offset=max(0, others.offset - first.total), facets=False)
    return (*first.hits, *index.search(rest).hits)
