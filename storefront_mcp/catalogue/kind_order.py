"""Orders such as by price, with the kind of thing that was asked for before what only stands beside it."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndex, IndexResult
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.page_filling import fill_page
from storefront_mcp.catalogue.query.folding import head_word
from storefront_mcp.catalogue.query.language import Stem

MAIN_PERCENT: Final = 75
"""Share of an answer from which on a kind is what the answer is about: of paddles with some sets, not of hampers, mugs
and cards."""


def search_by_kind(index: CatalogueIndex, index_query: IndexQuery, stem: Stem) -> IndexResult:
    """The answer in an order that is not by words.

    What only mentions the words is left out where something is named by them. What is of another kind than nearly all
    others, as a set among paddles, comes behind those, so that the dearest paddle is no crate of ten.
    """
    if index_query.groups:
        named = replace(index_query, of_kind=True)
        if index.search(replace(named, size=1, offset=0, facets=False)).total:
            index_query = named
    whole = index.search(index_query)
    heads = _asked_heads(index, index_query, stem)
    if not heads or not whole.total:
        return whole
    main = index.search(replace(index_query, heads=heads, facets=False))
    if not whole.total * MAIN_PERCENT <= main.total * 100 < whole.total * 100:
        return whole
    hits = fill_page(index, main, replace(index_query, other_heads=heads))
    return replace(whole, hits=hits, apart=whole.total - main.total)


def _asked_heads(index: CatalogueIndex, index_query: IndexQuery, stem: Stem) -> Sequence[str]:
    """Stems of the kind of thing that is asked for, by words or by the name of a category."""
    if index_query.groups:
        single = (choice[0].stem for group in index_query.groups for choice in group.choices if len(choice) == 1)
        return tuple(dict.fromkeys(single))
    label = None if index_query.category is None else index.lexicon.categories.get(index_query.category)
    head = None if label is None else head_word(label.name)
    return () if head is None else (stem(head),)
