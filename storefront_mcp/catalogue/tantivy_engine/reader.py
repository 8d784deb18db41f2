"""`TantivyIndex`: the reading side of an index on disk."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import tantivy
from tantivy import Occur, Query

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import IndexFacet, IndexGeneration, IndexHit, IndexResult, IndexUnusable
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.query.folding import fold_text, sku_letters, text_words
from storefront_mcp.catalogue.query.language import stemming_of
from storefront_mcp.catalogue.query.lexicon import AttributeLabels, CatalogueLexicon, CategoryLabel
from storefront_mcp.catalogue.tantivy_engine.folders import GenerationFolders
from storefront_mcp.catalogue.tantivy_engine.queries import ORDERS, IndexQueryTranslator
from storefront_mcp.catalogue.tantivy_engine.schema import (
    KIND_PLACE,
    SEPARATOR,
    category_term,
    decoded_document,
    index_schema,
    snowball_stem,
)
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.product import charged_price

LEXICON_SECONDS: Final = 60.0
"""Between two readings of all words, which take some milliseconds, while changes come in one by one."""
MAX_FACETS: Final = 8
MAX_SAME_SKUS: Final = 5
"""Products that are looked at for one SKU, as some differ in punctuation only."""
MAX_FACET_VALUES: Final = 10
MAX_BUCKETS: Final = 1000
"""Different values that are counted for one answer."""
DOCUMENTS_AT_ONCE: Final = 200
"""Of all products, when they are read one after the other."""
MAX_WINDOW: Final = 10_000
"""Products behind which no page begins."""


class TantivyIndex:
    """Reads the current generation. A search is a fraction of a millisecond, so it is called without a thread."""

    def __init__(self, root: Path, *, locale: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens what is current. Raises IndexUnusable."""
        self._clock = clock
        self._lexicon_at = 0.0
        self._lexicon_old = False
        self._folders = GenerationFolders(root)
        self._stem = stemming_of(locale.partition("-")[0].partition("_")[0].lower(), snowball_stem(locale))
        self._schema = index_schema()
        self._translator = IndexQueryTranslator(self._schema)
        self._index: tantivy.Index | None = None
        self._number = -1
        self._state: tuple[object, ...] = ()
        self._lexicon: CatalogueLexicon | None = None
        self.refresh()

    @property
    def generation(self) -> IndexGeneration:
        """The state that is read."""
        return IndexGeneration(number=self._number, commit=self._commit)

    @property
    def size(self) -> int:
        """Number of products in it."""
        return self._searcher.num_docs

    @property
    def lexicon(self) -> CatalogueLexicon:
        """The words, filters and categories that it has, or had a minute ago; read when it is first asked for."""
        if self._lexicon is None or (self._lexicon_old and self._clock() - self._lexicon_at >= LEXICON_SECONDS):
            self._lexicon, self._lexicon_at, self._lexicon_old = self._read_lexicon(), self._clock(), False
        return self._lexicon

    def refresh(self) -> bool:
        """Read what was committed and swapped in the meantime; whether that was anything. Raises IndexUnusable."""
        number = self._folders.current
        if number is None:
            message = "nothing was swapped in yet"
            raise IndexUnusable(message)
        folder = self._folders.folder(number)
        try:
            meta = (folder / "meta.json").stat()
            state = (number, meta.st_ino, meta.st_mtime_ns, meta.st_size)
            if state == self._state:
                return False
            if number != self._number or self._index is None:
                self._index = tantivy.Index(self._schema, path=str(folder))
                self._index.config_reader("manual")
            self._index.reload()
            self._commit = msgspec.json.decode((folder / "meta.json").read_bytes()).get("opstamp", 0)
            self._searcher = self._index.searcher()
        except (OSError, ValueError) as error:
            message = f"generation {number} cannot be read: {error}"
            raise IndexUnusable(message) from error
        self._lexicon_old = True
        if number != self._number:
            self._lexicon = None
        self._number, self._state = number, state
        return True

    def search(self, index_query: IndexQuery) -> IndexResult:
        """What matches, best first."""
        searcher = self._searcher
        query = self._translator.query(index_query)
        relaxed = index_query.required is not None and index_query.required < len(index_query.groups)
        offset = min(index_query.offset, MAX_WINDOW)
        if index_query.sort in ORDERS:
            field, order = ORDERS[index_query.sort]
            found = searcher.search(query, index_query.size, offset=offset, order_by_field=field, order=order)
        elif not index_query.groups:
            field, order = ORDERS["name"]
            found = searcher.search(query, index_query.size, offset=offset, order_by_field=field, order=order)
        elif relaxed:
            found = searcher.search(query, index_query.size, offset=offset)
        else:
            found = searcher.search(query, index_query.size, offset=offset, weight_by_field="quality")
        addresses = [address for _, address in found.hits]
        documents = [decoded_document(searcher.doc(address)) for address in addresses]
        total: int = found.count or 0  # type: ignore[attr-defined]  # the stub does not have it
        counted = index_query.facets and total > 1
        missed = self._missing_groups(index_query, addresses, documents) if relaxed else {}
        return IndexResult(
            hits=tuple(IndexHit(document=one, missed=missed.get(one.key, ())) for one in documents),
            total=total,
            facets=self._facets(index_query, query) if counted else (),
            price_range=self._price_range(query) if counted else None,
        )

    def find(self, sku: str) -> CatalogueDocument | None:
        """The product with this SKU or url key, its own or a variant's, whatever the case and punctuation."""
        wanted = sku_letters(sku)
        if not wanted or not self._searcher.doc_freq("sku", wanted):
            return None
        found = self._searcher.search(self._translator.one_of("sku", [wanted]), MAX_SAME_SKUS)
        documents = [decoded_document(self._searcher.doc(address)) for _, address in found.hits]
        exactly = sku.strip().casefold()
        return min(
            documents,
            key=lambda one: (one.product.sku.casefold() != exactly, sku_letters(one.product.sku) != wanted, one.key),
            default=None,
        )

    def documents(self) -> Iterator[CatalogueDocument]:
        """Every product by its key, as of the last refresh; some hundred are in memory at a time, and all keys."""
        searcher = self._searcher
        keys = sorted(key for key, _ in searcher.terms_with_prefix("key", ""))
        for start in range(0, len(keys), DOCUMENTS_AT_ONCE):
            part = self._translator.one_of("key", keys[start : start + DOCUMENTS_AT_ONCE])
            # Keys of what was removed may still be there; nothing is found by them.
            hits = searcher.search(part, DOCUMENTS_AT_ONCE, count=False).hits
            yield from sorted((decoded_document(searcher.doc(address)) for _, address in hits), key=lambda one: one.key)

    def find_all(self, skus: Sequence[Sku]) -> Sequence[CatalogueDocument]:
        """The products with these SKUs, in their order; those that are not there are left out."""
        found = (self.find(sku) for sku in skus)
        return [document for document in found if document is not None]

    def suggest(self, typed: str, *, limit: int = 10) -> Sequence[str]:
        """Names of products that begin like this, then words that do, commonest first."""
        start = fold_text(typed).lstrip()
        if not start:
            return []
        names = self._completions("name", start, limit)
        begun, _, last = start.rpartition(" ")
        longer = self.lexicon.beginning(last, limit) if last else []
        texts = [f"{begun} {word}".strip() for word in longer]
        return list(dict.fromkeys([*names, *texts]))[:limit]

    def suggest_skus(self, typed: str, *, limit: int = 10) -> Sequence[str]:
        """SKUs of products that begin like this."""
        start = sku_letters(typed)
        return self._completions("sku", start, limit) if start else []

    def similar(self, document: CatalogueDocument, *, limit: int = 10) -> Sequence[CatalogueDocument]:
        """Products of its deepest category with like names and prices, in stock; never itself."""
        places = [category.id for category in document.categories if category.direct]
        if not places:
            return []
        price = charged_price(document.product).minor
        index_query = IndexQuery(price_min=price // 2, price_max=price * 2, in_stock=True)
        stems = dict.fromkeys(map(self._stem, text_words(document.product.name)))
        query = Query.boolean_query(
            [
                (Occur.Must, self._translator.query(index_query)),
                (Occur.Must, self._translator.one_of("term", [category_term(place) for place in places])),
                (Occur.MustNot, self._translator.one_of("key", [document.key])),
                *((Occur.Should, Query.term_query(self._schema, "name", stem, "freq")) for stem in stems),
            ]
        )
        found = self._searcher.search(query, limit, weight_by_field="quality")
        return [decoded_document(self._searcher.doc(address)) for _, address in found.hits]

    def _completions(self, kind: str, start: str, limit: int) -> list[str]:
        prefix = f"{kind}{SEPARATOR}{start}"
        return [
            term.rpartition(SEPARATOR)[2]
            for term, _ in self._searcher.terms_with_prefix("completion", prefix, limit=limit)
        ]

    def _missing_groups(
        self, index_query: IndexQuery, addresses: Sequence[tantivy.DocAddress], documents: Sequence[CatalogueDocument]
    ) -> dict[str, tuple[str, ...]]:
        """For each product the texts of the groups that it does not match."""
        places = {(one.segment_ord, one.doc): document.key for one, document in zip(addresses, documents, strict=True)}
        keys = [document.key for document in documents]
        missed: dict[str, list[str]] = {key: [] for key in keys}
        for group in index_query.groups:
            among = Query.boolean_query(
                [(Occur.Must, self._translator.one_of("key", keys)), (Occur.Must, self._translator.group(group))]
            )
            hits = self._searcher.search(among, len(keys) or 1, count=False).hits
            having = {places.get((address.segment_ord, address.doc)) for _, address in hits}
            for key in keys:
                if key not in having:
                    missed[key].append(group.text)
        return {key: tuple(texts) for key, texts in missed.items()}

    def _facets(self, index_query: IndexQuery, query: Query) -> tuple[IndexFacet, ...]:
        """Values and counts, most products first; an attribute is counted without the filter by itself."""
        counts = self._count(query)
        for wanted in index_query.attributes:
            without = self._count(self._translator.without_filter(index_query, wanted.code))
            counts[wanted.code] = without.get(wanted.code, [])
        facets = [
            IndexFacet(code=code, label=self.lexicon.attributes[code].label, values=tuple(values[:MAX_FACET_VALUES]))
            for code, values in counts.items()
            if code in self.lexicon.attributes
            and (len(values) > 1 or code in {one.code for one in index_query.attributes})
        ]
        facets.sort(key=lambda facet: (-sum(count for _, count in facet.values), facet.code))
        return tuple(facets[:MAX_FACETS])

    def _count(self, query: Query) -> dict[str, list[tuple[str, int]]]:
        answer = self._searcher.aggregate(query, {"facet": {"terms": {"field": "facet", "size": MAX_BUCKETS}}})
        found: dict[str, list[tuple[str, int]]] = {}
        for bucket in answer["facet"]["buckets"]:
            code, _, label = bucket["key"].partition(SEPARATOR)
            found.setdefault(code, []).append((label, bucket["doc_count"]))
        return found

    def _price_range(self, query: Query) -> tuple[int, int] | None:
        stats = self._searcher.aggregate(query, {"price": {"stats": {"field": "price"}}})["price"]
        return (int(stats["min"]), int(stats["max"])) if stats["count"] else None

    def _read_lexicon(self) -> CatalogueLexicon:
        searcher = self._searcher
        values: dict[str, dict[str, int]] = {}
        for term, count in searcher.terms_with_prefix("facet", ""):
            code, _, label = term.partition(SEPARATOR)
            values.setdefault(code, {})[label] = count
        labels = dict(term.partition(SEPARATOR)[::2] for term, _ in searcher.terms_with_prefix("attribute", ""))
        categories: dict[CategoryId, CategoryLabel] = {}
        for term, count in searcher.terms_with_prefix("category", ""):
            number, _, name = term.partition(SEPARATOR)
            categories[CategoryId(number)] = CategoryLabel(name, count)
        places: dict[str, dict[CategoryId, int]] = {}
        for term, count in searcher.terms_with_prefix("term", f"{KIND_PLACE}{SEPARATOR}"):
            _, stem, category = term.split(SEPARATOR)
            places.setdefault(stem, {})[CategoryId(category)] = count
        return CatalogueLexicon(
            counts=dict(searcher.terms_with_prefix("word", "")),
            attributes=[
                AttributeLabels(code=code, label=labels.get(code, code), values=found) for code, found in values.items()
            ],
            categories=categories,
            stem=self._stem,
            kind_places=places,
            kinds=frozenset(stem for stem, _ in searcher.terms_with_prefix("kind", "")),
        )
