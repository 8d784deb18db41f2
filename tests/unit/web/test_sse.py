"""The older HTTP+SSE transport: an address first, answers on the stream, and nothing without a bound."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import Struct

from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.mcp.sse_session import SseClientSession
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.tools.content import ContentBlocks, TextBlock
from storefront_mcp.tools.tool import tool
from storefront_mcp.tools.tool_context import ToolContext
from storefront_mcp.web.body import MAX_BODY_BYTES
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.host_router import HostRouter
from storefront_mcp.web.sse import MAX_BACKLOG_MESSAGES, SseConnection, SseEndpoint
from tests.fakes.memory_backend import OPEN, STORE, roadmap
from tests.unit.mcp.environment import roadmap_of
from tests.unit.mcp.requests import message
from tests.unit.uvicorn_protocol.connections import Wire, posted
from tests.unit.web.serving import ServedStore, nothing, raw

HOST = [(b"host", b"pickle.example")]
MESSAGES = "/mcp/sse/message"


class Nothing(Struct, frozen=True):
    """No arguments."""


class Streams:
    """A store that serves the older transport too."""

    def __init__(self, under: Roadmap = OPEN, quota: StreamQuota | None = None) -> None:
        self.served_store = ServedStore(under, streams=quota)
        self.endpoint = SseEndpoint(
            self.served_store.site, OriginGuard(self.served_store.site, now=self.served_store.clock)
        )
        self.app = HostRouter(
            self.served_store.sites,
            self.served_store.endpoints,
            self.served_store.show_pages,
            streams={STORE.host: self.endpoint},
        )

    async def post(self, address: str, body: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> int:
        """The status of a message's receipt, which is empty when it is taken."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, fields, told = await posted(self.app, address, content, headers)
        if status == 202:
            assert told == b""
            assert "content-type" not in fields
        return status


async def address_on(wire: Wire) -> str:
    kind, address = await wire.event()
    assert kind == "endpoint"
    assert address.startswith(f"{MESSAGES}?sessionId=")
    return address


async def test_the_address_comes_first_and_answers_come_on_the_stream() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        assert wire.headers["content-type"] == "text/event-stream"
        assert wire.headers["x-content-type-options"] == "nosniff"
        hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        assert await streams.post(address, message("initialize", hello, request_id=0)) == 202
        welcome = await wire.message()
        assert (welcome["id"], welcome["result"]["protocolVersion"]) == (0, "2024-11-05")
        assert await streams.post(address, {"jsonrpc": "2.0", "method": "notifications/initialized"}) == 202
        assert await streams.post(address, message("tools/list", request_id="t")) == 202
        listed = await wire.message()
        assert listed["id"] == "t"
        assert len(listed["result"]["tools"]) == 16
        assert "title" not in listed["result"]["tools"][0]


async def test_two_streams_do_not_mix() -> None:
    streams, one, other = Streams(), Wire(), Wire()
    async with one.open(streams.app), other.open(streams.app):
        addresses = [await address_on(one), await address_on(other)]
        assert len(set(addresses)) == 2
        for number in range(10):
            for name, address in zip("ab", addresses, strict=True):
                assert await streams.post(address, message("ping", request_id=f"{name}{number}")) == 202
        for name, wire in (("a", one), ("b", other)):
            assert [(await wire.message())["id"] for _ in range(10)] == [f"{name}{number}" for number in range(10)]


async def test_a_modern_client_is_told_to_shake_hands() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        assert await streams.post(address, message("server/discover")) == 202
        assert (await wire.message())["error"]["code"] == -32601


async def test_the_name_of_a_session_may_be_spelt_as_older_servers_do() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app):
        address = (await address_on(wire)).replace("sessionId", "session_id")
        assert await streams.post(address, message("ping")) == 202
        assert (await wire.message())["result"] == {}


async def test_an_error_with_an_id_comes_where_answers_come_and_another_at_once() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        assert await streams.post(address, message("ping", params=[1], request_id="odd")) == 202
        told = await wire.message()
        assert (told["id"], told["error"]["code"]) == ("odd", -32602)
        for body in (b"{", b"[]", b'{"jsonrpc":"2.0","id":null,"method":"ping"}', b'"\xff"'):
            status, _, answer = await posted(streams.app, address, body)
            assert status == 400
            assert json.loads(answer)["error"]["code"] in {-32700, -32600}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (MESSAGES, 400),
        (f"{MESSAGES}?sessionId=", 400),
        (f"{MESSAGES}?other=1", 400),
        (f"{MESSAGES}?sessionId=unknown", 404),
        (f"{MESSAGES}?session_id=unknown", 404),
    ],
)
async def test_a_message_without_its_stream_is_told_so(target: str, status: int) -> None:
    found, fields, body = await posted(Streams().app, target, b"{}")
    assert (found, fields["content-type"]) == (status, "application/problem+json")
    assert json.loads(body)["status"] == status


async def test_a_closed_stream_takes_no_more_messages() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app) as asking:
        address = await address_on(wire)
        wire.hang_up()
        await asking
        assert await streams.post(address, message("ping")) == 404


async def test_a_stopping_server_ends_every_stream_after_what_is_on_it() -> None:
    streams, one, other = Streams(), Wire(), Wire()
    async with one.open(streams.app) as first, other.open(streams.app) as second:
        address = await address_on(one)
        await address_on(other)
        streams.endpoint.close()
        streams.endpoint.close()
        assert await streams.post(address, message("ping")) == 404
        async with asyncio.timeout(60):
            await asyncio.gather(first, second)
    assert one.over
    assert other.over


@pytest.mark.parametrize(
    ("verb", "path", "allow"),
    [
        ("POST", "/mcp/sse", "GET, OPTIONS"),
        ("DELETE", "/mcp/sse", "GET, OPTIONS"),
        ("HEAD", "/mcp/sse", "GET, OPTIONS"),
        ("GET", MESSAGES, "POST, OPTIONS"),
        ("PUT", MESSAGES, "POST, OPTIONS"),
    ],
)
async def test_other_verbs_are_refused_by_name(verb: str, path: str, allow: str) -> None:
    status, fields, body = await raw(Streams().app, verb, path, HOST, nothing)
    assert (status, fields["allow"]) == (405, allow)
    assert (body == b"") is (verb == "HEAD")


@pytest.mark.parametrize("path", ["/mcp/sse", MESSAGES])
@pytest.mark.parametrize("verb", ["GET", "POST", "OPTIONS"])
async def test_foreign_pages_are_kept_out(verb: str, path: str) -> None:
    status, fields, _ = await raw(Streams().app, verb, path, [*HOST, (b"origin", b"https://evil.example")], nothing)
    assert status == 403
    assert "access-control-allow-origin" not in fields


@pytest.mark.parametrize("path", ["/mcp/sse", MESSAGES])
async def test_our_own_pages_may_ask_first(path: str) -> None:
    status, fields, body = await raw(
        Streams().app, "OPTIONS", path, [*HOST, (b"origin", b"https://pickle.example")], nothing
    )
    assert (status, body) == (204, b"")
    assert fields["access-control-allow-origin"] == "https://pickle.example"


@pytest.mark.parametrize("path", ["/mcp/sse", MESSAGES])
@pytest.mark.parametrize("verb", ["GET", "POST", "OPTIONS"])
async def test_while_nothing_is_open_every_way_in_is_announced(verb: str, path: str) -> None:
    status, fields, body = await raw(Streams(roadmap()).app, verb, path, HOST, nothing)
    assert status == (204 if verb == "OPTIONS" else 503)
    if verb != "OPTIONS":
        assert fields["retry-after"] == "604800"
        assert json.loads(body)["error"] == "not_yet_available"


async def test_without_the_transport_its_paths_are_unknown() -> None:
    for path in ("/mcp/sse", MESSAGES):
        assert (await ServedStore().ask("GET", path)).status_code == 404


async def test_open_streams_are_counted_in_all_and_for_each_caller() -> None:
    streams = Streams(quota=StreamQuota(at_most=3, per_caller=2))
    mine, also_mine, theirs = Wire(), Wire(), Wire()
    async with (
        mine.open(streams.app) as first,
        also_mine.open(streams.app),
        theirs.open(streams.app, client="10.0.0.1"),
    ):
        for wire in (mine, also_mine, theirs):
            await address_on(wire)
        refused = Wire()
        async with refused.open(streams.app):
            assert b"Too many streams" in await refused.frame()
        assert (refused.status, refused.headers["retry-after"]) == (429, "30")
        newcomer = Wire()
        async with newcomer.open(streams.app, client="10.0.0.2"):
            await address_on(newcomer)
            await first  # The oldest of whoever has most makes room.
            equal = Wire()
            async with equal.open(streams.app, client="10.0.0.3"):
                assert b"Too many streams" in await equal.frame()
        again = Wire()
        async with again.open(streams.app):
            await address_on(again)


async def test_one_caller_may_not_take_all_the_streams() -> None:
    streams = Streams(quota=StreamQuota(at_most=9, per_caller=1))
    first, second, other = Wire(), Wire(), Wire()
    async with first.open(streams.app):
        await address_on(first)
        async with second.open(streams.app):
            await second.frame()
        async with other.open(streams.app, client="10.0.0.1"):
            await address_on(other)
    assert (second.status, other.status) == (429, 200)


async def test_a_stream_whose_time_is_over_answers_what_it_took_and_takes_no_more() -> None:
    due: list[Callable[[], None]] = []

    class Timer:
        def cancel(self) -> None:
            """It has happened."""

    def later(seconds: float, act: Callable[[], None]) -> Timer:
        due.append(act)
        return Timer()

    begun, going = asyncio.Event(), asyncio.Event()

    @tool()
    async def wait(args: Nothing, shop: Shop) -> ContentBlocks:
        """Waits."""
        begun.set()
        await going.wait()
        return ContentBlocks((TextBlock("done"),))

    streams, wire = Streams(roadmap_of([wait]), StreamQuota(later=later)), Wire()
    async with wire.open(streams.app) as reading:
        address = await address_on(wire)
        call = {"name": "wait", "arguments": {}}
        assert await streams.post(address, message("tools/call", call, request_id="slow")) == 202
        await begun.wait()
        due[0]()
        assert await streams.post(address, message("ping", request_id="late")) == 404
        going.set()
        assert (await wire.message())["id"] == "slow"
        await reading


async def test_a_reader_that_lags_is_sent_nothing_more_to_do() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        wire.reads.clear()
        statuses = [
            await streams.post(address, message("ping", request_id=number))
            for number in range(MAX_BACKLOG_MESSAGES + 9)
        ]
        taken = statuses.count(202)
        assert set(statuses) == {202, 429}
        assert MAX_BACKLOG_MESSAGES <= taken <= MAX_BACKLOG_MESSAGES + 2
        wire.reads.set()
        assert [(await wire.message())["id"] for _ in range(taken)] == list(range(taken))
        assert await streams.post(address, message("ping", request_id="after")) == 202
        assert (await wire.message())["id"] == "after"


async def test_a_reader_that_lags_behind_a_talking_tool_is_dropped() -> None:
    @tool()
    async def chatter(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
        """Say more than anybody waits for."""
        for step in range(MAX_BACKLOG_MESSAGES * 2):
            await context.progress(step)
        return ContentBlocks((TextBlock("done"),))

    streams, wire = Streams(roadmap_of([chatter])), Wire()
    async with wire.open(streams.app) as asking:
        address = await address_on(wire)
        wire.reads.clear()
        params = {"name": "chatter", "arguments": {}, "_meta": {"progressToken": 1}}
        assert await streams.post(address, message("tools/call", params)) == 202
        async with asyncio.timeout(60):
            while await streams.post(address, message("ping")) != 404:  # noqa: ASYNC110 -- each turn asks anew
                await asyncio.sleep(0)
        wire.reads.set()
        async with asyncio.timeout(60):
            await asking
    assert wire.over


async def test_work_for_a_reader_that_left_is_given_up() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    @tool()
    async def brood(args: Nothing, shop: Shop) -> ContentBlocks:
        """Say nothing, for ever."""
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ContentBlocks(())

    streams, wire = Streams(roadmap_of([brood])), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        assert await streams.post(address, message("tools/call", {"name": "brood"})) == 202
        async with asyncio.timeout(60):
            await started.wait()
    async with asyncio.timeout(60):
        await ended.wait()


async def test_large_bodies_are_refused_here_too_and_nobody_is_answered_who_has_gone() -> None:
    streams, wire = Streams(), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        headers = [(b"content-length", str(MAX_BODY_BYTES + 1).encode())]
        status, fields, _ = await posted(streams.app, address, b"", headers)
        assert (status, fields["connection"]) == (413, "close")

        async def gone() -> Any:
            return {"type": "http.disconnect"}

        path, _, query = address.partition("?")

        async def asked(scope: Any, receive: Any, send: Any) -> None:
            await streams.app({**scope, "query_string": query.encode()}, receive, send)

        assert (await raw(asked, "POST", path, HOST, gone))[0] == 0


async def test_a_flip_is_seen_by_the_next_message_of_an_open_stream() -> None:
    streams, wire = Streams(roadmap("p1_browse")), Wire()
    async with wire.open(streams.app):
        address = await address_on(wire)
        counts = []
        for under in (roadmap("p1_browse"), OPEN):
            streams.served_store.site.publish(under)
            assert await streams.post(address, message("tools/list")) == 202
            counts.append(len((await wire.message())["result"]["tools"]))
    assert counts == [6, 16]


def test_nothing_is_put_on_a_stream_that_has_ended() -> None:
    session = SseConnection("127.0.0.1")
    session.push(b"one")
    session.end()
    session.push(b"two")
    session.end()
    assert [session.queue.get_nowait() for _ in range(session.queue.qsize())] == [b"one", None]


def test_a_conversant_assumes_the_newest_handshake_until_told() -> None:
    assert SseClientSession().version.id == "2025-11-25"
