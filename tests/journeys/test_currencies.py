"""Money without decimals, with two and with three: what the agent is told, the buyer pays and the shop writes down."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes.agent import MODERN, Agent, value
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import OpenStore, open_store
from tests.journeys.shops import SERVED
from tests.journeys.test_a_guest_orders import until_ended, wish

pytestmark = pytest.mark.slow

KINDS = SERVED
TOTALS = {"AUD": (5_395, "53.95"), "NZD": (5_881, "58.81"), "JPY": (5_309, "5,309"), "KWD": (10_790, "10.790")}
"""Of one junior paddle for AUD 42.00 with a parcel for AUD 11.95: in minor units, and as people write it."""


@pytest.fixture(params=list(TOTALS))
def currency(request: pytest.FixtureRequest) -> str:
    """What the store sells in."""
    code: str = request.param
    return code


@pytest.fixture
def store(kind: str, currency: str, tmp_path: Path) -> Iterator[OpenStore]:
    """A store that sells in a currency, with the sandbox to pay at."""
    with open_store(kind, tmp_path, currency=currency) as opened:
        yield opened


@pytest.fixture
async def agent(store: OpenStore) -> AsyncIterator[Agent]:
    """An agent of the newest version."""
    async with Agent(store.origin, MODERN[-1]) as shopping:
        yield shopping


async def test_an_amount_is_the_same_everywhere(agent: Agent, store: OpenStore, currency: str) -> None:
    minor, written = TOTALS[currency]
    order = await wish(agent, "PAD-J4", shipping_method=store.shop.parcel)
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

    assert store.shop.orders is not None
    [sold] = store.shop.orders()
    assert (sold.number, sold.total, sold.currency) == (done["order"]["number"], minor, currency)
    assert sold.paid
