"""Streams over real HTTP: the one endpoint's, and the older transport with two addresses."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.web.body import MAX_BODY_BYTES
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.event_stream import HEARTBEAT, encode_event, send_stream
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.sse import MAX_BACKLOG_MESSAGES, SseConnection, SseEndpoint
from tests.external.conformance.serving import fixture_roadmap, fixtures_served
from tests.fakes.agent import HANDSHAKE, MODERN, VERSIONS
from tests.fakes.memory_backend import STORE, Clock, MemoryBackend, shop_on
from tests.unit.mcp.requests import Json, asked, message

JSON = {"content-type": "application/json"}
PATIENCE = 120.0


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with fixtures_served() as served:
        yield served


@pytest.fixture
async def client(origin: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=origin, timeout=PATIENCE) as opened:
        yield opened


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """Kind and data of each event."""
    kind = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, line.removeprefix("data: ")


def posted(method: str, version: str, params: Any = None) -> Json:
    """What httpx needs to post a request as a version would."""
    body, sent = asked(method, version, params)
    return {"content": json.dumps(body), "headers": {name.decode(): value.decode() for name, value in sent} | JSON}


@pytest.mark.proves("http.any-accept", "http.one-json-answer")
@pytest.mark.parametrize(
    "accept", ["application/json", "text/event-stream", "text/event-stream, application/json", "*/*", "text/html", ""]
)
@pytest.mark.parametrize("version", VERSIONS)
async def test_json_is_what_everybody_gets(client: httpx.AsyncClient, version: str, accept: str) -> None:
    request = posted("tools/list", version)
    request["headers"]["accept"] = accept
    response = await client.post("/mcp", **request)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")


@pytest.mark.proves("http.stream-headers", "http.stream-ends-with-answer", "http.stream-when-needed")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_call_that_speaks_is_a_stream_that_ends_with_its_answer(
    client: httpx.AsyncClient, version: str
) -> None:
    request = posted("tools/call", version, {"name": "test_tool_with_progress", "arguments": {}})
    body = json.loads(request["content"])
    body["params"].setdefault("_meta", {})["progressToken"] = "t"
    request["content"] = json.dumps(body)
    async with client.stream("POST", "/mcp", **request) as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert "mcp-session-id" not in response.headers
        told = [json.loads(data) async for kind, data in events(response) if kind == "message"]
    assert [one.get("method") for one in told] == ["notifications/progress"] * 3 + [None]
    assert told[-1]["id"] == 1


@pytest.mark.proves("http.refused-before-streams")
async def test_a_refusal_is_json_where_a_stream_was_wanted(client: httpx.AsyncClient) -> None:
    response = await client.post("/mcp", **posted("subscriptions/listen", *MODERN, {"notifications": 7}))
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json")
    assert response.json()["id"] == 1


class Older:
    """A client of the transport with two addresses."""

    def __init__(self, client: httpx.AsyncClient, address: str, heard: AsyncIterator[tuple[str, str]]) -> None:
        self.client, self.address, self.heard = client, address, heard

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(self.address, content=content, headers={**JSON, **headers})

    async def ask(self, body: Json, **headers: str) -> Json:
        """Post a request and hear its answer."""
        accepted = await self.post(body, **headers)
        assert (accepted.status_code, accepted.content) == (202, b"")
        async with asyncio.timeout(PATIENCE):
            kind, data = await anext(self.heard)
        assert kind == "message"
        told: Json = json.loads(data)
        return told


@contextlib.asynccontextmanager
async def opened(client: httpx.AsyncClient) -> AsyncIterator[Older]:
    async with client.stream("GET", "/mcp/sse", headers={"accept": "text/event-stream"}) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
        heard = events(response)
        kind, address = await anext(heard)
        assert kind == "endpoint"
        yield Older(client, address, heard)


@pytest.mark.proves("sse.address")
async def test_the_first_event_is_an_address_here_that_nobody_guesses(client: httpx.AsyncClient) -> None:
    addresses = set()
    for _ in range(3):
        async with opened(client) as older:
            path, _, key = older.address.partition("?sessionId=")
            assert path == "/mcp/sse/message"
            assert len(key) >= 32
            addresses.add(key)
    assert len(addresses) == 3


@pytest.mark.proves("sse.answers-on-the-stream", "sse.negotiates")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_a_client_shakes_hands_and_calls_over_the_stream(client: httpx.AsyncClient, version: str) -> None:
    async with opened(client) as older:
        hello = await older.ask(message("initialize", {"protocolVersion": version, "capabilities": {}}))
        assert hello["result"]["protocolVersion"] == version
        assert (await older.post({"jsonrpc": "2.0", "method": "notifications/initialized"})).status_code == 202
        listed = await older.ask(message("tools/list", request_id="l"), **{"mcp-protocol-version": "2025-11-25"})
        assert listed["id"] == "l"
        assert ("annotations" in listed["result"]["tools"][0]) is (version >= "2025-03-26")
        called = await older.ask(message("tools/call", {"name": "test_simple_text", "arguments": {}}, request_id=3))
        assert called["result"]["content"][0]["type"] == "text"


@pytest.mark.proves("sse.answers-on-the-stream")
async def test_progress_travels_on_the_same_stream(client: httpx.AsyncClient) -> None:
    async with opened(client) as older:
        params = {"name": "test_tool_with_progress", "arguments": {}, "_meta": {"progressToken": 7}}
        told = [await older.ask(message("tools/call", params))]
        told += [json.loads((await anext(older.heard))[1]) for _ in range(3)]
        assert [one.get("method") for one in told] == ["notifications/progress"] * 3 + [None]


@pytest.mark.proves("sse.discover")
async def test_the_modern_form_is_told_to_shake_hands(client: httpx.AsyncClient) -> None:
    async with opened(client) as older:
        for method in ("server/discover", "tools/list"):
            body, _ = asked(method, *MODERN)
            told = await older.ask(body)
            assert (told["id"], told["error"]["code"]) == (1, -32601)
        bare = await older.ask(message("server/discover"))
        assert bare["error"]["code"] == -32601


@pytest.mark.proves("sse.wrong-addresses")
async def test_wrong_addresses_and_verbs_are_told_apart(client: httpx.AsyncClient) -> None:
    ping = json.dumps(message("ping"))
    for query, status in (("", 400), ("?sessionId=", 400), ("?sessionId=nope", 404), ("?session_id=nope", 404)):
        response = await client.post(f"/mcp/sse/message{query}", content=ping, headers=JSON)
        assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    for verb, path, allowed in (
        ("POST", "/mcp/sse", "GET"),
        ("DELETE", "/mcp/sse", "GET"),
        ("GET", "/mcp/sse/message", "POST"),
    ):
        response = await client.request(verb, path)
        assert response.status_code == 405
        assert allowed in response.headers["allow"]
    async with opened(client) as older:
        closed = older.address
    async with asyncio.timeout(PATIENCE):
        while (await client.post(closed, content=ping, headers=JSON)).status_code != 404:  # noqa: ASYNC110 -- of another process
            await asyncio.sleep(0.01)


@pytest.mark.proves("sse.unreadable")
@pytest.mark.parametrize(("body", "code"), [(b"{", -32700), (b"\xff", -32700), (b"[]", -32600)])
async def test_what_is_no_message_is_refused_at_once(client: httpx.AsyncClient, body: bytes, code: int) -> None:
    async with opened(client) as older:
        refused = await older.post(body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
        wrong = await older.ask(message("tools/call", [1], request_id="w"))
        assert (wrong["id"], wrong["error"]["code"]) == ("w", -32602)
        assert (await older.ask(message("ping")))["result"] == {}


@pytest.mark.slow
@pytest.mark.proves("sse.guarded", "http.foreign-origin", "http.foreign-host")
async def test_the_older_transport_is_guarded_as_the_newer_one(client: httpx.AsyncClient) -> None:
    evil = {"origin": "https://evil.example"}
    assert (await client.get("/mcp/sse", headers=evil)).status_code == 403
    assert (await client.get("/mcp/sse", headers={"host": "evil.example"})).status_code == 421
    async with opened(client) as older:
        assert (await older.post(message("ping"), **evil)).status_code == 403
        assert (await older.post(message("ping"), host="evil.example")).status_code == 421
        assert await announced(client, older.address, MAX_BODY_BYTES + 1) == 413
        assert (await older.ask(message("ping")))["result"] == {}


async def announced(client: httpx.AsyncClient, address: str, length: int) -> int:
    """The status for a body of that length, of which not a byte is sent."""
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST {address} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {length}\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE):
        status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


class Reader:
    """The other side of a stream, as ASGI sees it: it may stop reading, or leave."""

    def __init__(self, address: str = "192.0.2.1", *, reads: bool = True) -> None:
        self.address, self.reads = address, reads
        self.told: list[Any] = []
        self.left, self.begun = asyncio.Event(), asyncio.Event()
        self.more = asyncio.Condition()

    async def receive(self) -> Any:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, said: Any) -> None:
        if said["type"] == "http.response.body" and not self.reads:
            await asyncio.Event().wait()
        self.told.append(said)
        self.begun.set()
        async with self.more:
            self.more.notify_all()

    async def heard(self, times: int) -> None:
        """Until it was told so and so often."""
        async with self.more:
            await self.more.wait_for(lambda: len(self.told) >= times)

    def open(self, endpoint: SseEndpoint) -> "asyncio.Task[None]":
        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": "/mcp/sse",
            "query_string": b"",
            "headers": [(b"host", b"pickle.example")],
            "client": (self.address, 1),
        }
        return asyncio.create_task(endpoint(scope, self.receive, self.send))


async def turned_away(endpoint: SseEndpoint, reader: Reader) -> int:
    task = reader.open(endpoint)
    await reader.begun.wait()
    reader.left.set()
    await task
    return int(reader.told[0]["status"])


@pytest.mark.proves("sse.bounded")
async def test_streams_are_limited_for_each_caller_and_in_all() -> None:
    quota = StreamQuota(at_most=3, per_caller=2)
    site = StoreSite(shop_on(MemoryBackend(), STORE), (), fixture_roadmap(), streams=quota)
    endpoint = SseEndpoint(site, OriginGuard(site, now=Clock()))
    readers = [Reader("192.0.2.1"), Reader("192.0.2.4"), Reader("192.0.2.2")]
    tasks = []
    for reader in readers:
        tasks.append(reader.open(endpoint))
        await reader.begun.wait()
    assert [reader.told[0]["status"] for reader in readers] == [200, 200, 200]
    assert await turned_away(endpoint, Reader("192.0.2.3")) == 429, "everybody has as many"
    readers[0].left.set()
    await tasks[0]
    assert await turned_away(endpoint, Reader("192.0.2.3")) == 200
    endpoint.close()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*tasks)
    assert readers[1].told[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.proves("sse.bounded")
async def test_a_backlog_ends_the_stream_and_grows_no_more() -> None:
    session = SseConnection("192.0.2.1")
    for number in range(MAX_BACKLOG_MESSAGES * 2):
        session.push(encode_event("message", b"%d" % number))
    assert session.ended
    assert session.queue.qsize() == MAX_BACKLOG_MESSAGES + 1
    told = [frame async for frame in session.frames("/here")]
    assert len(told) == MAX_BACKLOG_MESSAGES + 1
    assert told[-1].endswith(b"data: %d\n\n" % (MAX_BACKLOG_MESSAGES - 1))


@pytest.mark.proves("sse.bounded")
async def test_a_reader_that_takes_nothing_is_dropped() -> None:
    async def messages() -> AsyncIterator[bytes]:
        yield encode_event("message", b"{}")
        await asyncio.Event().wait()

    reader = Reader(reads=False)
    async with asyncio.timeout(PATIENCE):
        assert await send_stream(messages(), reader.receive, reader.send, [], write_timeout=0.02) is False  # type: ignore[arg-type]
        assert await send_stream(quiet(), reader.receive, reader.send, [], heartbeat=0.01, write_timeout=0.02) is False  # type: ignore[arg-type]


async def quiet() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


@pytest.mark.proves("http.stream-headers")
async def test_a_silent_stream_has_a_pulse() -> None:
    reader = Reader()
    async with asyncio.timeout(PATIENCE):
        task = asyncio.create_task(send_stream(quiet(), reader.receive, reader.send, [], heartbeat=0.01))  # type: ignore[arg-type]
        await reader.heard(3)
        reader.left.set()
        assert await task is False
    assert [said["body"] for said in reader.told[1:3]] == [HEARTBEAT, HEARTBEAT]
