"""`MirroredCatalogueReader`: the reading half of a shop's port, with searches from the mirror while it may be asked."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from cachetools import LRUCache
from msgspec.structs import replace

from storefront_mcp.catalogue.cache import utc_text
from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import CatalogueIndex, CatalogueMirror, IndexGeneration
from storefront_mcp.catalogue.index_query import IndexQuery
from storefront_mcp.catalogue.other_goods import other_variants
from storefront_mcp.catalogue.query.folding import fold_text
from storefront_mcp.catalogue.query.language import LanguageWords
from storefront_mcp.catalogue.query.store_questions import read_store_question
from storefront_mcp.catalogue.search import CatalogueSearch
from storefront_mcp.catalogue.search_hints import FEW_HITS
from storefront_mcp.catalogue.shop_search import ShopSearch
from storefront_mcp.catalogue.summaries import facets_of, summary_of
from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.category import Category, CategoryFacet
from storefront_mcp.commerce.errors import ProductNotFound, ShopDown
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import Product, variant_of
from storefront_mcp.commerce.related import MAX_OTHERS_SEEN, OtherGoods, RelatedKind, RelatedProducts, most_at_once
from storefront_mcp.commerce.search import SearchPage, SearchQuery

NOT_READY_TEXT: Final = (
    "The search of all products is not ready just now, and a plainer one answered. Ask again in half a minute."
)
"""A hint with few hits, while a mirror is built or cannot be used."""
ASK_STORE_INFO: Final = 'That is about the shop: get_store_info has the topic "{}".'
MAX_ALIKE: Final = 10
"""Products that are looked at for one of which there is too little."""
MAX_ANSWERS: Final = 500
"""Pages that are remembered, of some kilobytes each."""


class MirroredCatalogueReader:
    """Implements `CatalogueReader` and `CatalogueGuide`. Without a mirror, searches are the shop's with hints.

    Products are always asked of the shop: the mirror only knows which family a variant's SKU belongs to, and has the
    last word while the shop does not answer.
    """

    def __init__(
        self,
        shop: CatalogueReader,
        mirror: CatalogueMirror | None,
        language: Callable[[], LanguageWords],
        currency: str,
    ) -> None:
        """`language` is called when the mirror is first asked, as its stems come with the search library."""
        self._shop = shop
        self._mirror = mirror
        self._language = language
        self._currency = currency
        self._shop_search = ShopSearch(shop, currency)
        self._answers: LRUCache[SearchQuery, SearchPage] = LRUCache(MAX_ANSWERS)
        self._answered: IndexGeneration | None = None
        self._search: CatalogueSearch | None = None
        self._searched: CatalogueIndex | None = None

    async def search(self, search: SearchQuery) -> SearchPage:
        """Products that match, page by page. Raises CursorRefused, FilterRefused, and as the shop's.

        What asks about the shop is answered with who tells of it, and with goods only where they have its very words.
        """
        question = read_store_question(search.text)
        if question is None:
            return await self._search_products(search)
        page = await self._search_products(replace(search, text=question.rest or search.text))
        hint = ASK_STORE_INFO.format(question.topic)
        if question.rest:
            return replace(page, hints=(hint, *page.hints))
        is_guess = page.relaxed or page.searched_for or page.understood or not page.products
        return SearchPage(products=(), total=0, hints=(hint,)) if is_guess else replace(page, hints=(hint,))

    async def _search_products(self, search: SearchQuery) -> SearchPage:
        """Products that match. Raises CursorRefused, FilterRefused, and as the shop's."""
        if self._mirror is not None and search.after is None:
            await self._mirror.wait_until_ready()
        found = self._mirror_search()
        if found is None or self._mirror is None:
            page = await self._shop_search.search(search)
            awaited = self._mirror is not None and search.after is None and len(page.products) <= FEW_HITS
            return replace(page, hints=(*page.hints, NOT_READY_TEXT)) if awaited else page
        page, as_of, stale = self._answer(found, search), self._mirror.as_of, self._mirror.stale
        key = (as_of, stale)
        return page.recall(key) or page.keep(key, replace(page, as_of=utc_text(as_of.timestamp()), stale=stale))

    def _answer(self, found: CatalogueSearch, search: SearchQuery) -> SearchPage:
        """The mirror's page, remembered for as long as nothing in the mirror changes."""
        state = found.index.generation
        if state != self._answered:
            self._answers.clear()
            self._answered = state
        page = self._answers.get(search)
        if page is None:
            page = self._answers[search] = found.search(search)
        return page

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key. Raises as the shop's."""
        index = None if self._mirror is None else self._mirror.index
        if index is None or self._mirror is None:
            return await self._shop.product(key)
        try:
            product = await self._shop.product(key)
        except ProductNotFound:
            return await self._by_family(key, index)
        except ShopDown:
            document = index.find(key)
            if document is None:
                raise
            return replace(
                _with_variant(document.product, key), as_of=utc_text(self._mirror.as_of.timestamp()), stale=True
            )
        self._compare(product, index)
        return product

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent` (the root when None), `depth` levels of it. Raises CategoryNotFound."""
        return await self._shop.categories(parent, depth=depth)

    async def category(self, key: str) -> Category:
        """The category with this id or url path, with its direct children. Raises CategoryNotFound."""
        return await self._shop.category(key)

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """What a category's products differ in; empty where the shop does not say."""
        found = self._mirror_search()
        if found is None:
            return await self._shop.facets(category)
        return facets_of(found.index.search(IndexQuery(category=category, size=1, facets=True)))

    async def page(self, identifier: str) -> ShopPage:
        """One of the shop's own pages. Raises PageNotFound."""
        return await self._shop.page(identifier)

    async def store_facts(self) -> StoreFacts:
        """What the shop's own configuration tells of countries, payment methods and guests."""
        return await self._shop.store_facts()

    def beside(self, sku: str, kind: RelatedKind, *, in_stock: bool, size: int) -> RelatedProducts | None:
        """Products beside the one with this SKU, as the mirror has them; None while the shop is to be asked."""
        index = None if self._mirror is None else self._mirror.index
        document = None if index is None else index.find(sku)
        if self._mirror is None or index is None or document is None:
            return None
        named = {
            "related": document.related,
            "alternatives": document.alternatives,
            "accessories": document.accessories,
        }[kind]
        found = [one for one in map(index.find, named) if one is not None and one.key != document.key]
        kept = [one for one in found if one.product.in_stock or not in_stock][:size]
        is_shops = bool(kept) or kind == "accessories"
        return RelatedProducts(
            products=tuple(map(summary_of, kept if is_shops else index.similar(document, limit=size))),
            source="shop" if is_shops else "similar",
            as_of=utc_text(self._mirror.as_of.timestamp()),
            stale=self._mirror.stale,
        )

    def others(self, sku: str) -> Sequence[OtherGoods] | None:
        """Other variants in stock, or products named alike up to a comma, the most alike first; None without a mirror.

        What follows a comma is a pack or a size: `Outdoor Balls, pack of 3`.
        """
        found = self._mirror_search()
        document = None if found is None else found.index.find(sku)
        if found is None or document is None:
            return None
        product = document.product
        if (variant := variant_of(product, sku)) is not None:
            return other_variants(product, variant)[:MAX_OTHERS_SEEN]
        name = product.name.partition(",")[0]
        page = found.search(SearchQuery(text=name, in_stock=True, size=MAX_ALIKE))
        alike = () if page.relaxed else [found.index.find(one.sku) for one in page.products if one.sku != product.sku]
        return [
            OtherGoods(sku=one.product.sku, name=one.product.name, left=most_at_once(one.product))
            for one in alike
            if one is not None
        ]

    def complete_sku(self, typed: str) -> Sequence[str] | None:
        """SKUs in the mirror that begin like this; None while the shop is to be asked."""
        index = None if self._mirror is None else self._mirror.index
        return None if index is None else index.suggest_skus(typed)

    def complete_text(self, typed: str) -> Sequence[str] | None:
        """Names of products and words in the mirror that go on like this; None without one."""
        index = None if self._mirror is None else self._mirror.index
        return None if index is None else index.suggest(typed)

    def complete_category(self, typed: str) -> Sequence[str] | None:
        """Names of categories in the mirror that begin like this; None while the shop is to be asked."""
        index = None if self._mirror is None else self._mirror.index
        return None if index is None else _beginning(typed, (one.name for one in index.lexicon.categories.values()))

    def complete_property(self, typed: str) -> Sequence[str] | None:
        """Labels of attributes in the mirror, then their values, that begin like this; None without one."""
        index = None if self._mirror is None else self._mirror.index
        if index is None:
            return None
        attributes = index.lexicon.attributes.values()
        values = (value for attribute in attributes for value in attribute.values)
        return [*_beginning(typed, (one.label for one in attributes)), *_beginning(typed, values)]

    def _mirror_search(self) -> CatalogueSearch | None:
        """The search over the mirror; None while the shop is to be asked."""
        index = None if self._mirror is None else self._mirror.index
        if index is None:
            return None
        if self._search is None or index is not self._searched:
            self._search, self._searched = CatalogueSearch(index, self._language(), self._currency), index
        return self._search

    async def _by_family(self, key: str, index: CatalogueIndex) -> Product:
        """The family of a variant whose SKU the shop's own search does not find. Raises ProductNotFound."""
        document = index.find(key)
        if document is None or document.product.sku == key:
            raise ProductNotFound(key)
        return _with_variant(await self._shop.product(document.product.sku), key)

    def _compare(self, product: Product, index: CatalogueIndex) -> None:
        """Have the mirror read a product again that the shop now shows otherwise."""
        document = index.find(product.sku)
        if self._mirror is not None and (document is None or _is_changed(document, product)):
            self._mirror.request([product.sku])


def _beginning(typed: str, names: Iterable[str]) -> list[str]:
    """Each name that begins like this, once, in order."""
    start = fold_text(typed).strip()
    return sorted({name for name in names if fold_text(name).startswith(start)})


def _is_changed(document: CatalogueDocument, product: Product) -> bool:
    kept = document.product
    return (kept.price, kept.list_price, kept.in_stock) != (product.price, product.list_price, product.in_stock)


def _with_variant(product: Product, key: str) -> Product:
    """The product with the variant that was asked for by its SKU."""
    return replace(product, selected_variant=variant_of(product, key))
