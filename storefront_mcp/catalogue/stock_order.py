"""What can be bought before what is sold out, where values of attributes were asked for."""

from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndex, IndexResult
from storefront_mcp.catalogue.index_query import IndexQuery


def search_in_stock_first(index: CatalogueIndex, index_query: IndexQuery) -> IndexResult:
    """The answer, best first, in two parts: what is in stock with all the values that were asked for, and the rest.

    Of a tee that is sold out in the size and colour asked for, other variants may be in stock: that makes it no better.
    Only where all words must match, as those that match fewer come behind.
    """
    whole = index.search(index_query)
    by_value = index_query.attributes or index_query.without_values
    if not by_value or index_query.in_stock is not None or index_query.required is not None:
        return whole
    in_stock = index.search(replace(index_query, in_stock=True, facets=False))
    if in_stock.total in (0, whole.total):
        return whole
    hits = in_stock.hits
    if len(hits) < index_query.size:
        others = replace(
            index_query,
            sold_out=True,
            size=index_query.size - len(hits),
            offset=max(0, index_query.offset - in_stock.total),
            facets=False,
        )
        hits = (*hits, *index.search(others).hits)
    return replace(whole, hits=hits)
