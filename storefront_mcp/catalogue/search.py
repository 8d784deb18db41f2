"""`CatalogueSearch`: answers a buyer's search from an index, giving up no more than it must to find something."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.favoured_kinds import with_favoured_kinds
from storefront_mcp.catalogue.index import CatalogueIndex, IndexResult
from storefront_mcp.catalogue.index_query import AttributeFilter, ExcludedValues, IndexQuery, WordChoice, WordGroup
from storefront_mcp.catalogue.kind_order import search_by_kind
from storefront_mcp.catalogue.query.exclusions import ReadExclusions, has_phrase, read_exclusions
from storefront_mcp.catalogue.query.folding import fold_text, plain_words, sku_letters, text_words
from storefront_mcp.catalogue.query.language import LanguageWords
from storefront_mcp.catalogue.query.lexicon import CatalogueLexicon
from storefront_mcp.catalogue.query.phrases import PhraseReading, read_phrases
from storefront_mcp.catalogue.query.relaxation import SearchAttempt, search_attempts
from storefront_mcp.catalogue.query.understanding import MAX_QUERY_WORDS, ReadWords, WordReader
from storefront_mcp.catalogue.search_hints import search_hints
from storefront_mcp.catalogue.stock_order import search_in_stock_first
from storefront_mcp.catalogue.summaries import facets_of, selected_summary, summary_of
from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import charged_price, variant_of
from storefront_mcp.commerce.search import ReadConditions, SearchPage, SearchQuery, Sort
from storefront_mcp.commerce.search_errors import FilterRefused

CURSOR_PREFIX: Final = "m"
"""Before the offset in a cursor, so that no position in the shop is taken for one here."""
MIN_CODE_CHARS: Final = 4
"""Characters of the shortest word in a sentence that is looked up as a SKU."""
MAX_NAMES: Final = 20
"""Products among whose names a phrase is looked for."""
UNKNOWN_ORDERS: Final[Mapping[Sort, str]] = {
    "rating": "None of these has a rating: {order} instead.",
    "best_selling": "The shop does not tell what sells best: {order} instead.",
}
"""Why an order was left aside."""
APART_TEXT: Final = (
    "The last {} of all are of another kind, such as sets: behind the others, and in order among themselves."
)
ONE_BY_ONE_TEXT: Final = "Several things at once: here is any of them. Search one by one: {}."
TOO_LONG_TEXT: Final = f"Only the first {MAX_QUERY_WORDS} words were read."
_LIST_MARKS: Final = frozenset(",;")
_CODE_MARKS: Final = frozenset("-_./")


class _TriedSearch(Struct, frozen=True, kw_only=True):
    """How words were read, what was asked of them, and what answered it."""

    words: ReadWords
    attempt: SearchAttempt
    asked: IndexQuery
    answer: IndexResult


class CatalogueSearch:
    """Searches one index, in one language and currency."""

    def __init__(self, index: CatalogueIndex, language: LanguageWords, currency: str) -> None:
        """The index must be of this language and currency."""
        self.index: Final = index
        self._language = language
        self._currency = currency
        self._reader: WordReader | None = None
        self._lexicon: CatalogueLexicon | None = None

    def search(self, query: SearchQuery) -> SearchPage:
        """One page of what matches. Raises CursorRefused, FilterRefused."""
        offset = _offset(query.after)
        phrases = read_phrases(query.text, self._currency)
        excluded = read_exclusions(phrases.text, self._words(), self._is_in_a_name)
        phrases = replace(phrases, text=excluded.text)
        index_query = self._conditions(query, phrases, excluded, offset)
        if (by_sku := self._by_sku(_codes(query.text), index_query)) is not None:
            return by_sku
        stated = bool(excluded.told) or replace(phrases, text="") != PhraseReading(text="")
        own_sort = query.sort != "relevance"
        tried = self._try(phrases.text, index_query, stated=stated, own_sort=own_sort)
        missed = tried.attempt.relaxed or not tried.answer.total
        if missed and (by_sku := self._by_sku([query.text.strip()], index_query)) is not None:
            return by_sku
        things = self._words().things(phrases.text)
        one_thing = not tried.attempt.relaxed and tried.answer.total and not _has_marks(phrases.text)
        if things is not None and not one_thing and not self._is_name(phrases.text, tried.asked):
            tried = self._try(" or ".join(things.kinds), index_query, stated=stated, own_sort=own_sort)
        else:
            things = None
        words, attempt, asked, answer = tried.words, tried.attempt, tried.asked, tried.answer
        found = answer.total > 0
        hints = search_hints(self.index, index_query, phrases, words, answer, asked=asked, currency=self._currency)
        if found and asked.sort in UNKNOWN_ORDERS and not self._tells(asked):
            order = "the best match comes first" if attempt.groups else "they come by name"
            if _goes_by_price(asked):
                order = "the dearest come first"
            hints = (*hints, UNKNOWN_ORDERS[asked.sort].format(order=order))
            phrases = replace(phrases, sort=None)
        elif found and attempt.required is not None:
            phrases = replace(phrases, sort=None)
        if answer.apart:
            hints = (*hints, APART_TEXT.format(answer.apart))
        left_out = () if things is None else things.others
        if len(plain_words(phrases.text)) > MAX_QUERY_WORDS:
            hints = (*hints, TOO_LONG_TEXT)
        if things is not None:
            hints = (ONE_BY_ONE_TEXT.format("; ".join((*things.kinds, *things.others))), *hints)
        others = (AttributeFilter(code=one.code, values=one.others) for one in index_query.without_values)
        filtered = {one.code for one in asked.attributes}
        wanted = (*index_query.attributes, *(one for one in others if one.code not in filtered))
        return SearchPage(
            products=tuple(summary_of(hit.document, wanted, attempt.labels, missed=hit.missed) for hit in answer.hits),
            total=answer.total,
            next=_next(offset, len(answer.hits), answer.total),
            facets=facets_of(answer),
            understood=_conditions_of_text(query, phrases, excluded, attempt if found else None),
            searched_for=words.corrected,
            relaxed=tuple(
                [f"left out: {one}" for one in excluded.left_out]
                + ([*(f"left out: {one}" for one in left_out), *attempt.relaxed] if found else [])
            ),
            hints=hints,
        )

    def _try(self, text: str, index_query: IndexQuery, *, stated: bool, own_sort: bool) -> _TriedSearch:
        """The first answer that has anything, from all words of a text on to fewer of them."""
        words = self._words().read(text, conditions=stated) if text else ReadWords(groups=())
        attempt = SearchAttempt(groups=())
        asked = index_query
        answer = IndexResult(hits=(), total=0)
        for attempt in search_attempts(words, narrowed=_is_narrowed(index_query)):
            asked = _index_query_of(index_query, attempt, own_sort=own_sort)
            favouring = with_favoured_kinds(self.index, asked, self._language)
            by_words = asked.sort == "relevance"
            answer = search_in_stock_first(self.index, favouring) if by_words else self._answer(asked)
            if answer.total:
                break
        return _TriedSearch(words=words, attempt=attempt, asked=asked, answer=answer)

    def _is_name(self, text: str, asked: IndexQuery) -> bool:
        """Whether a text is the whole name of what comes first."""
        first = self.index.search(replace(asked, size=1, offset=0, facets=False)).hits
        return bool(first) and text_words(text) == text_words(first[0].document.product.name)

    def _answer(self, index_query: IndexQuery) -> IndexResult:
        """What matches, in its order; in another where the shop tells nothing that such an order goes by."""
        if index_query.sort in UNKNOWN_ORDERS and not self._tells(index_query):
            if not _goes_by_price(index_query):
                return search_in_stock_first(self.index, replace(index_query, sort="relevance"))
            index_query = replace(index_query, sort="price_high")
        return search_by_kind(self.index, index_query, self._language.stem)

    def _tells(self, index_query: IndexQuery) -> bool:
        """Whether any of those that would be shown has what the order goes by: if the first has not, none has."""
        alone = replace(index_query, size=1, offset=0, facets=False)
        first = search_by_kind(self.index, alone, self._language.stem).hits
        return bool(first) and _has_signal(first[0].document, index_query.sort)

    def _words(self) -> WordReader:
        """The reader for the words that the index has now."""
        lexicon = self.index.lexicon
        if self._reader is None or lexicon is not self._lexicon:
            self._reader, self._lexicon = WordReader(self._language, lexicon), lexicon
        return self._reader

    def _is_in_a_name(self, phrase: str) -> bool:
        """Whether a product's name has these words one behind the other."""
        words = [WordGroup(text=one, choices=((WordChoice(self._language.stem(one)),),)) for one in text_words(phrase)]
        hits = self.index.search(IndexQuery(groups=tuple(words), size=MAX_NAMES)).hits
        return any(has_phrase(hit.document.product.name, phrase) for hit in hits)

    def _conditions(
        self, query: SearchQuery, phrases: PhraseReading, excluded: ReadExclusions, offset: int
    ) -> IndexQuery:
        """What must hold: what the caller sent, and where that is silent, what the text says."""
        return IndexQuery(
            category=query.category,
            price_min=_minor(phrases.price_min if query.price_min is None else query.price_min),
            price_max=_minor(phrases.price_max if query.price_max is None else query.price_max),
            in_stock=phrases.in_stock if query.in_stock is None else query.in_stock,
            on_sale=phrases.on_sale if query.on_sale is None else query.on_sale,
            attributes=tuple(self._filter(code, labels) for code, labels in query.filters),
            without_values=tuple(self._excluded_values(excluded)),
            without=excluded.groups,
            sort=self._sort(query, phrases),
            size=query.size,
            offset=offset,
            facets=query.facets,
        )

    def _excluded_values(self, excluded: ReadExclusions) -> Iterator[ExcludedValues]:
        for code, named in excluded.values.items():
            others = tuple(one for one in self.index.lexicon.attributes[code].values if one not in named)
            yield ExcludedValues(code=code, values=tuple(named), others=others, named=tuple(named.values()))

    def _sort(self, query: SearchQuery, phrases: PhraseReading) -> Sort:
        return phrases.sort or "relevance" if query.sort == "relevance" else query.sort

    def _filter(self, code: str, labels: Sequence[str]) -> AttributeFilter:
        """A filter by code or label, its values in the shop's own spelling. Raises FilterRefused."""
        known = self.index.lexicon.attributes
        stem, wanted = self._language.stem, fold_text(code)
        named = ((one, {fold_text(one.code), fold_text(one.label)}) for one in known.values())
        alike = (one for one, names in named if wanted in names or stem(wanted) in map(stem, names))
        attribute = known.get(code) or next(alike, None)
        if attribute is None:
            raise FilterRefused(code, sorted(known))
        values = {fold_text(value): value for value in attribute.values}
        for label in labels:
            if fold_text(label) not in values:
                raise FilterRefused(f"{attribute.code}: {label}", sorted(attribute.values))
        return AttributeFilter(code=attribute.code, values=tuple(values[fold_text(label)] for label in labels))

    def _by_sku(self, candidates: Iterable[str], index_query: IndexQuery) -> SearchPage | None:
        """The one product that has the first of these SKUs; None where all are mere words or a bound excludes it."""
        for candidate in candidates:
            document = self.index.find(candidate)
            if document is None:
                continue
            product = document.product
            variant = next((one for one in product.variants if sku_letters(one.sku) == sku_letters(candidate)), None)
            if variant is None and not _CODE_MARKS & set(candidate) and not candidate.isupper():
                continue  # "polo" may be a SKU, but is a word first
            if not _fits(document, index_query):
                continue
            chosen = variant_of(product, variant.sku) if variant is not None else None
            return SearchPage(products=(selected_summary(document, chosen),), total=1)
        return None


def _index_query_of(index_query: IndexQuery, attempt: SearchAttempt, *, own_sort: bool) -> IndexQuery:
    """The question of an attempt; an order that the text asks for is only kept where all words match."""
    filters: dict[str, list[str]] = {}
    for code, label in attempt.labels:
        filters.setdefault(code, []).append(label)
    merged = tuple(AttributeFilter(code=code, values=tuple(values)) for code, values in filters.items())
    return replace(
        index_query,
        groups=attempt.groups,
        required=attempt.required,
        attributes=(*index_query.attributes, *merged),
        sort=index_query.sort if own_sort or attempt.required is None else "relevance",
    )


def _has_marks(text: str) -> bool:
    """Whether what a text lists is told apart by more than an "and", which one thing may have in its name."""
    return not _LIST_MARKS.isdisjoint(text)


def _is_narrowed(index_query: IndexQuery) -> bool:
    """Whether anything but words was asked for."""
    return bool(
        index_query.attributes
        or index_query.category is not None
        or index_query.price_min is not None
        or index_query.price_max is not None
        or index_query.on_sale
        or index_query.without
        or index_query.without_values
    )


def _has_signal(document: CatalogueDocument, sort: Sort) -> bool:
    """Whether a product has what the order goes by."""
    if sort == "best_selling":
        return document.sold is not None
    if sort == "rating":
        return document.rating is not None or document.product.rating is not None
    return True


def _goes_by_price(index_query: IndexQuery) -> bool:
    """Whether the dearest are taken for the best where none has a rating: within what a buyer wants to spend."""
    return index_query.sort == "rating" and index_query.price_max is not None


def _codes(text: str) -> Iterator[str]:
    """What in a text is written as a SKU: all of it, but for loose words without a digit, and words with a mark."""
    whole = text.strip()
    if whole and (len(whole.split()) == 1 or any(letter.isdigit() for letter in whole)):
        yield whole
    for word in whole.split():
        bare = word.strip("\"'()[],;:!?")
        if len(bare) >= MIN_CODE_CHARS and bare != whole and _CODE_MARKS & set(bare):
            yield bare


def _fits(document: CatalogueDocument, index_query: IndexQuery) -> bool:
    """Whether a product that was found by its SKU is within the stated bounds."""
    price = charged_price(document.product).minor
    reduced = document.product.list_price is not None
    return (
        (index_query.price_min is None or price >= index_query.price_min)
        and (index_query.price_max is None or price <= index_query.price_max)
        and index_query.in_stock in (None, document.product.in_stock)
        and index_query.on_sale in (None, reduced)
        and (index_query.category is None or any(one.id == index_query.category for one in document.categories))
    )


def _conditions_of_text(
    query: SearchQuery, phrases: PhraseReading, excluded: ReadExclusions, attempt: SearchAttempt | None
) -> ReadConditions | None:
    """What the text, not the caller's arguments, said; None when it said nothing."""
    filters: dict[str, tuple[str, ...]] = {}
    for code, label in attempt.labels if attempt is not None else ():
        filters[code] = tuple(dict.fromkeys((*filters.get(code, ()), label)))
    read = ReadConditions(
        min_price_minor=_minor(phrases.price_min) if query.price_min is None else None,
        max_price_minor=_minor(phrases.price_max) if query.price_max is None else None,
        in_stock=phrases.in_stock if query.in_stock is None else None,
        on_sale=phrases.on_sale if query.on_sale is None else None,
        sort=phrases.sort if query.sort == "relevance" else None,
        filters=filters,
        without=excluded.told,
        quantity=phrases.quantity,
    )
    return None if read == ReadConditions() else read


def _minor(amount: Money | None) -> int | None:
    return None if amount is None else amount.minor


def _offset(after: str | None) -> int:
    """The position of a cursor. Raises CursorRefused."""
    if after is None:
        return 0
    if not after.startswith(CURSOR_PREFIX) or not after[1:].isdecimal():
        raise CursorRefused
    return int(after[1:])


def _next(offset: int, count: int, total: int) -> str | None:
    return f"{CURSOR_PREFIX}{offset + count}" if count and offset + count < total else None
