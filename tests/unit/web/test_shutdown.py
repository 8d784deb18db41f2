"""A server that is told to stop ends its streams in order, and does not wait for their readers."""

import asyncio
import json
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from storefront_mcp.web.shutdown import STOP_SIGNALS, call_on_stop_signal
from tests.external.clients.programs import running
from tests.fakes.agent import MODERN
from tests.serving import free_port
from tests.unit.mcp.requests import Json, asked

pytestmark = pytest.mark.slow
"""Real processes, started and stopped."""

SOON = 20.0
"""Seconds from the signal to the end, on a busy machine."""


async def events(response: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """Kind and body of each event."""
    kind = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, line.removeprefix("data: ")


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_open_streams_end_in_order_and_soon(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    with running("demo", "--port", str(port), port=port, cwd=tmp_path) as server:
        body, routing = asked("subscriptions/listen", *MODERN, {"notifications": {"toolsListChanged": True}})
        headers = {name.decode(): value.decode() for name, value in routing}
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as client,
            client.stream("GET", "/mcp/sse") as sse,
            client.stream("POST", "/mcp", json=body, headers=headers) as listening,
        ):
            answers, changes = events(sse), events(listening)
            kind, address = await anext(answers)
            assert kind == "endpoint"
            _, acknowledged = await anext(changes)
            assert json.loads(acknowledged)["method"] == "notifications/subscriptions/acknowledged"
            ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            assert (await client.post(address, json=ping)).status_code == 202
            assert json.loads((await anext(answers))[1])["result"] == {}

            told = time.monotonic()
            server.tell(number)
            last: list[Json] = [json.loads(told_last) async for _, told_last in changes]
            assert [each async for each in answers] == []
        assert await asyncio.to_thread(server.ended) == 0
        assert time.monotonic() - told < SOON
    assert [(each["id"], each["result"]["resultType"]) for each in last] == [(body["id"], "complete")]


async def test_whoever_listened_for_the_signal_before_still_hears_it() -> None:
    heard: list[str] = []
    closed = asyncio.Event()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    signal.signal(signal.SIGTERM, lambda *_: heard.append("before"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with call_on_stop_signal(closed.set):
            for number in STOP_SIGNALS:
                signal.raise_signal(number)
                async with asyncio.timeout(60):
                    await closed.wait()
                closed.clear()
        assert heard == ["before"]
        signal.raise_signal(signal.SIGTERM)
        assert heard == ["before", "before"]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert not closed.is_set()


def test_beside_the_main_thread_there_is_nothing_to_hear() -> None:
    heard: list[object] = []
    before = [signal.getsignal(number) for number in STOP_SIGNALS]

    def elsewhere() -> None:
        with call_on_stop_signal(lambda: heard.append("closed")):
            heard.append([signal.getsignal(number) for number in STOP_SIGNALS])

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(5)
    assert heard == [before]
