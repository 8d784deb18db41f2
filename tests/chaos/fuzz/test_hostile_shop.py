"""Nothing that a shop answers breaks the adapter, holds up the event loop, or shows an agent a foreign address."""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import pytest
from hypothesis import event, given, settings, strategies as st

from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, ServiceAccountCredentials, connect
from storefront_mcp.commerce.address import Address, PostalAddress
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.order import Order, OrderDraft, OrderSettlement
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.search import SearchQuery
from tests.chaos.fuzz.hostile_shop import EVIL, FORMATTED, NO_JSON, REPEATED, HostileShop, shops

CART: Final = CartId("0123456789abcdef" * 2)
HOME: Final = PostalAddress(
    first_name="Ada",
    last_name="L",
    street="1 Way",
    city="Perth",
    region="WA",
    postcode="6000",
    country="AU",
    phone="123",
)
DRAFT: Final = OrderDraft(
    email="ada@example.com", shipping_address=HOME, billing_address=HOME, shipping_method="flat_flat"
)
SETTLEMENT: Final = OrderSettlement(method="card", payment="pi_1", reference="chk_1")

CALLS: Final[tuple[Callable[[MahoBackend], Awaitable[Any]], ...]] = (
    lambda shop: shop.search(SearchQuery(text="paddle", size=10)),
    lambda shop: shop.search(SearchQuery(text="paddle", category=CategoryId("1"))),
    lambda shop: shop.product("PAD-1"),
    lambda shop: shop.categories(None, depth=5),
    lambda shop: shop.category("all"),
    lambda shop: shop.facets(CategoryId("1")),
    lambda shop: shop.page("returns"),
    lambda shop: shop.create_cart(),
    lambda shop: shop.cart(CART),
    lambda shop: shop.add_line(CART, Sku("PAD-1"), 1, {"Text": "x"}),
    lambda shop: shop.update_line(CART, LineId("7"), 2),
    lambda shop: shop.remove_line(CART, LineId("7")),
    lambda shop: shop.apply_coupon(CART, "TEN"),
    lambda shop: shop.apply_gift_card(CART, "GC-1"),
    lambda shop: shop.remove_gift_card(CART, "GC-1"),
    lambda shop: shop.shipping_methods(CART, Address(country="AU", region="WA")),
    lambda shop: shop.quote_order(CART, DRAFT),
    lambda shop: shop.preview_order(CART, DRAFT),
    lambda shop: shop.payment_methods(CART),
    lambda shop: shop.place_order(CART, DRAFT, SETTLEMENT),
    lambda shop: shop.find_order(CART, "chk_1"),
    lambda shop: shop.order_progress(Order(number="100")),
)
MAX_STEP_SECONDS: Final = 1.0
"""Of processor time that one callback of the loop may take: what the worst answers cost, several times over."""
MAX_CALL_SECONDS: Final = 8.0
"""The same of one call, in all threads, its tree of categories included."""
MAX_REQUESTS: Final = 3_000
MAX_RESULT_BYTES: Final = 3_000_000
MAX_MESSAGE_CHARS: Final = 20_000
MIN_LONG_BYTES: Final = 10_000
MAX_HELD_BYTES: Final = 20_000_000
"""Of the last answers, by whoever asked: a few of five million bytes."""
MEASURED: Final = (30, 300)
"""After how many examples it is counted what is kept of them: the tests' own memory is bounded, a leak is not."""
LURED: Final = ("javascript:", "10.0.0.7", "upstream.internal", "data:text")


class StepClock:
    """The longest callback that an event loop ran, in seconds of processor time: other processes do not count."""

    def __init__(self, shop: HostileShop) -> None:
        self.longest = 0.0
        self._shop = shop

    @contextmanager
    def watching(self) -> Iterator[None]:
        original = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time() - self._shop.drawing_seconds
            original(handle)
            self.longest = max(self.longest, time.thread_time() - self._shop.drawing_seconds - began)

        # A collection looks through all that the other tests of this process keep, unless that is spared.
        gc.freeze()
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(asyncio.Handle, "_run", timed)
                yield
        finally:
            gc.unfreeze()


def shown_to_agents(result: Any) -> str:
    """All texts of a result but the secrets that stay here; of a page its Markdown, as HTML is for browsers."""
    if isinstance(result, ShopPage):
        result = msgspec.structs.replace(result, html="")
    if isinstance(result, Order):
        result = msgspec.structs.replace(result, token=None)
    if isinstance(result, Cart):
        result = msgspec.structs.replace(result, cart_id=CART)
    return msgspec.json.encode(result).decode()


async def survives(shop: HostileShop, call: Callable[[MahoBackend], Awaitable[Any]]) -> None:
    """Answered or refused in the shop's words, within bounds, and clean."""
    config = MahoConfig(
        url="https://upstream.internal",
        known=KnownOrigins("https://shop.example"),
        account=ServiceAccountCredentials(client_id="id", client_secret="secret"),
        limits=ClientLimits(failures=10**9),
    )
    backend, close = connect(config, "USD", transport=shop)
    clock, began = StepClock(shop), time.process_time()
    try:
        with clock.watching():
            result = await call(backend)
    except ShopError as error:
        event(f"{type(error).__name__}")
        text, most = str(error), MAX_MESSAGE_CHARS
    else:
        event(f"answered {type(result).__name__}")
        text, most = shown_to_agents(result), MAX_RESULT_BYTES
        if not isinstance(result, ShopPage):
            assert EVIL not in text
        assert f"](https://{EVIL}" not in text.replace("\\[", "") or "![" not in text
    finally:
        await close()
    used = time.process_time() - began - shop.drawing_seconds
    assert len(text) <= most
    assert not any(lure in text for lure in LURED), text[:2_000]
    assert clock.longest < MAX_STEP_SECONDS, clock.longest
    assert used < MAX_CALL_SECONDS, used
    assert shop.asked <= MAX_REQUESTS


def long_bytes() -> int:
    """Of all long texts and bytes that anything alive holds, apart from those that each example is made of."""
    gc.collect()
    shared = {id(text) for text in (*REPEATED, *FORMATTED, *NO_JSON)}
    held = {
        id(text): sys.getsizeof(text)
        for holder in gc.get_objects()
        for text in gc.get_referents(holder)
        if isinstance(text, str | bytes) and len(text) > MIN_LONG_BYTES and id(text) not in shared
    }
    return sum(held.values())


@pytest.mark.slow
def test_answers_are_kept_neither_by_the_adapter_nor_by_the_test() -> None:
    answered = [0]
    kept: list[int] = []

    @given(shops, st.sampled_from(CALLS))
    @settings(max_examples=MEASURED[-1], database=None)
    def answer(shop: HostileShop, call: Callable[[MahoBackend], Awaitable[Any]]) -> None:
        asyncio.run(survives(shop, call))
        answered.append(answered[-1] + sum(len(one._body or b"") for one in shop.answers.values()))
        shop.answers.clear()
        measured = any(at - 5 <= len(kept) < at for at in MEASURED)
        kept.append(long_bytes() if measured else 0)

    answer()
    # What was asked last may still be held by whoever asked; what is kept is held after each, and grows.
    early, late = (min(kept[at - 5 : at]) for at in MEASURED)
    new = answered[MEASURED[1]] - answered[MEASURED[0]]
    assert len(kept) >= MEASURED[-1]
    assert late - early < new / 4 + MAX_HELD_BYTES, (early, late, new)


@given(shops, st.sampled_from(CALLS))
@settings(max_examples=60)
@pytest.mark.slow
def test_a_few_hostile_answers_come_to_nothing(
    shop: HostileShop, call: Callable[[MahoBackend], Awaitable[Any]]
) -> None:
    asyncio.run(survives(shop, call))


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.timeout(3600)
@given(shops, st.sampled_from(CALLS))
@settings(max_examples=1_000)
def test_thousands_of_hostile_answers_come_to_nothing(
    shop: HostileShop, call: Callable[[MahoBackend], Awaitable[Any]]
) -> None:
    asyncio.run(survives(shop, call))
