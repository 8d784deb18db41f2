"""How each way a shop can fail is said in the shop's words, and how often it is asked."""

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal

import httpx
import msgspec
import pytest

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.http_client import CircuitBreaker, ClientLimits, UpstreamClient
from storefront_mcp.backends.upstream_messages import redacted
from storefront_mcp.commerce import errors
from tests.contract.conftest import CART, Clock
from tests.serving import served

HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json"}
PATH = f"/guest-carts/{CART}/items"


class Price(msgspec.Struct):
    price: Decimal


class Shop:
    """Answers what it was told to, and counts."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | httpx.Response | Exception) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(request) if callable(self.answer) else self.answer


def upstream(shop: Shop, clock: Callable[[], float] = lambda: 0.0, **limits: float) -> UpstreamClient:
    chosen = msgspec.convert({"total": 5, **limits}, ClientLimits)
    return UpstreamClient.at(
        "https://shop.example/api", headers={}, limits=chosen, transport=httpx.MockTransport(shop), clock=clock
    )


def answer(status: int, body: str = "{}", headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, content=body.encode(), headers=headers or JSON)


async def price(chain: UpstreamClient, method: str) -> Price:
    answered = await (chain.get(PATH) if method == "GET" else chain.send(method, PATH))
    return answered.read(Price)


FAILURES = [
    # what happens, what a read says, what a write says, how often a read is asked
    pytest.param(httpx.ConnectError("no route"), errors.ShopDown, errors.ShopDown, 2, id="no connection"),
    pytest.param(httpx.ConnectTimeout(""), errors.ShopDown, errors.ShopDown, 1, id="connecting takes too long"),
    pytest.param(httpx.PoolTimeout(""), errors.ShopDown, errors.ShopDown, 1, id="no free connection"),
    pytest.param(httpx.ReadTimeout(""), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="no answer in time"),
    pytest.param(httpx.WriteTimeout(""), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="sending takes too long"),
    pytest.param(httpx.ReadError("reset"), errors.ShopDown, errors.ShopOutcomeUnknown, 2, id="connection lost"),
    pytest.param(httpx.WriteError("reset"), errors.ShopDown, errors.ShopOutcomeUnknown, 2, id="lost while sending"),
    pytest.param(httpx.RemoteProtocolError("gone"), errors.ShopDown, errors.ShopOutcomeUnknown, 2, id="hung up"),
    pytest.param(answer(500), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="500"),
    pytest.param(answer(502, "<p>", HTML), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="502 HTML"),
    pytest.param(answer(503), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="503"),
    pytest.param(answer(304, ""), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="304"),
    pytest.param(answer(429), errors.ShopBusy, errors.ShopBusy, 1, id="429"),
    pytest.param(
        answer(302, "", {"location": "/login"}), errors.ShopMisconfigured, errors.ShopMisconfigured, 1, id="302"
    ),
    pytest.param(answer(200, "<html>", HTML), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="HTML"),
    pytest.param(answer(200, "{", {}), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="no content type"),
    pytest.param(answer(404, "<html>", HTML), errors.ShopMisconfigured, errors.ShopMisconfigured, 1, id="404 HTML"),
    pytest.param(answer(403, "<html>", HTML), errors.ShopDown, errors.ShopDown, 1, id="403 HTML"),
    pytest.param(answer(200, "x" * 2000), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="too long"),
    pytest.param(answer(200, '{"price": 1'), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="truncated"),
    pytest.param(answer(200, '{"price": []}'), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="wrong type"),
    pytest.param(answer(200, "[]"), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="wrong shape"),
    pytest.param(answer(200, ""), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="nothing"),
    pytest.param(answer(200, '{"price": ' + "[" * 900), errors.ShopDown, errors.ShopOutcomeUnknown, 1, id="deep"),
]


@pytest.mark.parametrize(("failure", "reading", "writing", "asked"), FAILURES)
async def test_a_failure_is_said_in_the_shops_words(
    failure: httpx.Response | Exception,
    reading: type[errors.ShopError],
    writing: type[errors.ShopError],
    asked: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = Shop(
        failure
        if isinstance(failure, Exception)
        else lambda _: answer(failure.status_code, failure.text, dict(failure.headers))
    )
    for method, expected in (("GET", reading), ("POST", writing), ("PUT", writing), ("DELETE", writing)):
        shop.asked.clear()
        chain = upstream(shop, max_bytes=1000)
        with caplog.at_level(logging.DEBUG), pytest.raises(errors.ShopError) as caught:
            await price(chain, method)
        assert type(caught.value) is expected
        assert len(shop.asked) == (asked if method == "GET" else 1)
        assert "[cart]" in (caught.value.internal or "")
        assert CART not in f"{caught.value} {caught.value.internal}"
        await chain.close()
    assert CART not in caplog.text
    assert "[cart]" in caplog.text


async def test_a_harmless_write_that_is_lost_is_no_riddle_but_still_sent_once() -> None:
    shop = Shop(httpx.ReadTimeout(""))

    with pytest.raises(errors.ShopDown) as caught:
        await upstream(shop).send("POST", "/guest-carts", harmless=True)

    assert type(caught.value) is errors.ShopDown
    assert len(shop.asked) == 1


async def test_a_read_that_was_cut_off_once_is_read_again() -> None:
    answers = iter([httpx.ReadError("reset"), answer(200, '{"price": "19.95"}')])

    def unsteady(_: httpx.Request) -> httpx.Response:
        now = next(answers)
        if isinstance(now, Exception):
            raise now
        return now

    assert (await upstream(Shop(unsteady)).get("/x")).read(Price).price == Decimal("19.95")


async def test_a_slow_shop_is_given_up_after_the_total_time() -> None:
    never = asyncio.Event()

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await never.wait()
            raise AssertionError

    chain = UpstreamClient.at("https://shop.example", headers={}, limits=ClientLimits(total=0.01), transport=Slow())
    with pytest.raises(errors.ShopDown) as read:
        await chain.get("/x")
    with pytest.raises(errors.ShopOutcomeUnknown):
        await chain.send("POST", "/x")
    assert type(read.value) is errors.ShopDown


async def test_a_shop_with_empty_caches_has_ten_seconds_for_its_first_answer() -> None:
    def cold(request: httpx.Request) -> httpx.Response:
        if request.extensions["timeout"]["read"] <= 10.0:
            raise httpx.ReadTimeout("")
        return answer(200, '{"price": "19.95"}')

    chain = UpstreamClient.at("https://shop.example", headers={}, transport=httpx.MockTransport(cold))
    assert (await chain.get("/x")).read(Price).price == Decimal("19.95")
    assert ClientLimits().total > ClientLimits().read


async def test_shoppers_who_wait_together_for_a_slow_shop_do_not_open_the_circuit() -> None:
    clock, waiting = Clock(), asyncio.Event()

    class Cold(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await waiting.wait()
            raise httpx.ReadTimeout("")

    chain = UpstreamClient.at("https://shop.example", headers={}, transport=Cold(), clock=clock)

    async def fail_together(number: int) -> None:
        waiting.clear()
        calls = [asyncio.ensure_future(chain.get("/x")) for _ in range(number)]
        await asyncio.sleep(0)
        clock.now += 20
        waiting.set()
        assert all(isinstance(one, errors.ShopDown) for one in await asyncio.gather(*calls, return_exceptions=True))

    await fail_together(12)
    assert not chain.circuit_open
    for _ in range(3):
        await fail_together(1)
    assert not chain.circuit_open
    await fail_together(1)
    assert chain.circuit_open, "five failures, one after the other"


async def test_a_body_that_breaks_off_over_a_real_socket_is_a_failure() -> None:
    asked = []

    async def breaking(scope: dict[str, object], receive: object, send: Callable[..., object]) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
            headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[misc]
            await send({"type": "http.response.body", "body": b"{", "more_body": True})  # type: ignore[misc]

    def app(scope: dict[str, object], receive: object, send: Callable[..., object]) -> object:
        return breaking(scope, receive, send)

    with served(demo_lifespan(app)) as origin:
        chain = UpstreamClient.at(origin, headers={})
        with pytest.raises(errors.ShopDown):
            await chain.get("/torn")
        with pytest.raises(errors.ShopOutcomeUnknown):
            await chain.send("POST", "/torn")
        await chain.close()
    assert len(asked) == 3, "a read twice, a write once"


def demo_lifespan(app: Callable[..., object]) -> Callable[..., object]:
    async def answering(scope: dict[str, object], receive: Callable[..., object], send: Callable[..., object]) -> None:
        if scope["type"] == "lifespan":
            for part in ("startup", "shutdown"):
                await receive()  # type: ignore[misc]
                await send({"type": f"lifespan.{part}.complete"})  # type: ignore[misc]
        else:
            await app(scope, receive, send)  # type: ignore[misc]

    return answering


@pytest.mark.parametrize(
    ("said", "pause"),
    [({}, 60), ({"retry-after": "7"}, 7), ({"retry-after": "0"}, 1), ({"retry-after": "soon"}, 60)],
)
async def test_a_busy_shop_names_its_pause_or_gets_a_minute(said: dict[str, str], pause: int) -> None:
    with pytest.raises(errors.ShopBusy) as caught:
        await upstream(Shop(answer(429, headers={**JSON, **said}))).get("/x")
    assert caught.value.retry_after == pause


async def test_a_redirect_is_not_followed_and_only_the_log_says_where_it_leads() -> None:
    shop = Shop(answer(301, "", {"location": f"https://elsewhere.example/{CART}"}))

    with pytest.raises(errors.ShopMisconfigured) as caught:
        await upstream(shop).get("/x")

    assert "elsewhere.example/[cart]" in (caught.value.internal or "")
    assert "elsewhere" not in str(caught.value)
    assert len(shop.asked) == 1


async def test_a_refusal_is_an_answer_and_a_write_carries_json() -> None:
    shop = Shop(answer(400, '{"error": "bad_request"}'))
    chain = upstream(shop)

    assert not (await chain.send("POST", "/x")).is_success
    assert not (await chain.send("DELETE", "/x")).is_success
    assert (await chain.get("/x", {"page": "1"})).status == 400

    post, delete, get = shop.asked
    assert (post.content, post.headers["content-type"]) == (b"{}", "application/json")
    assert "content-type" not in delete.headers
    assert get.url.query == b"page=1"


@pytest.mark.parametrize("price", ["14.5", "279", "19.95", "0.1", "1234567890.12"])
@pytest.mark.parametrize("quoted", [False, True])
async def test_prices_keep_every_digit(price: str, quoted: bool) -> None:
    body = f'{{"price": "{price}"}}' if quoted else f'{{"price": {price}}}'

    assert (await upstream(Shop(answer(200, body))).get("/x")).read(Price).price == Decimal(price)


def test_nothing_that_opens_a_cart_is_left_in_a_text() -> None:
    assert redacted(f"a{CART} {CART.upper()}b") == "[cart] [cart]"


@pytest.fixture
def down(clock: Clock) -> tuple[Shop, UpstreamClient]:
    shop = Shop(httpx.ConnectTimeout(""))
    return shop, upstream(shop, clock, failures=3, cool_down=10)


async def failing(chain: UpstreamClient) -> None:
    with pytest.raises(errors.ShopDown):
        await chain.get("/x")


async def test_a_shop_that_is_down_is_not_asked_again_until_it_had_time(
    down: tuple[Shop, UpstreamClient], clock: Clock
) -> None:
    shop, chain = down
    for _ in range(5):
        await failing(chain)
    assert len(shop.asked) == 3
    with pytest.raises(errors.ShopDown) as caught:
        await chain.send("POST", "/x")
    assert type(caught.value) is errors.ShopDown, "a write that was not sent is not unclear"

    clock.now += 10
    await failing(chain)
    await failing(chain)
    assert len(shop.asked) == 4, "one probe, and it failed"

    clock.now += 10
    shop.answer = answer(404)
    assert (await chain.get("/x")).status == 404
    assert (await chain.get("/x")).status == 404
    assert len(shop.asked) == 6


async def test_while_one_call_probes_the_others_do_not_wait(down: tuple[Shop, UpstreamClient], clock: Clock) -> None:
    _, chain = down
    for _ in range(3):
        await failing(chain)
    clock.now += 10
    asked, released = asyncio.Event(), asyncio.Event()

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.set()
            await released.wait()
            return answer(200)

    chain._transport = Hanging()
    probe = asyncio.create_task(chain.get("/x"))
    await asked.wait()
    await failing(chain)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    released.set()
    assert (await chain.get("/x")).is_success, "a probe given up by us leaves the turn to the next"


async def test_one_shoppers_broken_write_does_not_lock_out_the_others() -> None:
    shop = Shop(answer(500))
    chain = upstream(shop, failures=2)
    for _ in range(6):
        with pytest.raises(errors.ShopOutcomeUnknown):
            await chain.send("POST", "/x")
    assert len(shop.asked) == 6


async def test_success_and_answers_of_a_living_shop_start_the_count_anew() -> None:
    shop = Shop(answer(200))
    chain = upstream(shop, failures=2)
    for living in (answer(200), answer(429), answer(302, "", {"location": "/"})):
        shop.answer = answer(503)
        await failing(chain)
        shop.answer = living
        with pytest.raises(errors.ShopError):
            (await chain.get("/x")).read(Price)
    assert not chain._circuit.open


def test_a_failed_probe_opens_the_circuit_for_another_round(clock: Clock) -> None:
    circuit = CircuitBreaker(failures=1, cool_down=5, clock=clock)
    circuit.record(alive=False)
    assert circuit.open
    clock.now += 5
    assert [circuit.allows(), circuit.allows()] == [True, False]
    circuit.record(alive=False)
    assert not circuit.allows()
    clock.now += 5
    assert circuit.allows()
    circuit.record(alive=True)
    assert not circuit.open


async def test_what_cannot_be_written_into_a_request_is_refused() -> None:
    shop = Shop(answer(200))
    chain = upstream(shop)
    for query in ({"search": "\ud800"}, {"search": "x" * 100_000}):
        with pytest.raises(errors.ShopRefused):
            await chain.get("/x", query)
    with pytest.raises(errors.ShopRefused):
        await chain.send("POST", "/x", {"code": "\ud800"})
    assert shop.asked == []


def test_what_was_not_used_for_longest_is_forgotten_first(clock: Clock) -> None:
    kept = TtlCache[str, int](size=2, seconds=10, clock=clock)
    kept["a"] = 1
    kept["b"] = 2
    assert kept.find("a") == 1
    kept["c"] = 3
    assert [kept.find(key) for key in "abc"] == [1, None, 3]
    clock.now += 10
    assert [kept.find(key) for key in "ac"] == [None, None]
    kept.pop("never known", None)


async def test_a_shop_that_says_that_a_response_still_holds_is_believed_if_it_was_asked() -> None:
    def said(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == '"a"':
            return httpx.Response(304)
        return answer(200, '{"price": 7}', {**JSON, "etag": '"a"'})

    shop = Shop(said)
    chain = upstream(shop, failures=1)
    first = await chain.get(PATH)
    again = await chain.get(PATH, known=first)

    assert again is first
    assert again.read(Price).price == 7
    assert [request.headers.get("if-none-match") for request in shop.asked] == [None, '"a"']
    assert not chain.circuit_open


async def test_a_response_without_an_entity_tag_or_with_a_monstrous_one_is_asked_for_whole() -> None:
    for headers in ({}, {"etag": f'"{"x" * 500}"'}):
        shop = Shop(answer(200, '{"price": 7}', {**JSON, **headers}))
        chain = upstream(shop)
        first = await chain.get(PATH)
        assert await chain.get(PATH, known=first) is not first
        assert "if-none-match" not in shop.asked[1].headers


async def test_what_has_changed_since_replaces_what_was_known() -> None:
    shop = Shop(answer(200, '{"price": 8}', {**JSON, "etag": '"b"'}))
    chain = upstream(shop)
    old = msgspec.structs.replace(await chain.get(PATH), etag='"a"', body=b'{"price": 7}')

    assert (await chain.get(PATH, known=old)).read(Price).price == 8
