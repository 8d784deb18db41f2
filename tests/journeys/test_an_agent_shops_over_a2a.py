"""An agent shops at the store's own agent, in both versions and bindings, until its person has paid."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import Database
from tests.fakes.a2a_agent import BINDINGS, A2aAgent, A2aRefusal, Answer
from tests.fakes.agent import VERSIONS, Agent, value
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import OpenStore, flip
from tests.journeys.shops.journey_shop import JourneyShop
from tests.journeys.test_a_guest_orders import ADA, EMAIL, PAUSE, PERSONAL, PLENTY, SOON

pytestmark = pytest.mark.slow

ORDER: dict[str, Any] = {"email": EMAIL, "shipping_address": ADA}


@pytest.fixture
def origin(store: OpenStore) -> str:
    """Of a store whose agent answers."""
    return store.origin


@pytest.fixture(params=BINDINGS)
async def agent(request: pytest.FixtureRequest, origin: str) -> AsyncIterator[A2aAgent]:
    async with A2aAgent(origin, request.param) as shopping:
        yield shopping


async def ended(agent: A2aAgent) -> Answer:
    """The task once it is no longer waited for."""
    async with asyncio.timeout(SOON):
        while True:
            answer = await agent.get()
            if answer.state not in {"input-required", "working"}:
                return answer
            await asyncio.sleep(PAUSE)


async def until_open(agent: A2aAgent, tool: str, *, wanted: bool) -> None:
    """Wait until a tool is open, or closed."""
    async with asyncio.timeout(SOON):
        while True:
            if (tool in (await agent.say("help")).data["actions"]) is wanted:
                return
            await asyncio.sleep(PAUSE)


async def test_from_a_search_to_a_paid_order(agent: A2aAgent) -> None:
    found = await agent.say("search pickles")
    assert found.kind == "message"
    product = await agent.say(f"show {found.result['products'][0]['sku']}")
    assert product.kind == "message"
    cart = await agent.say(f"add {PLENTY} x 2")
    assert (cart.kind, cart.state, cart.context) == ("task", "input-required", found.context)
    quote = await agent.say("shipping to AU 4000")
    method = min(quote.result["methods"], key=lambda one: one["price"]["minor"])["code"]
    placed = await agent.act("place_order", **ORDER, shipping_method=method)
    assert (placed.task_id, placed.state) == (cart.task_id, "input-required")
    assert placed.result["continue_url"] in placed.text
    assert placed.result["continue_url"] in str(placed.body["status"])
    assert not any(one in str(placed.body) for one in PERSONAL)
    async with Buyer() as buyer:
        await buyer.pays(placed.result["continue_url"])
    done = await ended(agent)
    number = done.result["order"]["number"]
    assert (done.state, f"number {number}" in done.text) == ("completed", True)
    assert (await agent.say("status")).result["order"]["number"] == number


async def test_a_purchase_is_given_up_and_nobody_can_pay_any_more(agent: A2aAgent, shop: JourneyShop) -> None:
    await agent.say(f"add {PLENTY}")
    placed = await agent.act("place_order", **ORDER, shipping_method=shop.parcel)
    assert (await agent.cancel()).state == "canceled"
    async with Buyer() as buyer:
        assert 'name="shown"' not in await buyer.sees(placed.result["continue_url"])


async def test_ucps_own_words_for_it(origin: str) -> None:
    """As the Universal Commerce Protocol writes them: version 0.3, an id of the client's own, data with actions."""
    async with A2aAgent(origin, "0.3 JSON-RPC") as agent:
        agent.context = own = str(uuid.uuid4())
        first = await agent.act("add_to_checkout", product_id=PLENTY, quantity=1)
        second = await agent.act("add_to_checkout", product_id=PLENTY, quantity=1)
        assert (first.task_id, first.context) == (second.task_id, own)
        assert second.result["lines"][0]["quantity"] == 2
        lacking = await agent.act("complete_checkout")
        assert (lacking.state, lacking.error["code"]) == ("input-required", "invalid_arguments")


@pytest.mark.parametrize("version", VERSIONS)
async def test_one_cart_goes_through_both_protocols(origin: str, shop: JourneyShop, version: str) -> None:
    async with Agent(origin, version) as mcp, A2aAgent(origin) as agent:
        cart = value(await mcp.call("create_cart"))["cart_id"]
        value(await mcp.call("add_to_cart", cart_id=cart, sku=PLENTY))
        answer = await agent.act("add_to_cart", cart_id=cart, sku="JAR-DILL")
        assert len(answer.result["lines"]) == 2
        placed = await agent.act("place_order", **ORDER, shipping_method=shop.parcel)
        shown = value(await mcp.call("get_order_status", checkout_id=placed.result["checkout_id"]))
        assert shown["continue_url"] == placed.result["continue_url"]
        seen = value(await mcp.call("view_cart", cart_id=cart))
        assert len(seen["lines"]) == 2


async def test_the_audit_names_the_protocol(store: OpenStore) -> None:
    async with A2aAgent(store.origin, headers={"user-agent": "buyer/7"}) as agent:
        await agent.act("create_cart")
    with contextlib.closing(Database(store.settings.database)) as database:
        async with asyncio.timeout(SOON):
            while True:
                entries = [stored.entry for stored in AuditLog(database).read()]
                noted = [one for one in entries if one.who.client == "buyer/7"]
                if noted:
                    break
                await asyncio.sleep(PAUSE)
    assert [(one.source, one.subject) for one in noted] == [("a2a", "create_cart")]


async def test_phases_open_and_close_for_the_agent_too(store: OpenStore) -> None:
    async with A2aAgent(store.origin) as agent:
        await agent.say(f"add {PLENTY}")
        flip(store.settings, {"p3_checkout": "paused"})
        try:
            await until_open(agent, "place_order", wanted=False)
            refused = await agent.act("place_order", **ORDER)
            assert refused.error["code"] == "tool_not_open"
        finally:
            flip(store.settings, {"p3_checkout": "active"})
        await until_open(agent, "place_order", wanted=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_told_what_is_taken(origin: str, method: str) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.request(method, f"{origin}/a2a")).status_code == 405


async def test_pages_of_strangers_may_not_talk_to_it(origin: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{origin}/a2a", json={}, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403


async def test_a_body_beyond_all_bounds_is_not_read(origin: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{origin}/a2a", content=b"x" * 3_000_000)
        assert answer.status_code == 413


async def test_a_credential_that_is_none_is_refused(origin: str) -> None:
    async with A2aAgent(origin, headers={"authorization": "Bearer nothing"}) as agent:
        answer = await agent.post({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "x"}})
        assert answer.status_code == 401


async def test_tasks_of_one_agent_are_unknown_to_another(origin: str) -> None:
    async with A2aAgent(origin) as one, A2aAgent(origin) as other:
        await one.say(f"add {PLENTY}")
        assert (await other.ask("list", {}))["tasks"] == []
        with pytest.raises(A2aRefusal):
            await other.get(one.task[:-1] + ("0" if one.task[-1] != "0" else "1"))
