"""A shop's catalogue under control: it counts what it is asked, waits at a gate, and fails when told to."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.category import Category, CategoryFacet
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery


class CountingReader:
    """Implements `CatalogueReader` over another one."""

    def __init__(self, shop: CatalogueReader) -> None:
        self.shop = shop
        self.calls: Counter[str] = Counter()
        self.asked: Counter[tuple[str, object]] = Counter()
        """By what was read, and of which product or search."""
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self._entered = asyncio.Event()

    @property
    def total(self) -> int:
        return self.calls.total()

    async def until_asked(self, times: int = 1) -> None:
        """Wait until it has been asked so often."""
        while self.total < times:
            self._entered.clear()
            await self._entered.wait()

    async def _enter(self, name: str, of: object = None) -> None:
        self.calls[name] += 1
        self.asked[name, of] += 1
        self._entered.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error

    async def search(self, search: SearchQuery) -> SearchPage:
        await self._enter("search", search)
        return await self.shop.search(search)

    async def product(self, key: str) -> Product:
        await self._enter("product", key)
        return await self.shop.product(key)

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        await self._enter("categories")
        return await self.shop.categories(parent, depth=depth)

    async def category(self, key: str) -> Category:
        await self._enter("category")
        return await self.shop.category(key)

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        await self._enter("facets")
        return await self.shop.facets(category)

    async def page(self, identifier: str) -> ShopPage:
        await self._enter("page")
        return await self.shop.page(identifier)

    async def store_facts(self) -> StoreFacts:
        await self._enter("store_facts")
        return await self.shop.store_facts()
