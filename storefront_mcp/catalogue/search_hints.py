"""What to tell a buyer who found little or nothing: the nearest price, what is sold out, near words, categories."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndex, IndexResult
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.query.phrases import PhraseReading
from storefront_mcp.catalogue.query.understanding import ReadWords
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import charged_price

FEW_HITS: Final = 2
"""Hits up to which words that match nothing are named."""
MAX_TRIED_WORDS: Final = 6
"""Longest query of which it is looked up what one word less would find."""
MAX_CATEGORIES: Final = 6
"""Categories that are named when nothing was found."""
MAX_UNKNOWN_WORDS: Final = 3
MAX_WORD_CHARS: Final = 30
MAX_NAMED_CHARS: Final = 60


def search_hints(
    index: CatalogueIndex,
    index_query: IndexQuery,
    phrases: PhraseReading,
    words: ReadWords,
    answer: IndexResult,
    *,
    asked: IndexQuery,
    currency: str,
) -> tuple[str, ...]:
    """Sentences, the most useful first; none where enough was found and understood.

    `index_query` has the conditions alone, `asked` is with the words what was answered.
    """
    hints = []
    if phrases.other_currency:
        hints.append(f"Prices are in {currency}; the amount in another currency was left aside.")
    if answer.total <= FEW_HITS and words.unknown:
        listed = ", ".join(word[:MAX_WORD_CHARS] for word in words.unknown_shown[:MAX_UNKNOWN_WORDS])
        hints.append(f"No product has: {listed}.")
    if 0 < answer.total <= FEW_HITS and index_query.offset == 0:
        hints.extend(_with_one_word_less(index, asked, answer.total))
    if answer.total and asked.groups and index_query.offset == 0 and _names_none(index, asked):
        named = " ".join(group.text for group in asked.groups)[:MAX_NAMED_CHARS]
        hints.extend(_nearest_price(index, replace(asked, size=1, facets=False), currency, none=f'No "{named}"'))
    if contradiction := contradicting_bounds(
        _money(index_query.price_min, currency), _money(index_query.price_max, currency)
    ):
        hints.append(contradiction)
    elif answer.total == 0 and index_query.offset == 0:
        groups = tuple(group for group in words.groups if group.text not in words.unknown)
        nearest = list(_nearest(index, replace(index_query, groups=groups, size=1, facets=False), currency))
        hints.extend(nearest or _categories(index))
    return tuple(hints)


def contradicting_bounds(low: Money | None, high: Money | None) -> str | None:
    """What to tell of bounds that no price is within; None where some are."""
    if low is None or high is None or low.minor <= high.minor:
        return None
    return f"No price is both {low} or more and {high} or less: the bounds contradict each other."


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _with_one_word_less(index: CatalogueIndex, asked: IndexQuery, total: int) -> Iterator[str]:
    """The word without which most would be found, where each of few had to have all words."""
    groups = asked.groups
    if asked.required is not None or not 1 < len(groups) <= MAX_TRIED_WORDS:
        return
    alone = replace(asked, size=1, facets=False, sort="relevance")
    found = {
        left_out.text: index.search(replace(alone, groups=tuple(one for one in groups if one is not left_out))).total
        for left_out in groups
    }
    word = max(found, key=found.__getitem__)
    if found[word] > total:
        yield f'Without "{word[:MAX_WORD_CHARS]}": {found[word]}.'


def _nearest(index: CatalogueIndex, index_query: IndexQuery, currency: str) -> Iterator[str]:
    """What there would be without one of the bounds."""
    if not index_query.groups and index_query.category is None:
        return
    if _bounds_price(index_query):
        yield from _nearest_price(index, index_query, currency)
    if index_query.in_stock:
        hits = index.search(replace(index_query, in_stock=None)).hits
        if hits:
            yield f"Sold out: {hits[0].document.product.name} ({hits[0].document.product.sku})."
    if index_query.without or index_query.without_values:
        total = index.search(replace(index_query, without=(), without_values=())).total
        if total:
            yield f"Each of {total} has what was excluded."
    if index_query.on_sale:
        total = index.search(replace(index_query, on_sale=None)).total
        if total:
            yield f"None of {total} is reduced."


def _bounds_price(index_query: IndexQuery) -> bool:
    return index_query.price_min is not None or index_query.price_max is not None


def _names_none(index: CatalogueIndex, asked: IndexQuery) -> bool:
    """Whether what was found within a bound on prices only mentions the words, and nothing is named by them."""
    if not _bounds_price(asked) or asked.required is not None:
        return False
    return not index.search(replace(asked, of_kind=True, size=1, facets=False)).total


def _nearest_price(
    index: CatalogueIndex, index_query: IndexQuery, currency: str, *, none: str = "None"
) -> Iterator[str]:
    """The price of what is named so and next to the bound; `none` says what there is not within it."""
    order = "price_low" if index_query.price_max is not None else "price_high"
    hits = index.search(replace(index_query, price_min=None, price_max=None, sort=order, of_kind=True)).hits
    if hits:
        price = charged_price(hits[0].document.product)
        bound = Money(index_query.price_max or index_query.price_min or 0, currency)
        relation, way = ("under", "from") if index_query.price_max is not None else ("over", "up to")
        yield f"{none} {relation} {bound}; {way} {price} ({hits[0].document.product.sku})."


def _categories(index: CatalogueIndex) -> Sequence[str]:
    """The names of the largest categories, as a place to begin."""
    labels = sorted(index.lexicon.categories.values(), key=lambda one: (-one.products, one.name))
    names = list(dict.fromkeys(label.name for label in labels))[:MAX_CATEGORIES]
    return [f"Categories here: {', '.join(names)}."] if names else []
