"""Whatever a shop puts into its lists, a lister says a shop's word, never a traceback, and comes to an end."""

import asyncio
import json
import random
from contextlib import suppress
from typing import Any, Final

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.medusa import MedusaConfig, lister as medusa_lister
from storefront_mcp.backends.woocommerce import WooConfig, lister as woo_lister
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.listing import CatalogueLister
from tests.contract.nonsense import spoil
from tests.contract.woocommerce import KEY
from tests.fakes.medusa.shop import MedusaShop
from tests.fakes.woocommerce import woo_shop
from tests.often import often

pytestmark = pytest.mark.slow

SITE: Final = "https://shop.example"
LIMITS: Final = ClientLimits(total=300, failures=1_000_000)
MAX_PAGES: Final = 50


def lister_over(kind: str, chance: random.Random, *, from_call: int) -> CatalogueLister:
    """A lister over a stand-in whose answers are spoiled from the given one on, some of their headers too."""
    shop: Any = woo_shop(tax="included") if kind == "woocommerce" else MedusaShop()
    through, calls = httpx.ASGITransport(shop), 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        response = await through.handle_async_request(request)
        body = await response.aread()
        calls += 1
        if calls < from_call:
            return httpx.Response(response.status_code, headers=response.headers, content=body)
        headers = {name: told for name, told in response.headers.items() if name != "content-length"}
        if chance.random() < 0.2:
            headers |= {"x-wp-total": chance.choice(["9" * 30, "-1", "", "1e3"]), "date": "some day"}
        return httpx.Response(
            response.status_code, headers=headers, content=json.dumps(spoil(json.loads(body), chance)).encode()
        )

    transport, known = httpx.MockTransport(answer), KnownOrigins(SITE)
    if kind == "woocommerce":
        woo = WooConfig(url=SITE, key=KEY, known=known, limits=LIMITS)
        return woo_lister.list_shop(woo, "AUD", transport=transport)[0]
    medusa = MedusaConfig(url=SITE, key=shop.state.key, known=known, limits=LIMITS)
    return medusa_lister.list_shop(medusa, "AUD", transport=transport)[0]


@pytest.mark.parametrize("kind", ["woocommerce", "medusa"])
@settings(max_examples=often(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), from_call=st.integers(1, 5))
def test_nonsense_in_a_list_is_never_a_traceback_and_never_endless(kind: str, seed: int, from_call: int) -> None:
    async def ask() -> bytes:
        lister, said = lister_over(kind, random.Random(seed), from_call=from_call), b""
        for read in (lister.page, lister.brief_page, lambda after: lister.changes(0, after)):
            after: str | None = None
            for _ in range(MAX_PAGES):
                with suppress(ShopError):
                    page: Any = await read(after)
                    said += msgspec.json.encode(page)
                    assert len(page.entries) <= 100
                    assert page.next is None or int(page.next) > int(after or 0)
                    if (after := page.next) is not None:
                        continue
                break
            else:
                pytest.fail("a list that never ends")
        for answer in (lister.read("1"), lister.find("PAD-2"), lister.find("TEE"), lister.categories()):
            with suppress(ShopError):
                said += msgspec.json.encode(await answer)
        return said

    told = asyncio.run(ask())
    assert b"<b>" not in told
    assert "\u202e".encode() not in told
