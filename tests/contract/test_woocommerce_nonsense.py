"""Whatever a WooCommerce shop puts into its answers, the adapter says a shop's word and never a traceback."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.woocommerce import WooBackend, WooConfig, connect
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import CartId, Sku
from storefront_mcp.commerce.order import Order
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.nonsense import spoil
from tests.contract.woocommerce import BY_CHEQUE, KEY, WOO_DRAFT, filled
from tests.fakes.woocommerce import WooShop, woo_shop
from tests.often import often

pytestmark = pytest.mark.slow

ASKED: dict[str, Callable[[WooBackend, CartId], Awaitable[object]]] = {
    "search": lambda shop, _: shop.search(SearchQuery(text="paddle", size=3)),
    "search by word": lambda shop, _: shop.search(SearchQuery(text="TEE-BLACK-M")),
    "product": lambda shop, _: shop.product("TEE-BLACK-M"),
    "categories": lambda shop, _: shop.categories(None, depth=3),
    "category": lambda shop, _: shop.category("paddles"),
    "page": lambda shop, _: shop.page("returns"),
    "facts": lambda shop, _: shop.store_facts(),
    "create": lambda shop, _: shop.create_cart(),
    "cart": lambda shop, cart: shop.cart(cart),
    "add": lambda shop, cart: shop.add_line(cart, Sku("TEE"), 1, {"Colour": "Black", "Size": "M"}),
    "add too many": lambda shop, cart: shop.add_line(cart, Sku("PAD-2"), 999, {}),
    "coupon": lambda shop, cart: shop.apply_coupon(cart, "SAVE10"),
    "refused coupon": lambda shop, cart: shop.apply_coupon(cart, "NOPE"),
    "shipping": lambda shop, cart: shop.shipping_methods(cart, Address(country="AU", region="VIC", postcode="3000")),
    "refused state": lambda shop, cart: shop.shipping_methods(cart, Address(country="AU", region="Nowhere")),
    "quote": lambda shop, cart: shop.quote_order(cart, WOO_DRAFT),
    "preview": lambda shop, cart: shop.preview_order(cart, WOO_DRAFT),
    "payment": lambda shop, cart: shop.payment_methods(cart),
    "place": lambda shop, cart: shop.place_order(cart, WOO_DRAFT, BY_CHEQUE),
    "refused order": lambda shop, cart: shop.place_order(cart, WOO_DRAFT, replace(BY_CHEQUE, method="nope")),
    "find": lambda shop, cart: shop.find_order(cart, BY_CHEQUE.reference),
    "mark": lambda shop, _: shop.mark_paid(Order(id="501"), BY_CHEQUE),
    "progress": lambda shop, _: shop.order_progress(Order(id="501")),
}


def spoiled_transport(shop: WooShop, chance: random.Random, *, from_call: int) -> httpx.MockTransport:
    """The shop, whose answers are spoiled from the given one on, some of their headers too."""
    through, calls = httpx.ASGITransport(shop), 0  # type: ignore[arg-type]

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        response = await through.handle_async_request(request)
        body = await response.aread()
        calls += 1
        if calls < from_call:
            return httpx.Response(response.status_code, headers=response.headers, content=body)
        headers = {name: told for name, told in response.headers.items() if name != "content-length"}
        if chance.random() < 0.2:
            headers |= {"cart-token": chance.choice(["", "a.b.c", "a.e30.c", "x" * 9_000]), "x-wp-total": "9" * 30}
        told = json.dumps(spoil(json.loads(body), chance)).encode()
        return httpx.Response(response.status_code, headers=headers, content=told)

    return httpx.MockTransport(answer)


def _shown(answer: object) -> object:
    """What an agent is told of it: a page's text is markup on purpose, and an order's key stays here."""
    if isinstance(answer, ShopPage):
        return answer.title, answer.identifier
    return replace(answer, token=None) if isinstance(answer, Order) else answer


@pytest.mark.parametrize("asked", [*ASKED])
@settings(max_examples=often(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), from_call=st.integers(1, 4))
def test_nonsense_is_never_a_traceback(asked: str, seed: int, from_call: int) -> None:
    async def ask() -> bytes:
        """What was understood, as an agent would read it; empty where the shop's answer was refused."""
        shop, limits = woo_shop(tax="included"), ClientLimits(total=300, order=300, failures=1_000)
        plain, _ = connect(WooConfig(url="https://shop.example"), "AUD", transport=httpx.ASGITransport(shop))  # type: ignore[arg-type]
        cart = await filled(plain)
        if asked in {"mark", "progress"}:
            await plain.quote_order(cart, WOO_DRAFT)
            await plain.place_order(cart, WOO_DRAFT, BY_CHEQUE)
        config = WooConfig(
            url="https://shop.example", key=KEY, known=KnownOrigins("https://shop.example"), limits=limits
        )
        transport = spoiled_transport(shop, random.Random(seed), from_call=from_call)
        backend, _ = connect(config, "AUD", transport=transport)
        with suppress(ShopError):
            return msgspec.json.encode(_shown(await ASKED[asked](backend, cart)))
        return b""

    told = asyncio.run(ask())
    assert b"<b>" not in told
    assert "\u202e".encode() not in told
