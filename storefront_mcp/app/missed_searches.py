"""Decorator of a catalogue reader that records searches without results."""

from collections.abc import Callable, Sequence

from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.category import Category, CategoryFacet
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery


class MissedSearchRecorder:
    """Decorator of a `CatalogueReader`: calls `record` for a search without results, delegates everything else."""

    def __init__(self, backend: CatalogueReader, record: Callable[[str], None]) -> None:
        """`record` is called with the text that was searched for."""
        self._backend = backend
        self._record = record

    async def search(self, search: SearchQuery) -> SearchPage:
        """Products that match; the first page of a search that found none is reported."""
        found = await self._backend.search(search)
        if not found.products and search.after is None:
            self._record(search.text)
        return found

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key."""
        return await self._backend.product(key)

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent` (the root when None), `depth` levels of it."""
        return await self._backend.categories(parent, depth=depth)

    async def category(self, key: str) -> Category:
        """The category with this id or url path, with its direct children."""
        return await self._backend.category(key)

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """What a category's products differ in; empty where the shop does not say."""
        return await self._backend.facets(category)

    async def page(self, identifier: str) -> ShopPage:
        """One of the shop's own pages."""
        return await self._backend.page(identifier)

    async def store_facts(self) -> StoreFacts:
        """What the shop's own configuration tells of countries, payment methods and guests."""
        return await self._backend.store_facts()
