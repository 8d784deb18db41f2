"""Money without decimals, with two and with three: what the agent is told, the buyer pays and the shop writes down."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import UpstreamSettings
from tests.fakes.agent import MODERN, Agent, value
from tests.fakes.buyer import Buyer
from tests.fakes.demo_shop import demo_shop
from tests.journeys.conftest import flip, unhurried
from tests.journeys.test_a_guest_orders import until_ended, wish
from tests.serving import free_port, served

TOTALS = {"AUD": (5_395, "53.95"), "NZD": (5_881, "58.81"), "JPY": (5_309, "5,309"), "KWD": (10_790, "10.790")}
"""Of one junior paddle for AUD 42.00 with a parcel for AUD 11.95: in minor units, and as people write it."""


@pytest.fixture(params=list(TOTALS))
def currency(request: pytest.FixtureRequest) -> str:
    """What the store sells in."""
    code: str = request.param
    return code


@pytest.fixture
def upstream() -> Iterator[str]:
    """The demo shop on its own, with open books."""
    with served(demo_shop(open_books=True)) as origin:
        yield origin


@pytest.fixture
def store(currency: str, upstream: str, tmp_path: Path) -> Iterator[str]:
    """A store of ours in front of it, with the sandbox to pay at."""
    port = free_port()
    settings = unhurried(demo_settings(port, state=tmp_path))
    shop = replace(settings.stores[0], currency=currency, upstream=UpstreamSettings(kind="maho", url=upstream))
    settings = replace(settings, stores=(shop,))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), port) as origin:
        yield origin


@pytest.fixture
async def agent(store: str) -> AsyncIterator[Agent]:
    """An agent of the newest version."""
    async with Agent(store, MODERN[-1]) as shopping:
        yield shopping


async def test_an_amount_is_the_same_everywhere(agent: Agent, store: str, upstream: str, currency: str) -> None:
    minor, written = TOTALS[currency]
    order = await wish(agent, "PAD-J4", shipping_method="auspost_parcel")
    checked = value(await agent.call("place_order", **order, dry_run=True))["totals"]["total"]
    assert (checked["minor"], checked["currency"]) == (minor, currency)
    placed = value(await agent.call("place_order", **order))
    assert placed["totals"]["total"] == checked

    async with Buyer() as buyer:
        ours = await buyer.sees(placed["continue_url"])
        assert f'name="shown" value="{minor}"' in ours
        assert re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d.,])", ours), ours
        providers = await buyer.sees(await buyer.goes_to_pay(placed["continue_url"]))
        assert re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d.,])", providers), providers
        await buyer.pays(placed["continue_url"])
    done = value(await agent.call("get_order_status", checkout_id=placed["checkout_id"]))
    if done["status"] != "completed":
        done = await until_ended(agent, placed["checkout_id"])

    async with httpx.AsyncClient(base_url=upstream) as client:
        [sold] = (await client.get("/_test/books")).json()["orders"]
    assert (sold["number"], sold["total"], sold["currency"]) == (done["order"]["number"], minor, currency)
    assert sold["payment"]["reference"].startswith("sandbox_payment_")
