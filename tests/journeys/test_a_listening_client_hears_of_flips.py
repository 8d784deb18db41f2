"""A client that listens hears that a phase has opened, and finds what it brought; older ones find it on looking."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import HANDSHAKE, META, MODERN, Agent, Json, refusal, value
from tests.fakes.sse_agent import SseAgent
from tests.journeys.conftest import flip
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

NEWEST = MODERN[-1]
SOON = 60.0
"""Seconds from a flip's word to its being heard, on a busy machine."""
TOOLS, PROMPTS = "notifications/tools/list_changed", "notifications/prompts/list_changed"


@contextlib.asynccontextmanager
async def listening(origin: str, *kinds: str) -> AsyncIterator[AsyncIterator[Json]]:
    """A stream of changes, acknowledged."""
    about = {META + "protocolVersion": NEWEST, META + "clientCapabilities": {}}
    params = {"notifications": dict.fromkeys(kinds, True), "_meta": about}
    message = {"jsonrpc": "2.0", "id": "listener", "method": "subscriptions/listen", "params": params}
    headers = {"mcp-protocol-version": NEWEST, "mcp-method": "subscriptions/listen"}
    async with httpx.AsyncClient(timeout=120) as client:  # noqa: SIM117 -- the client closes last
        async with client.stream("POST", f"{origin}/mcp", json=message, headers=headers) as answer:
            assert answer.status_code == 200
            heard = (
                json.loads(line.removeprefix("data: "))
                async for line in answer.aiter_lines()
                if line.startswith("data: ")
            )
            acknowledged = await anext(heard)
            assert acknowledged["params"]["notifications"] == dict.fromkeys(kinds, True)
            yield heard


async def next_of(heard: AsyncIterator[Json]) -> str:
    async with asyncio.timeout(SOON):
        told = await anext(heard)
    assert told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "listener"
    method: str = told["method"]
    return method


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = demo_settings(free_port(), state=tmp_path)
    flip(chosen, {"p1_browse": "active"})
    return chosen


async def prompts(agent: Agent) -> list[str]:
    return [prompt["name"] for prompt in (await agent.ask("prompts/list"))["result"]["prompts"]]


async def test_a_listener_hears_of_the_cart_and_then_shops(settings: Settings) -> None:
    with served(create_app(settings), settings.port) as origin:
        async with (
            Agent(origin, NEWEST) as agent,
            listening(origin, "promptsListChanged", "resourcesListChanged", "toolsListChanged") as heard,
        ):
            assert await prompts(agent) == ["find_a_gift", "compare_products"]
            assert "Cart is not open" in refusal(await agent.call("create_cart"))
            missing = await agent.ask("prompts/get", name="fill_the_cart", arguments={"wanted": "dill"})
            assert missing["error"]["code"] == -32602

            flip(settings, {"p2_cart": "active"})
            assert {await next_of(heard), await next_of(heard)} == {TOOLS, PROMPTS}

            assert await prompts(agent) == ["find_a_gift", "compare_products", "fill_the_cart"]
            assert len(await agent.tools()) == 16
            filled = await agent.ask("prompts/get", name="fill_the_cart", arguments={"wanted": "a jar of dill"})
            assert "a jar of dill" in filled["result"]["messages"][0]["content"]["text"]
            cart = value(await agent.call("create_cart"))["cart_id"]
            assert value(await agent.call("add_to_cart", cart_id=cart, sku="JAR-DILL"))["lines"]

            flip(settings, {"p2_cart": "paused"})
            assert {await next_of(heard), await next_of(heard)} == {TOOLS, PROMPTS}
            assert "fill_the_cart" not in await prompts(agent)


async def test_a_listener_hears_nothing_that_it_did_not_ask_for(settings: Settings) -> None:
    with served(create_app(settings), settings.port) as origin:
        async with listening(origin, "promptsListChanged") as one, listening(origin, "toolsListChanged") as other:
            for status in ("active", "paused"):
                flip(settings, {"p2_cart": status})
                assert [await next_of(one), await next_of(other)] == [PROMPTS, TOOLS]


async def test_an_open_stream_of_the_older_transport_serves_what_opened_meanwhile(settings: Settings) -> None:
    with served(create_app(settings), settings.port) as origin:
        async with SseAgent(origin, HANDSHAKE[0]) as agent:
            assert len(await agent.tools()) == 6
            flip(settings, {"p2_cart": "active"})
            async with asyncio.timeout(SOON):
                while len(await agent.tools()) == 6:
                    continue
            assert "fill_the_cart" in await prompts(agent)
            assert value(await agent.call("create_cart"))["cart_id"]


async def test_without_an_open_phase_neither_transport_says_more_than_when(tmp_path: Path) -> None:
    settings = demo_settings(free_port(), state=tmp_path)
    with served(create_app(settings), settings.port) as origin:
        async with httpx.AsyncClient(base_url=origin) as client:
            answers = [
                await client.post("/mcp", json={}),
                await client.get("/mcp/sse"),
                await client.post("/mcp/sse/message?sessionId=x", json={}),
            ]
        assert [answer.status_code for answer in answers] == [503] * 3
        assert len({answer.content for answer in answers}) == 1
        assert all(answer.headers["retry-after"] == "604800" for answer in answers)
