"""An agent with a key shops by the Agentic Commerce Protocol over HTTP, and a person pays."""

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.access.credentials import IssuedKey, Secret
from storefront_mcp.access.scopes import STOREFRONT_SCOPES
from storefront_mcp.acp.product_feed import FeedMetadata
from storefront_mcp.app.product_feed import export_feed
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.settings.agent_protocols import AcpSettings, AcpWebhookSettings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import Agent, value
from tests.fakes.buyer import Buyer
from tests.fakes.order_event_receiver import SECRET, receiving
from tests.journeys.conftest import OpenStore, open_store
from tests.journeys.shops import EMBEDDED
from tests.journeys.shops.journey_shop import JourneyShop
from tests.unit.acp.schemas import CART, DISCOVERY, FLAT_ERROR, SESSION, check

pytestmark = pytest.mark.slow

ADDRESS = {
    "name": "Ada Byron",
    "line_one": "1 Queen Street",
    "city": "Brisbane",
    "state": "QLD",
    "postal_code": "4000",
    "country": "AU",
}
BUYER = {"email": "ada.byron@example.com", "full_name": "Ada Byron", "phone_number": "+61 7 0000 0000"}
SOON = 60.0
"""Seconds from a payment to its order, on a busy machine."""
PAUSE = 0.05
LINES = 25
"""Of one session: shops count a whole cart anew for each line."""


def new_key() -> IssuedKey:
    """A key of the demo store, as `keys mint --scope storefront` makes one."""
    now = dt.datetime.now(dt.UTC)
    return mint_key(store=StoreId("pickle"), label="an assistant", scopes=STOREFRONT_SCOPES, by="a test", now=now)


def key_for(settings: Settings, issued: IssuedKey | None = None) -> str:
    """The text of a key that counts from now on."""
    issued = issued or new_key()
    database = Database(settings.database)
    try:
        SqlApiKeyRepository(database).add(issued.key, issued.digest)
        return issued.secret.reveal()
    finally:
        database.close()


class AcpAgent:
    """An agent of the protocol; every answer is checked against what it lets answers be."""

    def __init__(self, origin: str, key: str) -> None:
        headers = {"authorization": f"Bearer {key}", "api-version": "2026-04-17"}
        self._client = httpx.AsyncClient(base_url=origin, headers=headers, timeout=60)

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        key = {} if method == "GET" else {"idempotency-key": str(uuid.uuid4())}
        sent = None if body is None else body
        response = await self._client.request(method, f"/acp{path}", json=sent, headers=key | headers)
        shape = SESSION if "/checkout_sessions" in path else CART
        check(response.json(), shape if response.is_success else FLAT_ERROR)
        return response

    async def prepare(self) -> Any:
        """A session that lacks nothing but a payment."""
        body = {
            "line_items": [{"id": "a", "item": {"id": "TEE-BLUE-M"}, "quantity": 2}],
            "currency": "aud",
            "capabilities": {"interventions": {"supported": []}},
            "buyer": BUYER,
            "fulfillment_details": {"address": ADDRESS},
        }
        session = (await self.ask("POST", "/checkout_sessions", body)).json()
        option = min(session["fulfillment_options"], key=lambda one: one["totals"][-1]["amount"])
        chosen = [{"type": "shipping", "option_id": option["id"], "item_ids": ["a"]}]
        path = f"/checkout_sessions/{session['id']}"
        return (await self.ask("POST", path, {"selected_fulfillment_options": chosen})).json()

    async def until_ended(self, session: str) -> Any:
        async with asyncio.timeout(SOON):
            while True:
                shown = (await self.ask("POST", f"/checkout_sessions/{session}/complete", {"payment_data": {}})).json()
                if shown["status"] not in {"requires_escalation", "complete_in_progress"}:
                    return shown
                await asyncio.sleep(PAUSE)


@pytest.fixture(scope="module")
def store(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStore]:
    """A store that speaks the protocol, over each kind of shop."""
    with open_store(kind, tmp_path_factory.mktemp("acp"), acp=AcpSettings(enabled=True)) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(store: OpenStore) -> str:
    """An assistant's."""
    return key_for(store.settings)


@pytest.fixture
async def agent(store: OpenStore, key: str) -> AsyncIterator[AcpAgent]:
    agent = AcpAgent(store.origin, key)
    yield agent
    await agent.close()


async def test_an_agent_fills_a_session_and_the_buyer_pays(agent: AcpAgent) -> None:
    created = await agent.ask(
        "POST",
        "/checkout_sessions",
        {
            "line_items": [{"id": "a", "item": {"id": "TEE-BLUE-M"}, "quantity": 2}],
            "currency": "aud",
            "capabilities": {"interventions": {"supported": []}},
            "buyer": BUYER,
            "fulfillment_details": {"address": ADDRESS},
        },
        **{"request-id": "r-1"},
    )
    assert (created.status_code, created.headers["request-id"]) == (201, "r-1")
    session = created.json()
    assert session["status"] == "not_ready_for_payment"
    path = f"/checkout_sessions/{session['id']}"
    option = min(session["fulfillment_options"], key=lambda one: one["totals"][-1]["amount"])
    chosen = [{"type": "shipping", "option_id": option["id"], "item_ids": ["a"]}]
    ready = (await agent.ask("POST", path, {"selected_fulfillment_options": chosen})).json()
    assert ready["status"] == "requires_escalation"

    async with Buyer() as person:
        await person.pays(ready["continue_url"])
    done = await agent.until_ended(session["id"])
    assert done["status"] == "completed"
    assert done["order"]["checkout_session_id"] == session["id"]
    assert done["order"]["order_number"]
    assert done["totals"] == ready["totals"]
    assert (await agent.ask("POST", f"{path}/cancel")).status_code == 405


async def test_a_cart_that_was_begun_with_our_tools_is_finished_here(agent: AcpAgent, store: OpenStore) -> None:
    async with Agent(store.origin, "2025-11-25") as tools:
        cart = value(await tools.call("create_cart"))["cart_id"]
        value(await tools.call("add_to_cart", cart_id=cart, sku="TEE-BLUE-M"))
        session = (
            await agent.ask(
                "POST",
                "/checkout_sessions",
                {"cart_id": cart, "buyer": BUYER, "fulfillment_details": {"address": ADDRESS}},
            )
        ).json()
        option = session["fulfillment_options"][0]["id"]
        chosen = [{"type": "shipping", "option_id": option, "item_ids": []}]
        ready = (
            await agent.ask("POST", f"/checkout_sessions/{session['id']}", {"selected_fulfillment_options": chosen})
        ).json()
        async with Buyer() as person:
            await person.pays(ready["continue_url"])
        assert (await agent.until_ended(session["id"]))["status"] == "completed"
        ordered = await tools.call("view_cart", cart_id=cart)
        assert "became" in str(ordered) or "order" in str(ordered)


async def test_a_cart_of_the_protocol_is_seen_by_our_tools(agent: AcpAgent, store: OpenStore) -> None:
    cart = (await agent.ask("POST", "/carts", {"items": [{"id": "TEE-BLUE-M", "quantity": 3}]})).json()
    async with Agent(store.origin, "2025-11-25") as tools:
        seen = value(await tools.call("view_cart", cart_id=cart["id"]))
        assert [(line["sku"], line["quantity"]) for line in seen["lines"]] == [("TEE-BLUE-M", 3)]
    canceled = (await agent.ask("POST", f"/carts/{cart['id']}/cancel")).json()
    assert canceled["line_items"] == cart["line_items"]


async def test_what_the_feed_says_can_be_bought_at_its_price(
    agent: AcpAgent, store: OpenStore, shop: JourneyShop, tmp_path: Path
) -> None:
    await export_feed(store.settings.stores[0], None, tmp_path, FeedMetadata(id="feed_1"))
    text = (tmp_path / "products.jsonl").read_text(encoding="utf-8")
    products = [json.loads(line) for line in text.splitlines()]
    family = next(one for one in products if one["id"] == shop.family)
    assert "TEE-BLUE-M" in {one["id"] for one in family["variants"]}

    variants = [one for product in products for one in product["variants"] if one["availability"]["available"]]
    assert len(variants) > 400
    prices = {one["id"]: one["price"]["amount"] for one in variants}
    for start in range(0, len(variants), LINES):
        part = variants[start : start + LINES]
        session = (await agent.ask("POST", "/checkout_sessions", {"items": [{"id": one["id"]} for one in part]})).json()
        assert [one for one in session["messages"] if "line_items" in one.get("param", "")] == []
        assert {line["item"]["id"]: line["unit_amount"] for line in session["line_items"]} == {
            one["id"]: prices[one["id"]] for one in part
        }


async def test_a_repeat_is_answered_as_before(agent: AcpAgent) -> None:
    body = {"items": [{"id": "TEE-BLUE-M"}]}
    first = await agent.ask("POST", "/carts", body, **{"idempotency-key": "the same"})
    again = await agent.ask("POST", "/carts", body, **{"idempotency-key": "the same"})

    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await agent.ask("POST", "/carts", {"items": [{"id": "HAT"}]}, **{"idempotency-key": "the same"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")


async def test_whoever_has_no_key_is_refused_in_the_protocols_words(store: OpenStore) -> None:
    async with httpx.AsyncClient(base_url=store.origin) as client:
        refused = await client.post("/acp/carts", json={}, headers={"api-version": "2026-04-17"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


async def test_the_discovery_document_is_there_where_it_is_on(store: OpenStore, demo: str) -> None:
    async with httpx.AsyncClient() as client:
        found = await client.get(f"{store.origin}/.well-known/acp.json")
        check(found.json(), DISCOVERY)
        assert found.headers["cache-control"] == "public, max-age=3600"
        assert found.json()["capabilities"]["services"] == ["checkout", "carts"]
        for path in ("/.well-known/acp.json", "/acp/carts"):
            assert (await client.get(demo + path)).status_code == 404


async def test_the_receiver_of_a_key_is_told_of_the_orders_of_its_agent_alone(tmp_path: Path) -> None:
    told, other = new_key(), new_key()
    with receiving() as (receiver, url):
        webhook = AcpWebhookSettings(key=told.key.id, url=url, secret=Secret(SECRET))
        receiver.answers = [503]
        with open_store(EMBEDDED, tmp_path, acp=AcpSettings(enabled=True, webhooks=(webhook,))) as store:
            agents = [AcpAgent(store.origin, key_for(store.settings, key)) for key in (other, told)]
            ended = []
            async with Buyer() as person:
                for agent in agents:
                    ready = await agent.prepare()
                    assert not receiver.tries, "of what is not paid nobody is told"
                    await person.pays(ready["continue_url"])
                    ended.append(await agent.until_ended(ready["id"]))
                    await agent.close()
            assert await asyncio.to_thread(receiver.arrived.wait, SOON)
    assert receiver.taken == [{"type": "order_create", "data": ended[1]["order"]}]
    assert len({headers["request-id"] for headers in receiver.tries}) == 1
