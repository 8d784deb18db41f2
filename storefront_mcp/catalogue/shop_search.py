"""`ShopSearch`: searches where there is no mirror: the shop's own, and if it finds nothing, plainer words and hints."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import Final

from msgspec.structs import replace

from storefront_mcp.catalogue.query.alternatives import split_list
from storefront_mcp.catalogue.query.exclusions import has_phrase, without_negations
from storefront_mcp.catalogue.query.folding import fold_text, text_words
from storefront_mcp.catalogue.query.language import filler_words
from storefront_mcp.catalogue.query.phrases import PhraseReading, read_phrases
from storefront_mcp.catalogue.query.spelling import SpellingIndex
from storefront_mcp.catalogue.search import CURSOR_PREFIX
from storefront_mcp.catalogue.search_hints import contradicting_bounds
from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import CursorRefused, ShopError
from storefront_mcp.commerce.search import ReadConditions, SearchPage, SearchQuery
from storefront_mcp.commerce.search_errors import FilterRefused

PLAINER_PREFIX: Final = "p"
"""Before the shop's position in a cursor of the plainer query."""
SHOP_SORTS: Final = frozenset({"price_low", "price_high", "newest"})
"""Orders of a text that every shop can be asked for."""
TOLD_SORTS: Final = frozenset({"best_selling", "rating", "discount"})
"""Orders for which a shop must tell something of its products."""
EXTRA_COST: Final = "What must be chosen may cost extra: get_product tells a from_price."
NO_ORDER: Final = "This shop cannot sort by {}: its own order is kept."
READ_EACH: Final = "This shop cannot be asked what a product is without: read each with get_product."
ONE_BY_ONE: Final = "Search for several things one by one."
MAX_SEEN_NAMES: Final = 1_000
"""Names of products that were listed of late, among whose words a misspelt one is looked for."""
MAX_CATEGORIES: Final = 8
"""Categories that are named when nothing was found."""
MAX_NEAR_WORDS: Final = 3
FILLER_LANGUAGES: Final = ("en", "de")


class ShopSearch:
    """Asks a shop once, and once more with conditions and plainer words where that found nothing."""

    def __init__(self, shop: CatalogueReader, currency: str) -> None:
        self._shop = shop
        self._currency = currency
        self._seen: dict[str, tuple[str, ...]] = {}
        """Words by name, the first seen first: most searches list what others have listed, and folding is dear."""

    async def search(self, search: SearchQuery) -> SearchPage:
        """One page. Raises as the shop's search, and CursorRefused for a position in a mirror."""
        if search.after is not None and search.after.startswith(CURSOR_PREFIX):
            raise CursorRefused
        query = replace(search, facets=False, in_stock=None)
        if search.after is not None and search.after.startswith(PLAINER_PREFIX):
            phrases = read_phrases(search.text, self._currency)
            plainer = _plainer(query, phrases)
            return await self._search_plainer(search, replace(plainer, after=search.after[1:]), phrases)
        found = _with_stock(await self._ask(query), search.in_stock)
        contradiction = contradicting_bounds(search.price_min, search.price_max)
        if contradiction is not None and not found.products:
            return replace(found, hints=(contradiction,))
        if found.products or search.after is not None or not search.text:
            names = [product.name for product in found.products]
            self._learn(names)
            if search.after is not None or _is_heeded(search.text, names):
                return found
        phrases = read_phrases(search.text, self._currency)
        plainer = _plainer(query, phrases)
        if plainer != query and (plainer.text or plainer.price_min or plainer.price_max):
            again = await self._search_plainer(search, plainer, phrases)
            if again.products:
                return again
        if found.products:
            hints = (*found.hints, READ_EACH)
        elif contradiction := contradicting_bounds(plainer.price_min, plainer.price_max):
            hints = (contradiction,)
        else:
            hints = await self._hints(plainer.text or search.text, phrases)
        return replace(found, hints=hints)

    async def _ask(self, query: SearchQuery) -> SearchPage:
        """The shop's page; where it is in another order than asked for, or bounds no whole prices, this is said."""
        hints = []
        try:
            found = await self._shop.search(query)
        except FilterRefused:
            if query.sort not in TOLD_SORTS:
                raise
            found = await self._shop.search(replace(query, sort="relevance"))
            hints.append(NO_ORDER.format(query.sort.replace("_", " ")))
        if query.price_max is not None and any(one.choose == "options" for one in found.products):
            hints.append(EXTRA_COST)
        return replace(found, hints=tuple(hints)) if hints else found

    async def _search_plainer(self, search: SearchQuery, plainer: SearchQuery, phrases: PhraseReading) -> SearchPage:
        """A page for the plainer query; its next position says so, as the shop's own says nothing of the query."""
        in_stock = phrases.in_stock if search.in_stock is None else search.in_stock
        found = _with_stock(await self._ask(plainer), in_stock)
        self._learn([product.name for product in found.products])
        _, left_out = without_negations(phrases.text, _is_filler)
        return replace(
            found,
            next=None if found.next is None else PLAINER_PREFIX + found.next,
            understood=_read_conditions(search, plainer, phrases),
            relaxed=tuple(f"left out: {one}" for one in left_out),
            hints=(*found.hints, READ_EACH) if left_out and found.products else found.hints,
        )

    def _learn(self, names: Iterable[str]) -> None:
        """Keep the words of names, those that came last."""
        seen = self._seen
        for name in names:
            if name not in seen:
                seen[name] = tuple(text_words(name))
        while len(seen) > MAX_SEEN_NAMES:
            del seen[next(iter(seen))]

    async def _hints(self, text: str, phrases: PhraseReading) -> tuple[str, ...]:
        hints = []
        if len(split_list(text)) > 1:
            hints.append(ONE_BY_ONE)
        if phrases.other_currency:
            hints.append(f"Prices are in {self._currency}; the amount in another currency was left aside.")
        if phrases.on_sale:
            hints.append("This shop cannot be asked for reductions; a list_price shows one.")
        seen = dict.fromkeys(chain.from_iterable(self._seen.values()), 1)
        speller = SpellingIndex(seen)
        unknown = [word for word in text_words(text) if word not in seen]
        near = [word for word in map(speller.nearest, unknown[:MAX_NEAR_WORDS]) if word is not None]
        if near:
            hints.append(f"Near words here: {', '.join(near)}.")
        names = [category.name for category in await self._categories()][:MAX_CATEGORIES]
        if names:
            hints.append(f"Try fewer or other words, or a category of list_categories: {', '.join(names)}.")
        return tuple(hints)

    async def _categories(self) -> Iterable[Category]:
        """The shop's top categories, or those below where there is only one."""
        try:
            tree = await self._shop.categories(None, depth=2)
        except ShopError:
            return ()
        return tree[0].children if len(tree) == 1 and tree[0].children else tree


def _is_filler(word: str) -> bool:
    return any(word in filler_words(code) for code in FILLER_LANGUAGES)


def _is_heeded(text: str, names: Iterable[str]) -> bool:
    """Whether a text negates nothing, or only as the name of a product does that was found."""
    negated = _read_negations(text)
    return not negated or any(has_phrase(name, one) for name in names for one in negated)


@lru_cache(maxsize=1_024)
def _read_negations(text: str) -> tuple[str, ...]:
    """What a text says that it must be without; remembered, as searches are the same few over and over."""
    return without_negations(fold_text(text), _is_filler)[1]


def _is_telling(word: str) -> bool:
    """Whether a word says anything of a product, in whichever language."""
    return any(all(part not in filler_words(code) for code in FILLER_LANGUAGES) for part in text_words(word))


def _with_stock(found: SearchPage, in_stock: bool | None) -> SearchPage:  # noqa: FBT001 -- a value, not a switch
    """A page without what is sold out, or is not; the total is then not known."""
    if in_stock is None or all(product.in_stock is in_stock for product in found.products):
        return found
    return replace(found, products=tuple(one for one in found.products if one.in_stock is in_stock), total=None)


def _plainer(query: SearchQuery, phrases: PhraseReading) -> SearchQuery:
    """The query without words that tell nothing, and with the conditions of its text where the caller has none."""
    return replace(
        query,
        text=" ".join(word for word in without_negations(phrases.text, _is_filler)[0].split() if _is_telling(word)),
        price_min=phrases.price_min if query.price_min is None else query.price_min,
        price_max=phrases.price_max if query.price_max is None else query.price_max,
        sort=phrases.sort if query.sort == "relevance" and phrases.sort in SHOP_SORTS else query.sort,
    )


def _read_conditions(search: SearchQuery, plainer: SearchQuery, phrases: PhraseReading) -> ReadConditions | None:
    """What the text said that the caller had not."""
    low = plainer.price_min if search.price_min is None else None
    high = plainer.price_max if search.price_max is None else None
    read = ReadConditions(
        min_price_minor=None if low is None else low.minor,
        max_price_minor=None if high is None else high.minor,
        in_stock=phrases.in_stock if search.in_stock is None else None,
        sort=None if plainer.sort == search.sort else plainer.sort,
        quantity=phrases.quantity,
    )
    return None if read == ReadConditions() else read
