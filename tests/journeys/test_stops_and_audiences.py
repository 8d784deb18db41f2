"""A phase for some callers, emergency stops and pauses, as agents, buyers and listeners meet them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.app import create_app
from storefront_mcp.roadmap.terms import FlipTerms, audience_terms
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import MODERN, VERSIONS, Agent, Json, refusal, value
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import flip, flips_of
from tests.journeys.test_a_guest_orders import wish
from tests.journeys.test_a_listening_client_hears_of_flips import SOON, TOOLS, listening, next_of
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

CARD = "/.well-known/mcp/server-card.json"
CLAUDE, OTHER = {"user-agent": "claude-code/2.1"}, {"user-agent": "somebody/1"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def shopper(origin: str, headers: dict[str, str], version: str = VERSIONS[-2]) -> Agent:
    return Agent(origin, version, client=httpx.AsyncClient(timeout=120, headers=headers))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return demo_settings(free_port(), state=tmp_path)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(SOON):
        while not await condition():
            continue


async def test_a_phase_for_one_program_is_there_for_it_and_for_nobody_else(settings: Settings) -> None:
    flip(settings, {"p1_browse": "active"})
    flip(settings, {"p2_cart": "active"}, terms=audience_terms(None, ["claude"]))
    with served(create_app(settings), settings.port) as origin:
        async with shopper(origin, CLAUDE) as ours, shopper(origin, OTHER) as other:
            assert "create_cart" in await ours.tools()
            assert value(await ours.call("create_cart"))["cart_id"]
            assert "create_cart" not in await other.tools()
            assert "not open to agents yet" in refusal(await other.call("create_cart"))
        async with httpx.AsyncClient(base_url=origin) as client:
            tools = (await client.get("/mcp/tools")).json()
            assert "create_cart" not in [tool["name"] for tool in tools["tools"]]


async def test_a_store_that_is_open_for_one_program_only_is_the_stub_for_strangers(settings: Settings) -> None:
    flip(settings, {"p1_browse": "active"}, terms=audience_terms(None, ["claude"]))
    with served(create_app(settings), settings.port) as origin:
        async with shopper(origin, CLAUDE) as ours, httpx.AsyncClient(base_url=origin) as client:
            assert len(await ours.tools()) == 6
            stub = await client.post("/mcp", json=PING, headers=OTHER)
            assert stub.status_code == 503
            assert stub.headers["retry-after"] == "604800"
            assert stub.json()["error"] == "not_yet_available"
            assert (await client.get(CARD)).json()["status"] == "planned"


async def test_a_listener_hears_of_its_own_lists_only(settings: Settings) -> None:
    flip(settings, {"p1_browse": "active"})
    with served(create_app(settings), settings.port) as origin:
        async with listening(origin, "toolsListChanged") as heard, shopper(origin, CLAUDE) as ours:
            flip(settings, {"p2_cart": "active"}, terms=audience_terms(None, ["claude"]))

            async def seen() -> bool:
                return "create_cart" in await ours.tools()

            await until(seen)
            # The next thing that the stranger hears is the opening for everybody, not the one for others.
            flip(settings, {"p2_cart": "active"})
            assert await next_of(heard) == TOOLS
            flip(settings, {"p2_cart": "paused"})
            assert await next_of(heard) == TOOLS


async def test_a_stopped_program_is_told_so_and_all_others_shop_on(settings: Settings) -> None:
    flip(settings, {"p1_browse": "active", "p2_cart": "active"})
    with served(create_app(settings), settings.port) as origin:
        async with httpx.AsyncClient(base_url=origin) as client, shopper(origin, OTHER) as other:
            with flips_of(settings) as flips:
                flips.stop(settings.stores[0].id, "client", client="claude", reason="it orders in circles", by="ops")

            async def stopped() -> bool:
                return (await client.post("/mcp", json=PING, headers=CLAUDE)).status_code == 503

            await until(stopped)
            told = await client.post("/mcp", json=PING, headers=CLAUDE)
            assert told.json()["message"].startswith("Closed for now: it orders in circles.")
            assert told.headers["retry-after"] == "120"
            assert value(await other.call("create_cart"))["cart_id"]
            assert (await client.get(CARD)).json()["status"] == "active"
            with flips_of(settings) as flips:
                flips.resume(settings.stores[0].id, by="ops")

            async def back() -> bool:
                return not await stopped()

            await until(back)


async def test_a_stop_of_buying_ends_payment_and_leaves_the_catalogue(settings: Settings) -> None:
    store = settings.stores[0].id
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), settings.port) as origin:
        async with shopper(origin, OTHER) as agent, Buyer() as buyer:
            placed: Json = value(await agent.call("place_order", **await wish(agent)))
            with flips_of(settings) as flips:
                flips.stop(store, "buying", reason="wrong prices", by="ops")

            async def closed() -> bool:
                return "create_cart" not in await agent.tools()

            await until(closed)
            assert "search_products" in await agent.tools()
            page = await buyer.sees(placed["continue_url"])
            assert "Closed for now" in page
            assert "wrong prices" in page
            assert "Nothing was charged" in page
            assert "<form" not in page
            # Whoever asks closes it: the reconciler does not let a checkout stay open that cannot be paid.
            with flips_of(settings) as flips:
                flips.resume(store, by="ops")

            async def back() -> bool:
                return "place_order" in await agent.tools()

            await until(back)
            assert "Pay" in await buyer.sees(placed["continue_url"])


@pytest.mark.parametrize("version", [VERSIONS[0], *MODERN])
async def test_order_status_outlives_a_pause_of_everything_and_not_a_stop_of_everything(
    settings: Settings, version: str
) -> None:
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), settings.port) as origin:
        async with shopper(origin, OTHER, version) as agent, httpx.AsyncClient(base_url=origin) as client:
            placed = value(await agent.call("place_order", **await wish(agent)))
            why = FlipTerms(reason="stocktaking")
            flip(settings, {"p1_browse": "paused", "p2_cart": "paused", "p3_checkout": "paused"}, terms=why)

            async def paused() -> bool:
                return len(await agent.tools()) == 2

            await until(paused)
            assert {*await agent.tools()} == {"get_order_status", "cancel_checkout"}
            status = value(await agent.call("get_order_status", checkout_id=placed["checkout_id"]))
            assert status["status"] == "requires_escalation"
            told = refusal(await agent.call("search_products", query="tee"))
            assert "Browse, cart and checkout are closed for now: stocktaking." in told
            assert '"retry_after":120' in told
            card = (await client.get(CARD)).json()
            assert (card["status"], card["version"].endswith("-stub")) == ("paused", False)
            assert "is closed for now" in (await client.get("/index.md")).text
            canceled = value(await agent.call("cancel_checkout", checkout_id=placed["checkout_id"]))
            assert canceled["status"] == "canceled"

            with flips_of(settings) as flips:
                flips.stop(settings.stores[0].id, "everything", by="ops")
                # Nothing is open that a stop could close, and what outlives a pause does not outlive a stop.
            await until_status(client, 503)


@pytest.mark.parametrize("version", [VERSIONS[0], *MODERN])
async def test_an_agent_that_comes_during_a_pause_hears_of_it_before_it_tries(settings: Settings, version: str) -> None:
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    flip(settings, {"p2_cart": "paused", "p3_checkout": "paused"}, terms=FlipTerms(reason="stocktaking"))
    closed = "Cart and checkout are closed for now: stocktaking. Nothing in a cart is lost."
    with served(create_app(settings), settings.port) as origin:
        async with shopper(origin, OTHER, version) as agent:
            hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "late", "version": "1"}}
            answer = await (agent.ask("server/discover") if agent.modern else agent.ask("initialize", **hello))
            told = answer["result"]["instructions"]
            assert closed in told
            assert "yet" not in told, "orders could be placed, and will be"
            for topic in ("about", "payment", "returns"):
                assert value(await agent.call("get_store_info", topic=topic))["notice"].startswith(closed)
            flip(settings, {"p2_cart": "active", "p3_checkout": "active"})

            async def back() -> bool:
                return "place_order" in await agent.tools()

            await until(back)
            assert "notice" not in value(await agent.call("get_store_info"))


async def until_status(client: httpx.AsyncClient, status: int) -> None:
    async with asyncio.timeout(SOON):
        while (await client.post("/mcp", json=PING)).status_code != status:
            continue
