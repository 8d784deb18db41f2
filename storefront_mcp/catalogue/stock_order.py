"""What can be bought before what is sold out, where values of attributes were asked for."""

from msgspec.structs import replace

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import CatalogueIndex, IndexResult
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.page_filling import fill_page
from storefront_mcp.catalogue.summaries import fitting_variants


def search_in_stock_first(index: CatalogueIndex, index_query: IndexQuery) -> IndexResult:
    """The answer, best first, in two parts: what is in stock with all the values that were asked for, and the rest.

    Of a tee that is sold out in the size and colour asked for, other variants may be in stock: that makes it no better.
    Only where all words must match, as those that match fewer come behind.
    """
    whole = index.search(index_query)
    by_value = index_query.attributes or index_query.without_values
    if not by_value or index_query.in_stock is not None or index_query.required is not None:
        return whole
    if index_query.offset == 0:
        # Two searches less for most: all are on this page, or those on it are in stock.
        hits = sorted(whole.hits, key=lambda hit: not _is_in_stock(hit.document, index_query))
        if len(hits) == whole.total or all(_is_in_stock(hit.document, index_query) for hit in hits):
            return replace(whole, hits=tuple(hits))
    in_stock = index.search(replace(index_query, in_stock=True, facets=False))
    if in_stock.total in (0, whole.total):
        return whole
    return replace(whole, hits=fill_page(index, in_stock, replace(index_query, sold_out=True)))


def _is_in_stock(document: CatalogueDocument, index_query: IndexQuery) -> bool:
    """Whether it, or a variant of it with all that was asked for, can be bought."""
    filtered = {one.code for one in index_query.attributes}
    wanted = [(one.code, one.values) for one in index_query.attributes]
    wanted += [(one.code, one.others) for one in index_query.without_values if one.code not in filtered]
    fitting = fitting_variants(document, wanted)
    return document.product.in_stock and (not fitting or any(one.in_stock for one in fitting))
