"""What to tell a buyer who found little or nothing: the nearest price, what is sold out, near words, categories."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.index import CatalogueIndex, IndexAnswer
from storefront_mcp.catalogue.query.phrases import PhraseReading
from storefront_mcp.catalogue.query.understanding import ReadWords
from storefront_mcp.catalogue.question import IndexQuestion
from storefront_mcp.commerce.money import Money

FEW_HITS: Final = 2
"""Hits up to which words that match nothing are named."""
MAX_TRIED_WORDS: Final = 6
"""Longest query of which it is looked up what one word less would find."""
MAX_CATEGORIES: Final = 6
"""Categories that are named when nothing was found."""
MAX_UNKNOWN_WORDS: Final = 3
MAX_WORD_CHARS: Final = 30


def search_hints(
    index: CatalogueIndex,
    question: IndexQuestion,
    phrases: PhraseReading,
    words: ReadWords,
    answer: IndexAnswer,
    *,
    asked: IndexQuestion,
    currency: str,
) -> tuple[str, ...]:
    """Sentences, the most useful first; none where enough was found and understood.

    `question` has the conditions alone, `asked` is with the words what was answered.
    """
    hints = []
    if phrases.other_currency:
        hints.append(f"Prices are in {currency}; the amount in another currency was left aside.")
    if answer.total <= FEW_HITS and words.unknown:
        listed = ", ".join(word[:MAX_WORD_CHARS] for word in words.unknown_shown[:MAX_UNKNOWN_WORDS])
        hints.append(f"No product has: {listed}.")
    if 0 < answer.total <= FEW_HITS and question.offset == 0:
        hints.extend(_with_one_word_less(index, asked, answer.total))
    if answer.total == 0 and question.offset == 0:
        groups = tuple(group for group in words.groups if group.text not in words.unknown)
        nearest = list(_nearest(index, replace(question, groups=groups, size=1, facets=False), currency))
        hints.extend(nearest or _categories(index))
    return tuple(hints)


def _with_one_word_less(index: CatalogueIndex, asked: IndexQuestion, total: int) -> Iterator[str]:
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


def _nearest(index: CatalogueIndex, question: IndexQuestion, currency: str) -> Iterator[str]:
    """What there would be without one of the bounds."""
    if not question.groups and question.category is None:
        return
    if question.price_min is not None or question.price_max is not None:
        order = "price_low" if question.price_max is not None else "price_high"
        hits = index.search(replace(question, price_min=None, price_max=None, sort=order, of_kind=True)).hits
        if hits:
            price = hits[0].document.product.price
            bound = Money(question.price_max or question.price_min or 0, currency)
            relation, way = ("under", "from") if question.price_max is not None else ("over", "up to")
            yield f"None {relation} {bound}; {way} {price} ({hits[0].document.product.sku})."
    if question.in_stock:
        hits = index.search(replace(question, in_stock=None)).hits
        if hits:
            yield f"Sold out: {hits[0].document.product.name} ({hits[0].document.product.sku})."
    if question.on_sale:
        total = index.search(replace(question, on_sale=None)).total
        if total:
            yield f"None of {total} is reduced."


def _categories(index: CatalogueIndex) -> Sequence[str]:
    """The names of the largest categories, as a place to begin."""
    labels = sorted(index.lexicon.categories.values(), key=lambda one: (-one.products, one.name))
    names = list(dict.fromkeys(label.name for label in labels))[:MAX_CATEGORIES]
    return [f"Categories here: {', '.join(names)}."] if names else []
