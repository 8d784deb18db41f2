"""How many requests each tool costs a shop of which nothing is remembered, and how many waits in a row."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.ordering import DRAFT, filled
from tests.fakes.demo_shop import demo_shop

SKUS = ("PAD-2", "TEE-BLACK-M", "PAD-1", "PAD-4", "PAD-5", "PAD-6", "PAD-7")


class CountingTransport(httpx.ASGITransport):
    """To a demo shop in this process; it notes what is asked, and how many answers had to be waited for in a row."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self.calls: list[str] = []
        self.waits = 0
        self.statuses: list[int] = []
        self._under_way = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path.removeprefix('/api/rest/v2')}")
        if not self._under_way:
            self.waits += 1
        self._under_way += 1
        try:
            # As a network does: whoever asks at the same time asks before there is an answer.
            for _ in range(10):
                await asyncio.sleep(0)
            answer = await super().handle_async_request(request)
            self.statuses.append(answer.status_code)
            return answer
        finally:
            self._under_way -= 1

    def reset(self) -> None:
        self.calls.clear()
        self.waits = 0


@pytest.fixture
async def counted() -> AsyncIterator[tuple[MahoBackend, CountingTransport]]:
    transport = CountingTransport(demo_shop())
    backend, close = connect(MahoConfig(url="http://shop.example", prices_include_tax=True), "AUD", transport=transport)
    # What is learned once for all shoppers: configuration and countries.
    await backend.quote_order(await filled(backend), DRAFT)
    yield backend, transport
    await close()


Read = Callable[[MahoBackend], Awaitable[object]]


async def _search(shop: MahoBackend) -> object:
    return await shop.search(SearchQuery(text="paddle"))


async def _search_category(shop: MahoBackend) -> object:
    return await shop.search(SearchQuery(category=CategoryId("3")))


async def _listed_product(shop: MahoBackend) -> object:
    return await shop.product("PAD-2")


async def _unknown_product(shop: MahoBackend) -> object:
    return await shop.product("PAD-4")


@pytest.mark.parametrize(
    ("read", "calls"),
    [
        (_search, 1),
        (_search_category, 1),
        # Maho has no filter by SKU: one that no search has shown is looked for first.
        (_listed_product, 1),
        (_unknown_product, 2),
    ],
    ids=["search_products", "search_products by category", "get_product", "get_product that nobody has listed"],
)
async def test_a_read_asks_the_shop_as_often_as_this(
    counted: tuple[MahoBackend, CountingTransport], read: Read, calls: int
) -> None:
    shop, transport = counted
    transport.reset()
    await read(shop)

    assert len(transport.calls) == calls, transport.calls


async def test_a_line_costs_a_look_at_the_product_and_the_line_itself(
    counted: tuple[MahoBackend, CountingTransport],
) -> None:
    shop, transport = counted
    cart = (await shop.create_cart()).cart_id
    transport.reset()
    await shop.add_line(cart, Sku("PAD-2"), 1, {})

    assert [call.partition("/")[0].strip() for call in transport.calls] == ["GET", "POST"], transport.calls


@pytest.mark.parametrize("lines", [1, 2, 7])
async def test_an_order_is_priced_in_as_many_waits_however_many_lines_it_has(
    counted: tuple[MahoBackend, CountingTransport], lines: int
) -> None:
    """The cart; rates and products at once; three changes; how it can be paid. Products: one request for each line."""
    shop, transport = counted
    cart = await filled(shop)
    for sku in SKUS[1:lines]:
        await shop.add_line(cart, Sku(sku), 1, {})
    transport.reset()
    await shop.quote_order(cart, DRAFT)
    await shop.payment_methods(cart)

    assert transport.waits <= 6, (transport.waits, transport.calls)
    assert len(transport.calls) - lines <= 6, transport.calls


@pytest.mark.parametrize("lines", [1, 7])
async def test_a_dry_run_that_leaves_nothing_behind_costs_each_line_three_requests(
    counted: tuple[MahoBackend, CountingTransport], lines: int
) -> None:
    """Each is put into a cart of nobody's, looked at, and taken out again."""
    shop, transport = counted
    cart = await filled(shop)
    for sku in SKUS[1:lines]:
        await shop.add_line(cart, Sku(sku), 1, {})
    await shop.preview_order(cart, DRAFT)
    transport.reset()
    await shop.preview_order(cart, DRAFT)

    assert len(transport.calls) - 3 * lines <= 10, transport.calls
    assert transport.waits - 2 * lines <= 10, (transport.waits, transport.calls)


async def test_what_seldom_changes_is_asked_whether_it_still_holds() -> None:
    now = 0.0
    transport = CountingTransport(demo_shop())
    backend, close = connect(MahoConfig(url="http://shop.example"), "AUD", transport=transport, clock=lambda: now)
    first = [await backend.page("shipping"), await backend.categories(None, depth=1)]
    now = 400.0
    transport.statuses.clear()
    again = [await backend.page("shipping"), await backend.categories(None, depth=1)]
    await close()

    assert again == first
    assert set(transport.statuses) == {304}


async def test_text_within_a_category_waits_for_three_answers_at_most(
    counted: tuple[MahoBackend, CountingTransport],
) -> None:
    shop, transport = counted
    await shop.search(SearchQuery(text="a", category=CategoryId("3")))
    transport.reset()
    await shop.search(SearchQuery(text="a", category=CategoryId("3")))

    assert transport.waits <= 3, transport.calls
