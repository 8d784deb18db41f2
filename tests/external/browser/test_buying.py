"""The whole demo: an agent prepares an order, and a person with a browser pays for it."""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from tests.external.browser.conftest import Opening, press
from tests.fakes.agent import VERSIONS, Agent, Json, value
from tests.journeys.conftest import flip, orders
from tests.journeys.test_a_guest_orders import until_ended, wish
from tests.serving import free_port, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo as `make run` serves it; answers its origin."""
    port = free_port()
    settings = demo_settings(port, state=Path(tmp_path_factory.mktemp("demo")))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), port) as origin:
        yield origin


def meanwhile(work: Coroutine[Any, Any, Any]) -> Any:
    """Let an agent work while the browser stands still: it keeps this thread's event loop to itself."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(60)


async def prepared(origin: str) -> Json:
    async with Agent(origin, VERSIONS[-1]) as agent:
        return value(await agent.call("place_order", **await wish(agent)))


async def ended(origin: str, checkout_id: str) -> Json:
    async with Agent(origin, VERSIONS[-1]) as agent:
        return await until_ended(agent, checkout_id)


THANKS = re.compile("Thank you · Pickle Warehouse$")
"""The title's end: a page for test money says TEST first."""


def test_an_agent_prepares_and_a_person_pays(demo: str, opening: Opening) -> None:
    checkout = meanwhile(prepared(demo))
    window = opening(checkout["continue_url"])
    expect(window.get_by_role("heading", level=1)).to_have_text("Review and pay")
    press(window, "Pay $")
    press(window, "Pay")
    expect(window).to_have_title(THANKS, timeout=30_000)

    number = meanwhile(ended(demo, checkout["checkout_id"]))["order"]["number"]
    expect(window.get_by_role("status")).to_contain_text(number)
    assert number in meanwhile(orders(demo))


def test_a_person_who_is_declined_and_walks_away_can_come_back_and_pay(demo: str, opening: Opening) -> None:
    checkout = meanwhile(prepared(demo))
    window = opening(checkout["continue_url"])
    press(window, "Pay $")
    press(window, "Decline")
    press(window, "Walk away", role="link")
    expect(window.get_by_role("heading", level=1)).to_have_text("Review and pay")
    press(window, "Pay $")
    press(window, "Needs 3-D Secure")
    press(window, "Approve")
    expect(window).to_have_title(THANKS, timeout=30_000)
    assert meanwhile(ended(demo, checkout["checkout_id"]))["status"] == "completed"
