"""Server-sent events: framed, kept alive, and ended when either side has had enough."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.web.event_stream import HEARTBEAT, encode_event, frame_messages, send_stream
from tests.fakes.agent import MODERN
from tests.unit.mcp.requests import asked
from tests.unit.uvicorn_protocol.connections import Wire
from tests.unit.web.serving import ServedStore

HEADERS = [(b"x-extra", b"1")]


class Source:
    """Messages that a test lets go one by one."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.closed = False

    async def messages(self) -> AsyncGenerator[bytes, None]:
        try:
            while (message := await self.queue.get()) is not None:
                yield message
        finally:
            self.closed = True


@pytest.fixture
def source() -> Source:
    return Source()


def app(source: Source, outcome: list[bool], **timing: float) -> Any:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        outcome.append(await send_stream(frame_messages(source.messages()), receive, send, HEADERS, **timing))

    return answer


async def test_messages_are_events_and_the_end_is_the_end(source: Source) -> None:
    wire, outcome = Wire(), list[bool]()
    async with wire.open(app(source, outcome)) as asking:
        for message in (b'{"a":1}', b'{"b":2}', None):
            source.queue.put_nowait(message)
        await asking
    assert [await wire.frame(), await wire.frame()] == [
        b'event: message\ndata: {"a":1}\n\n',
        b'event: message\ndata: {"b":2}\n\n',
    ]
    assert (wire.status, wire.over, outcome, source.closed) == (200, True, [True], True)
    assert wire.headers == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-transform",
        "x-accel-buffering": "no",
        "x-extra": "1",
    }


async def test_silence_is_filled_with_heartbeats_and_loses_nothing(source: Source) -> None:
    wire, outcome = Wire(), list[bool]()
    async with wire.open(app(source, outcome, heartbeat=0.005)) as asking:
        assert [await wire.frame(), await wire.frame()] == [HEARTBEAT, HEARTBEAT]
        source.queue.put_nowait(b"{}")
        assert await wire.message() == {}
        assert await wire.frame() == HEARTBEAT
        source.queue.put_nowait(None)
        await asking
    assert outcome == [True]


@pytest.mark.parametrize("said", [0, 1])
async def test_a_reader_that_leaves_ends_the_stream_and_its_source(source: Source, said: int) -> None:
    wire, outcome = Wire(), list[bool]()
    async with wire.open(app(source, outcome)) as asking:
        for _ in range(said):
            source.queue.put_nowait(b"{}")
            assert await wire.message() == {}
        wire.hang_up()
        async with asyncio.timeout(60):
            await asking
    assert (outcome, wire.over, source.closed) == ([False], False, True)


async def test_a_reader_that_takes_nothing_is_dropped(source: Source) -> None:
    wire, outcome = Wire(), list[bool]()
    async with wire.open(app(source, outcome, write_timeout=0.02)) as asking:
        wire.reads.clear()
        source.queue.put_nowait(b"{}")
        async with asyncio.timeout(60):
            await asking
    assert (outcome, source.closed) == ([False], True)


async def test_a_stream_that_is_cancelled_closes_its_source(source: Source) -> None:
    wire, outcome = Wire(), list[bool]()
    asking = asyncio.create_task(app(source, outcome)({}, wire.receive, wire.send))
    source.queue.put_nowait(b"{}")
    assert await wire.message() == {}
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert (outcome, source.closed) == ([], True)


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_json_fits_in_one_line(value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    *lines, blank, end = encode_event("message", body).split(b"\n")
    assert (blank, end) == (b"", b"")
    assert [line.partition(b": ")[0] for line in lines] == [b"event", b"data"]
    assert json.loads(lines[1].removeprefix(b"data: ").decode("utf-8", "surrogatepass")) == value


async def test_listening_over_http_is_a_stream_that_a_flip_speaks_on() -> None:
    served_store, wire = ServedStore(), Wire()
    body, sent = asked("subscriptions/listen", *MODERN, {"notifications": {"toolsListChanged": True}}, request_id="l")
    headers = [*sent, (b"content-type", b"application/json"), (b"origin", b"https://pickle.example")]
    async with wire.open(served_store.app, "POST", "/mcp", headers, json.dumps(body).encode()) as asking:
        assert (await wire.message())["method"] == "notifications/subscriptions/acknowledged"
        served_store.site.publish(served_store.site.shown.roadmap.with_status({"p2_cart": "paused"}))
        assert (await wire.message())["method"] == "notifications/tools/list_changed"
        served_store.site.shared.subscriptions.close()
        last = await wire.message()
        await asking
    assert (last["id"], last["result"]["resultType"]) == ("l", "complete")
    assert wire.headers["content-type"] == "text/event-stream"
    assert wire.headers["access-control-allow-origin"] == "https://pickle.example"
    assert wire.headers["x-content-type-options"] == "nosniff"
