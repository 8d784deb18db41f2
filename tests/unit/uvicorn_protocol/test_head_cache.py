"""A head that came before is not parsed again, and nobody can tell the difference."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from hypothesis import given, strategies as st

from storefront_mcp.uvicorn_protocol import protocol as protocol_module
from storefront_mcp.uvicorn_protocol.head_cache import (
    MAX_CACHED_HEAD_BYTES,
    MAX_CACHED_HEADS,
    MAX_SEEN_HEADS,
    HeadCache,
)
from storefront_mcp.uvicorn_protocol.protocol import BoundedHttpToolsProtocol
from tests.unit.uvicorn_protocol.connections import Line

SERVER_HEADERS = [(b"date", b"now")]
LINES = b"host: a\r\nX-Twice: 1\r\nx-twice:2 \r\naccept: */*\r\n"


def post(body: bytes, lines: bytes = LINES, *, target: bytes = b"/mcp", name: bytes = b"Content-Length") -> bytes:
    return b"POST %b HTTP/1.1\r\n%b%b: %d\r\nuser-agent: x/1\r\n\r\n%b" % (target, lines, name, len(body), body)


class Parser:
    """In a parser's place: it must not be asked."""

    def feed_data(self, data: bytes) -> None:
        pytest.fail(f"{data[:40]!r} was parsed")


class Connection:
    """A connection to an application that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.line = Line()
        state = uvicorn.server.ServerState()
        state.default_headers = SERVER_HEADERS
        self.protocol = BoundedHttpToolsProtocol(
            uvicorn.Config(self._app, interface="asgi3", proxy_headers=False), state, {"of": "the application"}
        )
        self.protocol.connection_made(self.line)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        self.told.append(({**scope, "headers": list(scope["headers"]), "state": dict(scope["state"])}, body))
        # What one application does to its request is not to be seen by the next.
        scope["state"]["mine"] = True
        scope["headers"].clear()
        scope["path"] = "/elsewhere"
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async def say(self, *reads: bytes) -> None:
        """One whole request after another, each answered before the next."""
        for read in reads:
            self.protocol.data_received(read)
            await self.answered()

    async def answered(self) -> None:
        async with asyncio.timeout(10):
            while self.protocol.tasks:
                await asyncio.wait(self.protocol.tasks)
                # A task that is done leaves the set in the next round of the loop.
                await asyncio.sleep(0)

    async def say_in_two(self, request: bytes, cut: int) -> None:
        self.protocol.data_received(request[:cut])
        await asyncio.sleep(0)
        self.protocol.data_received(request[cut:])
        await self.answered()

    def refuse_to_parse(self) -> None:
        self.protocol.parser = Parser()


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeadCache]:
    fresh = HeadCache()
    monkeypatch.setattr(protocol_module, "HEAD_CACHE", fresh)
    return fresh


async def test_a_head_that_came_twice_is_not_parsed_again_and_means_what_it_meant(cache: HeadCache) -> None:
    connection = Connection()
    await connection.say(post(b"{}"))
    assert not cache.cached
    await connection.say(post(b"{}"))
    assert len(cache.cached) == 1
    connection.refuse_to_parse()
    await connection.say(post(b'{"a":1}'), post(b""), post(b"{}"))

    first, second, third, fourth, fifth = connection.told
    assert first == second == fifth
    assert (third[1], fourth[1]) == (b'{"a":1}', b"")
    for (scope, body), (expected, _) in ((third, first), (fourth, first)):
        assert scope["headers"] == [
            (name, b"%d" % len(body) if name == b"content-length" else value) for name, value in expected["headers"]
        ]
        assert {**scope, "headers": ()} == {**expected, "headers": ()}
    assert connection.line.written.count(b"HTTP/1.1 200 ") == 5


async def test_a_request_on_another_connection_is_told_of_that_one(cache: HeadCache) -> None:
    await Connection().say(post(b"{}"), post(b"{}"))
    another = Connection()
    another.protocol.client, another.protocol.scheme = ("192.0.2.7", 7), "https"
    another.refuse_to_parse()
    await another.say(post(b"{}"))

    ((scope, _),) = another.told
    assert (scope["client"], scope["scheme"], scope["state"]) == (("192.0.2.7", 7), "https", {"of": "the application"})


KEPT = [
    pytest.param(post(b"{}"), id="as most write it"),
    pytest.param(post(b"{}", name=b"content-length"), id="in lower case"),
    pytest.param(post(b"{}", target=b"/a%20b?x=1"), id="an address to decode"),
    pytest.param(post(b"{}", LINES + b"connection: keep-alive\r\n"), id="staying"),
]
NOT_KEPT = [
    pytest.param(post(b"{}", LINES + b"Authorization: Bearer x\r\n"), id="a secret"),
    pytest.param(post(b"{}", LINES + b"cookie: a=b\r\n"), id="a cookie"),
    pytest.param(post(b"{}", LINES + b"connection: close\r\n"), id="the last of its connection"),
    pytest.param(post(b"{}", LINES + b"expect: 100-continue\r\n"), id="a question before the body"),
    pytest.param(post(b"{}", LINES + b"x: " + b"a" * MAX_CACHED_HEAD_BYTES + b"\r\n"), id="a long one"),
    pytest.param(post(b"{}", name=b"CONTENT-LENGTH"), id="a length in another spelling"),
    pytest.param(post(b"{}").replace(b"h: 2", b"h:2"), id="a length without its space"),
    pytest.param(post(b"{}").replace(b"1.1", b"1.0", 1), id="an older HTTP"),
    pytest.param(post(b"{}").replace(b"POST", b"PUT"), id="another method"),
    pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", id="no body"),
    pytest.param(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="chunks"),
    pytest.param(post(b"{}", LINES + b"upgrade: x\r\nconnection: upgrade\r\n"), id="another protocol"),
]


@pytest.mark.parametrize("request_", KEPT)
async def test_a_head_is_kept(request_: bytes, cache: HeadCache) -> None:
    connection = Connection()
    await connection.say(request_, request_)
    connection.refuse_to_parse()
    await connection.say(request_)
    assert [told == connection.told[0] for told in connection.told] == [True] * 3


@pytest.mark.parametrize("request_", NOT_KEPT)
async def test_a_head_is_not_kept(request_: bytes, cache: HeadCache) -> None:
    for _ in range(3):
        connection = Connection()
        await connection.say(request_)
        assert b"HTTP/1.1 200 " in connection.line.written
    assert not cache.cached


async def test_a_head_that_comes_apart_from_its_body_is_parsed(cache: HeadCache) -> None:
    connection = Connection()
    whole = post(b'{"a":1}')
    for cut in (5, 40, len(whole) - 7, len(whole) - 1):
        await connection.say_in_two(whole, cut)
    assert not cache.cached
    await connection.say(whole, whole)
    assert len(cache.cached) == 1
    for cut in (5, 40, len(whole) - 7, len(whole) - 1):
        await connection.say_in_two(whole, cut)
    assert connection.told == [connection.told[0]] * 10


async def test_what_looks_like_a_head_within_a_request_is_never_taken_for_one(cache: HeadCache) -> None:
    """Or one client could decide what another one's request means."""
    honest = post(b"{}")
    within = [
        b"POST /evil HTTP/1.1\r\nx-key: ",
        b"POST /evil HTTP/1.1\r\ncontent-length: %d\r\nhost: a\r\n\r\n" % len(honest),
        b"POST /evil HTTP/1.1\r\ntransfer-encoding: chunked\r\nhost: a\r\n\r\n%x\r\n" % len(honest),
    ]
    for opening in within * 3:
        connection = Connection()
        connection.protocol.data_received(opening)
        await asyncio.sleep(0)
        connection.protocol.data_received(honest)
        connection.protocol.data_received(b"\r\n0\r\n\r\n" if b"chunked" in opening else b"")
        await connection.answered()
        assert [scope["path"] for scope, _ in connection.told] == ["/evil"]
    assert not cache.cached

    connection = Connection()
    await connection.say(honest, honest, honest)
    assert [scope["path"] for scope, _ in connection.told] == ["/mcp"] * 3


async def test_a_request_with_the_beginning_of_the_next_one_behind_it_is_not_mistaken(cache: HeadCache) -> None:
    whole, other = post(b"{}"), post(b"{}", target=b"/other")
    for cut in (1, 9, 40, len(other) - 4):
        connection = Connection()
        await connection.say_in_two(whole + other, len(whole) + cut)
        assert [scope["path"] for scope, _ in connection.told] == ["/mcp", "/other"]
    connection = Connection()
    await connection.say(whole, whole, whole)
    await connection.say_in_two(whole + other, len(whole) + 9)
    assert [scope["path"] for scope, _ in connection.told] == ["/mcp"] * 4 + ["/other"]


async def test_requests_in_one_read_are_answered_one_after_another(cache: HeadCache) -> None:
    connection = Connection()
    whole = post(b"{}")
    await connection.say(whole + whole, whole, whole + whole + whole, whole)
    assert connection.told == [connection.told[0]] * 7
    assert connection.line.written.count(b"HTTP/1.1 200 ") == 7


@pytest.mark.parametrize("digits", [b"", b"-1", b"+2", b"2 ", b"0x2", b"2, 2", b"1_0", b"\xb2", b"9" * 400])
async def test_a_length_that_is_none_is_left_to_the_parser(digits: bytes, cache: HeadCache) -> None:
    known, plain = Connection(), Connection()
    await known.say(post(b"{}"), post(b"{}"))
    assert cache.cached
    wrong = post(b"{}").replace(b"Length: 2", b"Length: " + digits)
    heard = []
    for connection in (known, plain):
        before = len(connection.line.written)
        await connection.say(wrong)
        heard.append((connection.line.written[before:], len(connection.told)))
        cache.cached.clear()

    (first, told_first), (second, told_second) = heard
    assert first == second
    assert told_first == told_second + 2


async def test_a_question_before_a_body_is_not_answered_once_more_at_the_next_request(cache: HeadCache) -> None:
    await Connection().say(post(b"{}"), post(b"{}"))
    connection = Connection()
    await connection.say(post(b"{}", LINES + b"expect: 100-continue\r\n"), post(b"{}"))
    assert connection.line.written.count(b"HTTP/1.1 100 ") == 1
    assert connection.line.written.count(b"HTTP/1.1 200 ") == 2


async def test_two_lengths_are_no_known_head(cache: HeadCache) -> None:
    await Connection().say(post(b"{}"), post(b"{}"))
    for twice in (b"Content-Length: 2\r\n", b"content-length: 3\r\n"):
        connection = Connection()
        await connection.say(post(b"{}", LINES + twice))
        assert not connection.told
        assert b"HTTP/1.1 400 " in connection.line.written


async def test_a_server_that_ends_answers_and_closes(cache: HeadCache) -> None:
    connection = Connection()
    await connection.say(post(b"{}"), post(b"{}"))
    connection.refuse_to_parse()
    connection.protocol.shutdown()
    await connection.say(post(b"{}"))
    assert len(connection.told) == 3
    assert connection.line.written.endswith(b"(closed)")


async def test_nothing_is_answered_on_a_connection_that_is_closing(
    cache: HeadCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection()
    await connection.say(post(b"{}"), post(b"{}"))
    monkeypatch.setattr(connection.line, "is_closing", lambda: True)
    await connection.say(post(b"{}"))
    assert len(connection.told) == 2


def test_cached_heads_are_few_and_come_twice() -> None:
    cache = HeadCache()
    scope = {"method": "POST", "http_version": "1.1", "headers": [(b"content-length", b"2")]}
    for number in range(MAX_SEEN_HEADS + 10):
        cache.add(post(b"{}", b"x: %d\r\n" % number), dict(scope))
    assert not cache.cached
    for number in range(MAX_CACHED_HEADS + 10):
        for _ in range(2):
            cache.add(post(b"{}", b"y: %d\r\n" % number), dict(scope))
    assert 0 < len(cache.cached) <= MAX_CACHED_HEADS


TOKENS = st.text("abcXYZ-_1", min_size=1, max_size=8).map(lambda text: b"x" + text.encode())
VALUES = st.binary(max_size=12).filter(lambda value: not set(value) & set(b"\r\n\0"))
HEADERS = st.lists(st.tuples(TOKENS, st.sampled_from([b":", b": ", b":  "]), VALUES), max_size=6)
BODIES = st.lists(st.binary(max_size=300), min_size=3, max_size=5)


@given(before=HEADERS, after=HEADERS, bodies=BODIES)
def test_any_head_is_told_as_it_is_parsed(before: Any, after: Any, bodies: list[bytes]) -> None:
    """Each request on a connection of its own, beside the same one where nothing is cached."""

    def lines(headers: Any) -> bytes:
        return b"".join(b"%b%b%b\r\n" % header for header in headers)

    async def compare() -> None:
        for body in bodies:
            whole = b"POST /mcp HTTP/1.1\r\nhost: a\r\n%bContent-Length: %d\r\n%b\r\n%b"
            request = whole % (lines(before), len(body), lines(after), body)
            heard = []
            for chosen in (HeadCache(), cache):
                protocol_module.HEAD_CACHE = chosen  # type: ignore[misc]  # both in turn
                connection = Connection()
                await connection.say(request)
                heard.append((connection.told, connection.line.written))
            assert heard[0] == heard[1]

    cache, kept = HeadCache(), protocol_module.HEAD_CACHE
    try:
        asyncio.run(compare())
    finally:
        protocol_module.HEAD_CACHE = kept  # type: ignore[misc]  # as it was


class NoCache(HeadCache):
    """Nothing is kept."""

    def add(self, request: bytes, scope: Any) -> None:
        pass


def chunked(body: bytes) -> bytes:
    head = b"POST /chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


PARTS = [
    post(b"{}"),
    post(b'{"a":1}'),
    post(b"", target=b"/empty"),
    post(post(b"{}"), target=b"/nested"),
    post(post(b"{}"), LINES + b"Authorization: Bearer x\r\n", target=b"/secret"),
    post(b"{}", LINES + b"expect: 100-continue\r\n", target=b"/expect"),
    chunked(post(b"{}")),
    chunked(b"\r\n\r\n"),
    b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"\r\n",
]


@given(
    chosen=st.lists(st.sampled_from(PARTS), min_size=1, max_size=8), cuts=st.lists(st.integers(0, 2_000), max_size=8)
)
def test_any_requests_in_any_pieces_are_told_as_they_are_parsed(chosen: list[bytes], cuts: list[int]) -> None:
    data = b"".join(chosen)
    edges = sorted({0, len(data), *(cut % len(data) for cut in cuts)})

    async def hear(cache: HeadCache) -> tuple[list[Any], bytes]:
        protocol_module.HEAD_CACHE = cache  # type: ignore[misc]  # restored below
        for part in PARTS * 2:
            await Connection().say(part)
        connection = Connection()
        for begin, end in itertools.pairwise(edges):
            connection.protocol.data_received(data[begin:end])
            await asyncio.sleep(0)
        await connection.answered()
        return connection.told, connection.line.written

    kept = protocol_module.HEAD_CACHE
    try:
        assert asyncio.run(hear(HeadCache())) == asyncio.run(hear(NoCache()))
    finally:
        protocol_module.HEAD_CACHE = kept  # type: ignore[misc]  # as it was
