"""What a shop that turned bad may cost: bytes, requests, lists, and the time of the stores beside it."""

import asyncio
import gc
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.http_client import ClientLimits, UpstreamClient
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.backends.work_budget import BURST_SECONDS, WorkBudget
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopOutcomeUnknown
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.search import SearchQuery
from tests.contract.conftest import Clock, ld, members

pytestmark = pytest.mark.slow

JSON = {"content-type": "application/json"}


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


BOMB = zipped(b"0" * 40_000_000)
MAX_BYTES = 10_000


class CountedPieces(httpx.AsyncByteStream):
    """A body in small pieces; `read` counts them."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.read = 0

    async def __aiter__(self) -> Any:
        for at in range(0, len(self.body), 1000):
            self.read += 1
            yield self.body[at : at + 1000]


def client(body: bytes, coding: str | None, **limits: Any) -> tuple[UpstreamClient, CountedPieces]:
    pieces = CountedPieces(body)
    headers = JSON if coding is None else {**JSON, "content-encoding": coding}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=pieces))
    chosen = ClientLimits(**{"max_bytes": MAX_BYTES, **limits})
    return UpstreamClient.at("https://shop.example", headers={}, limits=chosen, transport=transport), pieces


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"{}", None),
        (b"{}", "identity"),
        (zipped(b"{}"), "gzip"),
        (zipped(b"{}"), " X-GZip "),
        (zipped(b"{}") + b"what comes after the end", "gzip"),
        (b"", "gzip"),
    ],
)
async def test_a_body_is_read_plain_or_in_gzip(body: bytes, coding: str | None) -> None:
    upstream, _ = client(body, coding)
    assert (await upstream.get("/x")).body == (b"{}" if body else b"")


@pytest.mark.parametrize(
    ("body", "coding", "said"),
    [
        (zipped(BOMB), "gzip, gzip", "gzip alone is read"),
        (zlib.compress(b"{}"), "deflate", "gzip alone is read"),
        (b"{}", "br", "gzip alone is read"),
        (BOMB, "gzip", f"more than {MAX_BYTES} bytes"),
        (zipped(b"{}") + b"0" * 50_000, "gzip", f"more than {MAX_BYTES} bytes"),
        (b"0" * 50_000, None, f"more than {MAX_BYTES} bytes"),
        (b"{}", "gzip", "no gzip"),
        (zipped(b"{}" * 90)[:-9], "gzip", "breaks off"),
    ],
)
async def test_no_body_costs_more_than_its_bound(body: bytes, coding: str | None, said: str) -> None:
    upstream, pieces = client(body, coding)
    with pytest.raises(ShopDown) as caught:
        await upstream.get("/x")
    assert said in (caught.value.internal or "")
    assert pieces.read <= MAX_BYTES // 1000 + 1
    with pytest.raises(ShopOutcomeUnknown):
        await upstream.send("POST", "/x")


async def test_an_order_is_taken_for_made_though_its_answer_cannot_be_read() -> None:
    upstream, _ = client(BOMB, "gzip, gzip")
    assert (await upstream.post_once("/x", {})).body == b""


async def test_all_answers_under_way_share_one_bound() -> None:
    upstream, _ = client(b"0" * 9_000, None, max_held_bytes=20_000)
    held = [asyncio.create_task(upstream.get("/x")) for _ in range(3)]
    await asyncio.gather(*held)
    crowded, _ = client(b"0" * 9_000, None, max_held_bytes=5_000)
    with pytest.raises(ShopDown) as caught:
        await crowded.get("/x")
    assert "all answers under way" in (caught.value.internal or "")


async def test_a_tree_that_bites_its_tail_is_walked_once(script: respx.Router, scripted: MahoBackend) -> None:
    """Five children each, among ninety categories in all."""
    asked: list[str] = []

    def below(request: httpx.Request) -> httpx.Response:
        parent = int(request.url.params.get("parentId", "0"))
        asked.append(str(parent))
        return members(*({"id": (parent * 5 + one) % 90 + 1, "name": "C", "childrenCount": 5} for one in range(5)))

    script.get("/categories").mock(side_effect=below)
    tree = await scripted.categories(None, depth=50)

    met = [one.id for one in _all(tree)]
    assert len(met) == len(set(met)) <= 90
    assert len(asked) == len(set(asked)) <= 91


async def test_a_tree_without_an_end_is_cut(script: respx.Router, scripted: MahoBackend) -> None:
    def below(request: httpx.Request) -> httpx.Response:
        parent = int(request.url.params.get("parentId", "0"))
        page = int(request.url.params["page"])
        own = ({"id": parent * 100 + one, "name": "C", "childrenCount": 100} for one in range(1, 100))
        return members(*(own if page == 1 else ()))

    script.get("/categories").mock(side_effect=below)
    assert len(list(_all(await scripted.categories(None, depth=2)))) == 2_000


def _all(tree: Any) -> Iterator[Any]:
    for one in tree:
        yield one
        yield from _all(one.children)


async def test_a_page_of_products_is_as_long_as_it_was_asked_for(script: respx.Router, scripted: MahoBackend) -> None:
    many = [{"id": number, "sku": f"S-{number}", "price": 1} for number in range(8_000)]
    script.get("/products").mock(return_value=members(*many))

    found = await scripted.search(SearchQuery(text="x", size=10))

    assert [one.sku for one in found.products] == [f"S-{number}" for number in range(10)]
    assert (found.total, found.next) == (8_000, "2")


@pytest.mark.parametrize(
    "body",
    [
        {"variants": [{"id": 1, "sku": "a"}] * 1001},
        {"configurableOptions": [{"code": "c"}] * 21},
        {"customOptions": [{"id": 1}] * 101},
        {"id": 10**30},
        {"price": 0, "priceType": 0, "bundleOptions": [{"selections": [{"price": "1e999999", "defaultQty": 10}]}]},
    ],
)
async def test_a_product_that_no_shop_has_is_no_product(
    script: respx.Router, scripted: MahoBackend, body: dict[str, Any]
) -> None:
    script.get("/products").mock(return_value=members({"id": 1, "sku": "PAD-1"}))
    script.get("/products/1").mock(return_value=ld({"id": 1, "sku": "PAD-1", "price": 1, **body}))
    with pytest.raises(ShopDown):
        await scripted.product("PAD-1")


@pytest.mark.parametrize(
    "content",
    [
        "<blockquote>" * 4_000 + "deep",
        "<ul><li>" * 3_000 + "deep",
        "<p>" + "".join(f"<b i={one}>" for one in range(3_000)) + "</p>" + "<p>deep</p>" * 3_000,
        "<br>" * 9_000 + "deep",
    ],
)
async def test_a_page_that_would_cost_too_much_is_reduced_to_its_text(
    script: respx.Router, scripted: MahoBackend, content: str
) -> None:
    script.get("/cms-pages").mock(return_value=members({"identifier": "a", "title": "A", "content": content}))
    page = await scripted.page("a")
    assert "deep" in page.markdown
    assert set(re.findall("<[a-z]+", page.html)) <= {"<br"}
    assert len(page.html) <= 110_000


async def test_a_page_is_made_beside_the_event_loop_and_charged_to_its_store(script: respx.Router) -> None:
    content = "<p>a <b>b</b></p>" * 1_400
    script.get("/cms-pages").mock(return_value=members({"identifier": "a", "title": "A", "content": content}))
    charged: list[float] = []
    budget = WorkBudget(0.5)
    budget.charge = charged.append  # type: ignore[method-assign]
    transport = httpx.MockTransport(script.async_handler)
    backend, close = connect(MahoConfig(url="https://shop.example"), "USD", transport=transport, budget=budget)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await backend.page("a")
    beside.cancel()
    await close()
    assert turns > 100, "the loop went on"
    assert max(charged) > 0


class SpentTime:
    """Processor time that work uses when it says so."""

    def __init__(self) -> None:
        self.used = 0.0

    def __call__(self) -> float:
        return self.used


async def test_a_store_whose_answers_cost_too_much_waits_and_goes_on(clock: Clock) -> None:
    spent = SpentTime()
    budget = WorkBudget(0.25, clock=clock, used=spent)

    async def work() -> str:
        for _ in range(3):
            spent.used += BURST_SECONDS
            await asyncio.sleep(0)
        return "done"

    budget.check()
    assert await budget.meter(work) == "done"
    with pytest.raises(ShopBusy) as caught:
        budget.check()
    assert caught.value.retry_after == 8, "two seconds too many, at a quarter of the time"
    clock.now += 8.1
    budget.check()
    clock.now += 10_000
    budget.charge(BURST_SECONDS + 0.1)
    with pytest.raises(ShopBusy):
        budget.check()


async def test_metered_work_may_fail_be_cancelled_and_handle_errors() -> None:
    budget = WorkBudget(1.0)
    never = asyncio.Event()

    async def stubborn() -> str:
        try:
            await never.wait()
        except asyncio.CancelledError:
            return "cleaned up"
        return ""

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ShopDown(internal="x")

    task = asyncio.ensure_future(budget.meter(stubborn))
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "cleaned up"
    with pytest.raises(ShopDown):
        await budget.meter(failing)


@pytest.mark.filterwarnings("error")
async def test_metered_work_that_is_cancelled_before_it_began_was_never_made() -> None:
    made: list[str] = []

    async def work() -> None:
        made.append("work")

    task = asyncio.ensure_future(WorkBudget(1.0).meter(work))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    gc.collect()
    assert made == []


async def test_a_spent_budget_refuses_questions_and_not_what_is_paid(script: respx.Router) -> None:
    script.get("/guest-carts/0123456789abcdef0123456789abcdef").mock(return_value=ld({"items": [], "currency": "USD"}))
    budget = WorkBudget(0.01)
    budget.charge(5)
    transport = httpx.MockTransport(script.async_handler)
    backend, close = connect(MahoConfig(url="https://shop.example"), "USD", transport=transport, budget=budget)
    questions: list[Callable[[], Any]] = [
        lambda: backend.search(SearchQuery(text="x")),
        lambda: backend.facets(CategoryId("1")),
        backend.create_cart,
    ]
    for question in questions:
        with pytest.raises(ShopBusy):
            await question()
    assert not script.calls
    assert await backend.find_order("0123456789abcdef0123456789abcdef", "chk_1") is None  # type: ignore[arg-type]
    await close()


async def test_a_tree_of_categories_that_is_read_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront_mcp.backends.maho.MAX_READ_SECONDS", 0.01)
    never = asyncio.Event()

    async def silent(_: httpx.Request) -> httpx.Response:
        await never.wait()
        raise AssertionError

    backend, close = connect(MahoConfig(url="https://shop.example"), "USD", transport=httpx.MockTransport(silent))
    with pytest.raises(ShopDown) as caught:
        await backend.categories(None, depth=3)
    assert "no whole answer" in (caught.value.internal or "")
    await close()


def test_a_cache_is_bounded_by_weight() -> None:
    kept = TtlCache[str, tuple[int, ...]](size=5, seconds=60, clock=lambda: 0.0, weigh=len)
    kept["light"] = (1, 2, 3)
    with pytest.raises(ValueError, match="too large"):
        kept["heavy"] = tuple(range(6))
    assert kept.find("light") == (1, 2, 3)
    kept["other"] = (1, 2, 3)
    assert kept.find("light") is None


async def test_without_a_website_nothing_names_the_address_of_the_upstream(script: respx.Router) -> None:
    told = {
        "id": 1, "sku": "PAD-1", "name": "Paddle", "price": 1, "urlPath": "paddle.html",
        "imageUrl": "https://shop.example/media/a.png", "description": "See https://shop.example/paddle",
    }  # fmt: skip
    content = '<a href="/contact">Us</a> <a href="https://shop.example/a">a</a> <img src="https://shop.example/b.png">'
    script.get("/products").mock(return_value=members(told))
    script.get("/products/1").mock(return_value=ld(told))
    script.get("/cms-pages").mock(return_value=members({"identifier": "a", "title": "A", "content": content}))
    for known, named in ((KnownOrigins(), False), (KnownOrigins("https://www.pickle.example"), False),
                         (KnownOrigins("https://shop.example"), True)):  # fmt: skip
        config = MahoConfig(url="https://shop.example", known=known)
        backend, close = connect(config, "USD", transport=httpx.MockTransport(script.async_handler))
        product, page = await backend.product("PAD-1"), await backend.page("a")
        assert ("shop.example" in f"{product} {page}") is named
        assert product.url == (f"{known.website}/paddle.html" if known.website else None)
        await close()
