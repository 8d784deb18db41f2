"""`CatalogueCacheReader`: the reading half of a shop's port, answered from the cache where that is allowed."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec.structs import replace

from storefront_mcp.catalogue.cache import CatalogueCache, ReadKind
from storefront_mcp.catalogue.cache_freshness import CatalogueFreshness
from storefront_mcp.commerce.backend import CacheStats, CatalogueReader
from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.category import Category, CategoryFacet
from storefront_mcp.commerce.errors import CategoryNotFound, PageNotFound, ProductNotFound
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery


class CategoryList(CatalogueValue, frozen=True, kw_only=True):
    """The categories below one."""

    members: tuple[Category, ...]


class FacetList(CatalogueValue, frozen=True, kw_only=True):
    """The facets of a category."""

    members: tuple[CategoryFacet, ...]


class CatalogueCacheReader:
    """Implements `CatalogueReader` over another one. Carts, orders and what is paid do not pass here."""

    def __init__(self, backend: CatalogueReader, cache: CatalogueCache, freshness: CatalogueFreshness) -> None:
        self._backend = backend
        self.cache = cache
        self._search = ReadKind(shape=SearchPage, name="search", rule=freshness.search, skus=_listed_skus)
        self._product = ReadKind(
            shape=Product, name="product", rule=freshness.product, error=ProductNotFound, skus=_product_skus
        )
        self._categories = ReadKind(shape=CategoryList, name="categories", rule=freshness.browse)
        self._category = ReadKind(shape=Category, name="category", rule=freshness.browse, error=CategoryNotFound)
        self._facets = ReadKind(shape=FacetList, name="facets", rule=freshness.search)
        self._page = ReadKind(shape=ShopPage, name="page", rule=freshness.page, error=PageNotFound)
        self._facts = ReadKind(shape=StoreFacts, name="store_facts", rule=freshness.browse)

    async def search(self, search: SearchQuery) -> SearchPage:
        """Products that match, page by page."""
        return await self.cache.read(self._search, canonical_query(search), self._backend.search, search)

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key. Raises as the shop's."""
        return await self.cache.read(self._product, key, self._backend.product, key)

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent` (the root when None), `depth` levels of it. Raises CategoryNotFound."""
        found = await self.cache.read(self._categories, (parent, depth), self._ask_categories, parent, depth)
        if found.stale:
            return [replace(one, as_of=found.as_of, stale=True) for one in found.members]
        return found.members

    async def category(self, key: str) -> Category:
        """The category with this id or url path, with its direct children. Raises CategoryNotFound."""
        return await self.cache.read(self._category, key, self._backend.category, key)

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """What a category's products differ in; empty where the shop does not say."""
        return (await self.cache.read(self._facets, category, self._ask_facets, category)).members

    async def page(self, identifier: str) -> ShopPage:
        """One of the shop's own pages. Raises PageNotFound."""
        return await self.cache.read(self._page, identifier, self._backend.page, identifier)

    async def store_facts(self) -> StoreFacts:
        """What the shop's own configuration tells of countries, payment methods and guests."""
        return await self.cache.read(self._facts, None, self._backend.store_facts)

    @property
    def cache_stats(self) -> CacheStats:
        """What is cached here, and how often that saved a question to the shop."""
        counts = self.cache.counts
        asked = counts["shop"]
        return CacheStats(kept=len(self.cache.memory), hits=counts.total() - asked, misses=asked)

    async def _ask_categories(self, parent: CategoryId | None, depth: int) -> CategoryList:
        return CategoryList(members=tuple(await self._backend.categories(parent, depth=depth)))

    async def _ask_facets(self, category: CategoryId) -> FacetList:
        return FacetList(members=tuple(await self._backend.facets(category)))


@lru_cache(maxsize=4_096)
def canonical_text(text: str) -> str:
    """Words that ask for the same are the same: Unicode's compatible forms, case and spaces.

    >>> canonical_text("  Blue\u00a0 TEE ")
    'blue tee'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def canonical_query(search: SearchQuery) -> SearchQuery:
    """The query as a key: its text in canonical form, its filters in one order."""
    text = canonical_text(search.text)
    if search.filters:
        filters = tuple(sorted((code, tuple(sorted(labels))) for code, labels in search.filters))
        return replace(search, text=text, filters=filters)
    return search if text == search.text else replace(search, text=text)


def _listed_skus(found: SearchPage) -> Iterable[str]:
    for product in found.products:
        yield product.sku
        if product.selected_variant is not None:
            yield product.selected_variant.sku


def _product_skus(product: Product) -> Iterable[str]:
    yield product.sku
    for variant in product.variants:
        yield variant.sku
