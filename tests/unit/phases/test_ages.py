"""Answers of tools say how old they are, and that the shop does not answer."""

from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.page import StoreFacts
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from tests.fakes.memory_backend import MemoryBackend, shop_on
from tests.unit.phases.calling import use

MOMENT = "2027-01-15T08:00:00Z"


class OldBackend(MemoryBackend):
    """Says what it said before it stopped answering."""

    async def search(self, search: SearchQuery) -> SearchPage:
        return replace(await super().search(search), as_of=MOMENT, stale=True)

    async def product(self, key: str) -> Product:
        return replace(await super().product(key), as_of=MOMENT, stale=True)

    async def category(self, key: str) -> Category:
        return replace(await super().category(key), as_of=MOMENT, stale=True)

    async def store_facts(self) -> StoreFacts:
        return replace(await super().store_facts(), as_of=MOMENT, stale=True)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search_products", {"query": "paddle"}),
        ("get_product", {"sku": "PAD-2"}),
        ("get_category", {"category": "jars"}),
    ],
)
async def test_what_the_shop_said_before_it_stopped_answering_is_marked_once(
    tool: str, arguments: dict[str, Any]
) -> None:
    now = await use(shop_on(MemoryBackend()), tool, **arguments)
    old = await use(shop_on(OldBackend()), tool, **arguments)

    assert (now.as_of, now.stale) == (None, False)
    assert (old.as_of, old.stale) == (MOMENT, True)
    assert not getattr(getattr(old, "category", None), "stale", False)


async def test_facts_of_a_shop_that_does_not_answer_are_marked() -> None:
    assert not (await use(shop_on(MemoryBackend()), "get_store_info")).stale
    assert (await use(shop_on(OldBackend()), "get_store_info")).stale


class CachedBackend(MemoryBackend):
    """Gives the same page for what asks for the same, as a cache does, with a page behind it."""

    page = SearchPage(products=(), total=0)

    async def search(self, search: SearchQuery) -> SearchPage:
        return self.page


async def test_a_cached_page_is_made_into_an_answer_once_for_a_question() -> None:
    backend = CachedBackend()
    backend.page = replace(await MemoryBackend().search(SearchQuery(size=2)), next="2")
    shop = shop_on(backend)

    first = await use(shop, "search_products", query="paddle", page_size=2)
    assert await use(shop, "search_products", query="paddle", page_size=2) is first
    # Another spelling shares the page, and not the cursor, which belongs to its question.
    other = await use(shop, "search_products", query="PADDLE", page_size=2)
    assert other.next_cursor != first.next_cursor
    assert replace(other, next_cursor=first.next_cursor) == first
    backend.page = replace(backend.page, as_of=MOMENT, stale=True)
    assert (await use(shop, "search_products", query="PADDLE", page_size=2)).stale
