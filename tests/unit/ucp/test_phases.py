"""What a phase has not open, UCP neither says nor does."""

import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.settings.agent_protocols import UcpSettings
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.ucp_agent import PROFILE
from tests.journeys.conftest import flip

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
AGENT = {"ucp-agent": f'profile="{PROFILE}"'}
HOME = {
    "first_name": "Ada", "last_name": "Byron", "street_address": "1 Queen Street", "address_locality": "Brisbane",
    "address_region": "QLD", "postal_code": "4000", "address_country": "AU", "phone_number": "+61 7 5550 1234",
}  # fmt: skip


def client_of(settings: Any) -> httpx.AsyncClient:
    app: Any = create_app(settings)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.stores[0].origin)


async def test_before_anything_is_open_the_profile_is_empty_and_calls_wait(tmp_path: Path) -> None:
    async with client_of(demo_settings(8000, state=tmp_path)) as shop:
        profile = (await shop.get("/.well-known/ucp")).json()
        assert (profile["status"], profile["ucp"]["services"], profile["ucp"]["capabilities"]) == ("planned", {}, {})
        for path, sent in (("/ucp/mcp", LIST), ("/ucp/catalog/search", {"query": "tee"})):
            closed = await shop.post(path, json=sent, headers=AGENT)
            assert closed.status_code == 503
            assert int(closed.headers["retry-after"]) > 0


async def test_a_paused_catalog_vanishes_and_comes_back(tmp_path: Path) -> None:
    settings = demo_settings(8000, state=tmp_path)
    flip(settings, {"p1_browse": "active"})
    flip(settings, {"p1_browse": "paused"})
    async with client_of(settings) as shop:
        profile = (await shop.get("/.well-known/ucp")).json()
        assert (profile["status"], profile["capabilities"]) == ("paused", {})
        closed = await shop.post("/ucp/catalog/product", json={"id": "TEE"}, headers=AGENT)
        assert closed.status_code == 503


async def test_carts_that_are_not_open_yet_are_not_named(tmp_path: Path) -> None:
    settings = demo_settings(8000, state=tmp_path)
    flip(settings, {"p1_browse": "active", "p2_cart": "active"})
    flip(settings, {"p1_browse": "paused", "p2_cart": "paused"})
    flip(settings, {"p1_browse": "active"})
    async with client_of(settings) as shop:
        names = set((await shop.get("/.well-known/ucp")).json()["capabilities"])
        assert names == {"dev.ucp.shopping.catalog.search", "dev.ucp.shopping.catalog.lookup"}


async def test_checkouts_that_were_prepared_before_a_pause_are_told_and_given_up(tmp_path: Path) -> None:
    settings = demo_settings(8000, state=tmp_path)
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    checkout = {
        "line_items": [{"item": {"id": "JAR-DILL"}, "quantity": 1}],
        "buyer": {"email": "ada@example.com"},
        "fulfillment": {"methods": [{"destinations": [HOME], "groups": [{"selected_option_id": "auspost_parcel"}]}]},
    }
    async with client_of(settings) as shop:
        begun = (await shop.post("/ucp/checkout-sessions", json=checkout, headers=AGENT)).json()
    assert begun["status"] == "requires_escalation"
    flip(settings, {"p3_checkout": "paused"})
    async with client_of(settings) as shop:
        path = f"/ucp/checkout-sessions/{begun['id']}"
        assert (await shop.put(path, json=checkout, headers=AGENT)).status_code == 503
        listed = (await shop.post("/ucp/mcp", json=LIST, headers=AGENT)).json()["result"]["tools"]
        assert {one["name"] for one in listed if "checkout" in one["name"]} == {"get_checkout", "cancel_checkout"}
        told = await shop.get(path, headers=AGENT)
        assert (told.status_code, told.json()["status"]) == (200, "requires_escalation")
        ended = await shop.post(f"{path}/cancel", json={}, headers={**AGENT, "idempotency-key": str(uuid.uuid4())})
        assert (ended.status_code, ended.json()["status"]) == (200, "canceled")


@pytest.mark.parametrize("path", ["/.well-known/ucp", "/.well-known/ucp/2026-04-08", "/ucp", "/ucp/mcp", "/ucp/carts"])
async def test_a_store_without_it_has_nothing_there(tmp_path: Path, path: str) -> None:
    settings = demo_settings(8000, state=tmp_path)
    store = replace(settings.stores[0], ucp=UcpSettings())
    async with client_of(replace(settings, stores=(store,))) as shop:
        assert (await shop.get(path)).status_code == 404
        assert "ucp" not in (await shop.get("/.well-known/protocols")).json()["protocols"]
        assert "/.well-known/ucp" not in (await shop.get("/llms.txt")).text
