"""What was said is said again as long as the rules allow, equal questions are asked once, and outages are marked."""

import asyncio
import contextlib
import random

import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp import commerce
from storefront_mcp.catalogue.cache_freshness import NO_CACHING, CatalogueFreshness, FreshnessRule
from storefront_mcp.catalogue.cache_memory import MAX_MISSING, MAX_SHARE, CacheMemory
from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.errors import (
    CategoryNotFound,
    OutOfStock,
    PageNotFound,
    ProductNotFound,
    ShopBusy,
    ShopDown,
    ShopError,
)
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.instrumentation import JOB_STORE, REQUEST_CONTEXT, RequestContext
from tests.fakes.memory_backend import PADDLES, aud
from tests.unit.catalogue.conftest import CacheBench

PADDLE = SearchQuery(text="paddle")


def stop(bench: CacheBench, error: ShopError | None = None) -> None:
    bench.shop.error = ShopDown(internal="500") if error is None else error


def goods_of(bench: CacheBench, count: int) -> None:
    """Have the shop sell so many things."""
    shown = bench.backend.products[0]
    bench.backend.products = tuple(
        replace(shown, sku=Sku(f"P-{number}"), name=f"Thing x{number}x", url_key=None) for number in range(count)
    )


async def read_either(bench: CacheBench, number: int, *, by_text: bool) -> SearchPage | Product:
    """One of the goods by its name or its SKU, which is the one that was asked for."""
    if by_text:
        page = await bench.reader.search(SearchQuery(text=f"thing x{number}x"))
        assert [one.sku for one in page.products] == [f"P-{number}"]
        return page
    product = await bench.reader.product(f"P-{number}")
    assert product.sku == f"P-{number}"
    return product


async def settle(bench: CacheBench) -> None:
    """Wait until nothing is asked any more."""
    while bench.cache._flights:
        await asyncio.gather(*bench.cache._flights.values(), return_exceptions=True)
        await asyncio.sleep(0)


async def test_a_read_is_asked_once_and_says_from_then_on_when_the_shop_said_it(bench: CacheBench) -> None:
    first, second = await bench.reader.product("PAD-2"), await bench.reader.product("PAD-2")

    assert (first.as_of, second.as_of) == (None, "2027-01-15T08:00:00Z")
    assert replace(second, as_of=None) == first
    assert bench.shop.calls == {"product": 1}


@pytest.mark.parametrize("read", ["search", "product", "categories", "category", "facets", "page", "store_facts"])
async def test_every_read_of_the_catalogue_is_remembered(bench: CacheBench, read: str) -> None:
    ways = {
        "search": lambda: bench.reader.search(PADDLE),
        "product": lambda: bench.reader.product("carbon-paddle"),
        "categories": lambda: bench.reader.categories(None, depth=2),
        "category": lambda: bench.reader.category("jars"),
        "facets": lambda: bench.reader.facets(PADDLES),
        "page": lambda: bench.reader.page("shipping"),
        "store_facts": bench.reader.store_facts,
    }
    for _ in range(3):
        assert await ways[read]()

    assert bench.shop.calls == {read: 1}


async def test_words_that_ask_for_the_same_are_asked_once(bench: CacheBench) -> None:
    for text in ("carbon  paddle", "Carbon paddle", " CARBON PADDLE "):
        assert (await bench.reader.search(SearchQuery(text=text))).total == 1
    await bench.reader.search(SearchQuery(text="carbon paddle", size=5))

    assert bench.shop.calls == {"search": 2}


async def test_filters_that_say_the_same_are_asked_once(bench: CacheBench) -> None:
    colours, size = ("colour", ("Blue", "Red")), ("size", ("M",))
    for filters in ((colours, size), (size, ("colour", ("Red", "Blue")))):
        await bench.reader.search(SearchQuery(text="tee", filters=filters))
    await bench.reader.search(SearchQuery(text="tee", filters=(size,)))

    assert bench.shop.calls == {"search": 2}


async def test_skus_that_differ_by_case_are_two_products(bench: CacheBench) -> None:
    await bench.reader.product("PAD-2")
    with pytest.raises(ProductNotFound):
        await bench.reader.product("pad-2")


async def test_an_old_product_is_asked_for_while_the_caller_waits(bench: CacheBench) -> None:
    await bench.reader.product("PAD-2")
    bench.backend.products = (replace(bench.backend.products[0], price=aud(100)),)
    bench.clock.advance(31)

    assert (await bench.reader.product("PAD-2")).price == aud(100)
    assert bench.shop.calls == {"product": 2}


async def test_an_old_search_is_said_again_while_it_is_asked_behind(bench: CacheBench) -> None:
    await bench.reader.search(PADDLE)
    bench.backend.products = ()
    bench.clock.advance(200)

    old = await bench.reader.search(PADDLE)
    assert (old.total, old.stale) == (1, False)
    await settle(bench)

    assert (await bench.reader.search(PADDLE)).total == 0
    assert bench.shop.calls == {"search": 2}


async def test_what_is_too_old_to_be_said_again_is_asked_for(bench: CacheBench) -> None:
    await bench.reader.search(PADDLE)
    bench.backend.products = ()
    bench.clock.advance(4_000)

    assert (await bench.reader.search(PADDLE)).total == 0


async def test_a_popular_read_is_refreshed_before_its_time_is_over() -> None:
    bench = CacheBench(chance=1e-9)
    bench.shop.gate.clear()
    first = asyncio.create_task(bench.reader.product("PAD-2"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.clock.advance(1)
    bench.shop.gate.set()
    await first
    bench.clock.advance(18)
    assert (await bench.reader.product("PAD-2")).as_of is not None
    await settle(bench)

    assert bench.shop.calls == {"product": 2}


async def test_reads_that_were_made_together_grow_old_at_different_times() -> None:
    early, late = CacheBench(chance=0.0), CacheBench(chance=1.0)
    for bench in (early, late):
        await bench.reader.product("PAD-2")
        bench.clock.advance(30)
        await bench.reader.product("PAD-2")

    assert (early.shop.total, late.shop.total) == (2, 1)


async def test_two_hundred_equal_misses_are_one_question(bench: CacheBench) -> None:
    bench.shop.gate.clear()
    waiting = [asyncio.create_task(bench.reader.product("PAD-2")) for _ in range(200)]
    await asyncio.sleep(0)
    bench.shop.gate.set()

    assert {one.sku for one in await asyncio.gather(*waiting)} == {"PAD-2"}
    assert bench.shop.calls == {"product": 1}
    assert bench.cache.counts["joined"] == 199


async def test_a_caller_that_hangs_up_costs_the_others_nothing(bench: CacheBench) -> None:
    bench.shop.gate.clear()
    leader, *followers = [asyncio.create_task(bench.reader.product("PAD-2")) for _ in range(3)]
    await asyncio.sleep(0)
    leader.cancel()
    await asyncio.gather(leader, return_exceptions=True)
    bench.shop.gate.set()

    assert leader.cancelled()
    assert {one.sku for one in await asyncio.gather(*followers)} == {"PAD-2"}
    assert bench.shop.calls == {"product": 1}


async def test_all_who_wait_hear_of_a_failure_and_the_next_one_asks_again(bench: CacheBench) -> None:
    stop(bench)
    heard = await asyncio.gather(*(bench.reader.product("PAD-2") for _ in range(3)), return_exceptions=True)
    bench.shop.error = None

    assert all(isinstance(one, ShopDown) for one in heard)
    assert (await bench.reader.product("PAD-2")).sku == "PAD-2"
    assert bench.shop.calls == {"product": 2}


@pytest.mark.parametrize("error", [ShopDown(internal="500"), ShopBusy(retry_after=30)], ids=["down", "busy"])
async def test_an_outage_of_an_hour_is_browsed_through_and_marked(bench: CacheBench, error: ShopError) -> None:
    await bench.reader.product("PAD-2")
    await bench.reader.search(PADDLE)
    await bench.reader.categories(None, depth=1)
    stop(bench, error)
    bench.clock.advance(3_500)

    product, found = await bench.reader.product("PAD-2"), await bench.reader.search(PADDLE)
    assert (product.stale, product.as_of, found.stale) == (True, "2027-01-15T08:00:00Z", True)
    await bench.reader.categories(None, depth=1)
    await settle(bench)
    assert [one.stale for one in await bench.reader.categories(None, depth=1)] == [True, True]

    bench.clock.advance(200)
    with pytest.raises(type(error)):
        await bench.reader.product("PAD-2")


async def test_a_shop_that_is_down_is_asked_once_in_five_seconds_for_each_key(bench: CacheBench) -> None:
    await bench.reader.product("PAD-2")
    stop(bench)
    bench.clock.advance(60)
    for _ in range(10):
        assert (await bench.reader.product("PAD-2")).stale
        bench.clock.advance(0.9)

    assert bench.shop.calls == {"product": 3}


async def test_nothing_thunders_when_the_shop_is_back(bench: CacheBench) -> None:
    keys = ["PAD-2", "SHIRT", "JAR-1", "NET-0"]
    for key in keys:
        await bench.reader.product(key)
    stop(bench)
    bench.clock.advance(600)
    for key in keys:
        await bench.reader.product(key)
    bench.shop.error = None
    bench.clock.advance(6)
    bench.shop.calls.clear()

    answers = await asyncio.gather(*(bench.reader.product(key) for key in keys for _ in range(50)))
    assert not any(one.stale for one in answers)
    assert bench.shop.calls == {"product": 4}


async def test_ten_minutes_of_an_outage_under_load_are_browsed_through_and_end_with_one_question_a_key(
    bench: CacheBench,
) -> None:
    """Twenty reads at once, each second, after Zipf."""
    goods_of(bench, 100)
    draw = random.Random(4)
    weights = [1 / rank for rank in range(1, 101)]
    for number in range(100):
        await read_either(bench, number, by_text=True)
        await read_either(bench, number, by_text=False)
    stop(bench)
    bench.clock.advance(301)  # what may be said again while it is asked behind is older than that
    bench.shop.asked.clear()
    for _ in range(600):
        bench.clock.advance(1)
        chosen = draw.choices(range(100), weights, k=20)
        shown = await asyncio.gather(*(read_either(bench, one, by_text=draw.random() < 0.5) for one in chosen))
        assert all(one.stale and one.as_of for one in shown)
    await settle(bench)
    assert 0 < max(bench.shop.asked.values()) <= 600 / 5

    bench.shop.error = None
    bench.clock.advance(6)
    bench.shop.asked.clear()
    keys = [(number, by_text) for number in range(100) for by_text in (True, False)]
    shown = await asyncio.gather(
        *(read_either(bench, one, by_text=by_text) for _ in range(20) for one, by_text in keys)
    )
    assert not any(one.stale for one in shown)
    assert len(bench.shop.asked) == len(keys)
    assert set(bench.shop.asked.values()) == {1}


async def test_a_shop_that_hangs_is_not_waited_for_where_an_old_answer_is_at_hand() -> None:
    bench = CacheBench(outage_wait=0.0)
    await bench.reader.product("PAD-2")
    bench.shop.gate.clear()
    bench.clock.advance(60)

    assert (await bench.reader.product("PAD-2")).stale
    bench.shop.gate.set()
    await settle(bench)
    assert not (await bench.reader.product("PAD-2")).stale


async def test_what_the_shop_refuses_for_another_reason_is_said_though_an_old_answer_is_at_hand(
    bench: CacheBench,
) -> None:
    await bench.reader.product("NET-0")
    stop(bench, OutOfStock("NET-0"))
    bench.clock.advance(60)

    with pytest.raises(OutOfStock):
        await bench.reader.product("NET-0")


async def test_what_is_not_there_is_remembered_for_a_minute(bench: CacheBench) -> None:
    for _ in range(3):
        with pytest.raises(ProductNotFound, match="'GONE'"):
            await bench.reader.product("GONE")
        with pytest.raises(CategoryNotFound):
            await bench.reader.category("nowhere")
        with pytest.raises(PageNotFound):
            await bench.reader.page("imprint")
    assert bench.shop.calls == {"product": 1, "category": 1, "page": 1}
    bench.clock.advance(61)
    with pytest.raises(ProductNotFound):
        await bench.reader.product("GONE")

    assert bench.shop.calls["product"] == 2


async def test_a_listed_product_that_is_not_there_is_looked_for_again_after_ten_seconds(bench: CacheBench) -> None:
    await bench.reader.search(PADDLE)
    bench.backend.products = ()
    for seconds in (0, 9, 2):
        bench.clock.advance(seconds)
        with pytest.raises(ProductNotFound):
            await bench.reader.product("PAD-2")

    assert bench.shop.calls["product"] == 2


async def test_a_product_that_is_gone_is_forgotten(bench: CacheBench) -> None:
    await bench.reader.product("PAD-2")
    bench.backend.products = ()
    bench.clock.advance(40)
    with pytest.raises(ProductNotFound):
        await bench.reader.product("PAD-2")
    stop(bench)

    with pytest.raises(ProductNotFound):
        await bench.reader.product("PAD-2")


async def test_a_changed_product_is_forgotten_with_its_family_and_the_searches_that_show_it(bench: CacheBench) -> None:
    shirts = SearchQuery(text="shirt")
    for _ in range(2):
        await bench.reader.product("SHIRT")
        await bench.reader.search(shirts)
        await bench.reader.search(PADDLE)
        bench.cache.forget(["shirt-l"])
    await bench.reader.product("PAD-2")
    await bench.reader.search(PADDLE)

    assert bench.shop.calls == {"product": 3, "search": 3}


async def test_an_answer_that_was_asked_for_before_a_change_is_not_kept(bench: CacheBench) -> None:
    for forget in (lambda: bench.cache.forget(["PAD-2"]), bench.cache.forget_all):
        bench.shop.gate.clear()
        asking = asyncio.create_task(bench.reader.product("PAD-2"))
        await asyncio.sleep(0)
        forget()
        bench.shop.gate.set()
        assert (await asking).sku == "PAD-2"
    bench.clock.advance(1)
    await bench.reader.product("PAD-2")
    await bench.reader.product("PAD-2")

    assert bench.shop.calls == {"product": 3}


async def test_more_changes_than_can_be_remembered_are_a_change_of_everything(bench: CacheBench) -> None:
    await bench.reader.search(PADDLE)
    bench.cache.forget(f"SKU-{number}" for number in range(10_000))
    bench.clock.advance(1)
    await bench.reader.search(PADDLE)

    assert bench.shop.calls == {"search": 2}
    assert not bench.cache._changes


async def test_a_clock_that_is_set_forward_or_back_changes_no_life(bench: CacheBench) -> None:
    await bench.reader.product("PAD-2")
    for jump in (86_400, -86_400):
        bench.clock.jumped = jump
        assert not (await bench.reader.product("PAD-2")).stale

    assert bench.shop.calls == {"product": 1}


async def test_a_rule_of_zero_seconds_asks_each_time_as_the_caller() -> None:
    bench = CacheBench(NO_CACHING)
    for _ in range(2):
        assert (await bench.reader.product("PAD-2")).as_of is None

    assert bench.shop.calls == {"product": 2}
    assert len(bench.memory) == 0


async def test_a_question_carries_the_request_s_id_and_none_of_its_headers(bench: CacheBench) -> None:
    seen: list[RequestContext | None] = []

    async def ask(key: str) -> CatalogueValue:
        seen.append(REQUEST_CONTEXT.get())
        assert JOB_STORE.get() == "pickle"
        return await bench.backend.product(key)

    bench.shop.product = ask  # type: ignore[assignment]
    secret = RequestContext(
        headers=[(b"authorization", b"Bearer secret"), (b"x-request-id", b"abc")], holder="192.0.2.1"
    )
    token = REQUEST_CONTEXT.set(secret)
    try:
        await bench.reader.product("PAD-2")
    finally:
        REQUEST_CONTEXT.reset(token)

    (context,) = seen
    assert context is not None
    assert (context.id, context.headers, context.holder) == ("abc", (), "")


async def test_a_refresh_behind_is_nobody_s_request(bench: CacheBench) -> None:
    await bench.reader.search(PADDLE)
    seen: list[RequestContext | None] = []
    search = bench.shop.search

    async def ask(query: SearchQuery) -> CatalogueValue:
        seen.append(REQUEST_CONTEXT.get())
        return await search(query)

    bench.reader._backend = bench.shop
    bench.shop.search = ask  # type: ignore[assignment]
    bench.clock.advance(60)
    token = REQUEST_CONTEXT.set(RequestContext(headers=[(b"x-request-id", b"abc")]))
    try:
        await bench.reader.search(PADDLE)
    finally:
        REQUEST_CONTEXT.reset(token)
    await settle(bench)

    assert seen == [None]


async def test_what_is_under_way_ends_with_the_server(bench: CacheBench) -> None:
    bench.shop.gate.clear()
    asking = asyncio.create_task(bench.reader.product("PAD-2"))
    await asyncio.sleep(0)
    await bench.cache.close()

    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert asking.cancelled()
    assert not bench.cache._flights


async def test_a_question_that_never_ends_is_given_up(bench: CacheBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.catalogue.cache.FLIGHT_SECONDS", 0.0)
    bench.shop.gate.clear()

    with pytest.raises(ShopDown):
        await bench.reader.product("PAD-2")


async def test_the_memory_is_bounded_in_bytes_and_the_least_read_goes_first() -> None:
    bench = CacheBench(max_bytes=100_000)
    for number in range(100):
        await bench.reader.search(SearchQuery(text=f"paddle {number}"))
        await bench.reader.search(SearchQuery(text="paddle 0"))

    assert 0 < bench.memory.bytes <= 100_000
    assert 10 < len(bench.memory) < 100
    before = bench.shop.total
    await bench.reader.search(SearchQuery(text="paddle 0"))
    assert bench.shop.total == before


async def test_one_value_does_not_fill_the_memory() -> None:
    bench = CacheBench(max_bytes=20_000)
    large = replace(bench.backend.products[0], description="x" * (20_000 // MAX_SHARE))
    bench.backend.products = (large,)
    for _ in range(2):
        await bench.reader.product("PAD-2")

    assert (bench.memory.bytes, bench.shop.total) == (0, 2)


async def test_guessed_skus_push_out_no_product(bench: CacheBench) -> None:
    await bench.reader.product("PAD-2")
    for number in range(MAX_MISSING + 5):
        with pytest.raises(ProductNotFound):
            await bench.reader.product(f"GUESS-{number}")
    before = bench.shop.total
    await bench.reader.product("PAD-2")

    assert bench.shop.total == before
    assert len(bench.memory._missing) == MAX_MISSING


def test_an_entry_that_is_put_again_is_weighed_once() -> None:
    memory = CacheMemory(max_bytes=100)
    memory.drop(("product", "A"))

    assert (len(memory), memory.bytes, memory.is_listed("A")) == (0, 0, False)


async def test_ten_thousand_reads_as_shoppers_make_them_are_a_tenth_of_the_questions() -> None:
    """Popularity after Zipf, a hundred products, a hundred reads a second."""
    bench = CacheBench()
    goods_of(bench, 100)
    draw = random.Random(17)
    weights = [1 / rank for rank in range(1, 101)]
    for number in draw.choices(range(100), weights, k=10_000):
        bench.clock.advance(0.01)
        shown = await read_either(bench, number, by_text=draw.random() < 0.5)
        assert not shown.stale
    await settle(bench)

    # Each of them was asked for, and none of them often.
    assert len(bench.shop.asked) == 200
    assert bench.shop.total <= 10_000 // 10, bench.shop.calls


VALUES = [one for one in CatalogueValue.__subclasses__() if one.__module__.startswith(commerce.__name__)]


@pytest.mark.parametrize("kind", VALUES)
def test_nothing_of_a_buyer_can_be_of_the_type_that_is_cached(kind: type[Struct]) -> None:
    words = {word for field in kind.__struct_fields__ for word in field.split("_")}

    assert not words & {"cart", "email", "address", "handle", "token", "coupon", "customer", "checkout"}


def test_a_life_ends_with_its_longest_rule() -> None:
    assert CatalogueFreshness().product.longest == 3_600
    assert FreshnessRule(fresh=30, refreshing=300).longest == 300
