"""A buyer with gift cards: one that pays for everything, and what it leaves of the next cart, paid by card."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.agent import Agent, adds_up, refusal, value
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import flip, orders, unhurried
from tests.journeys.test_a_guest_orders import until_ended, wish
from tests.serving import free_port, served

pytestmark = pytest.mark.slow

BARREL, BRINE = "GC-BARREL-500", "GC-BRINE-50"


@pytest.fixture
def fresh_demo(tmp_path: Path) -> Iterator[str]:
    """A demo whose gift cards nobody has spent yet."""
    port = free_port()
    settings = unhurried(demo_settings(port, state=tmp_path))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), port) as origin:
        yield origin


@pytest.fixture(params=["2025-03-26", "2025-11-25", "2026-07-28"])
async def giver(request: pytest.FixtureRequest, fresh_demo: str) -> AsyncIterator[Agent]:
    async with Agent(fresh_demo, request.param) as shopping:
        yield shopping


async def test_gift_cards_pay_and_what_they_leave_is_paid_as_usual(giver: Agent, fresh_demo: str) -> None:
    order = await wish(giver, "JAR-DILL")
    cart_id = order["cart_id"]
    wrong = refusal(await giver.call("apply_gift_card", cart_id=cart_id, code="GC-BRINE-500"))
    assert "never guess" in wrong
    assert "GC-BRINE-500" not in wrong
    paid = value(await giver.call("apply_gift_card", cart_id=cart_id, code=BRINE))
    assert paid["gift_cards"] == [{"code": "…-50", "amount": {"minor": 950, "currency": "AUD"}}]
    assert (paid["totals"]["total"]["minor"], adds_up(paid["totals"])) == (0, True)
    assert value(await giver.call("apply_gift_card", cart_id=cart_id, code=BRINE)) == paid
    assert value(await giver.call("view_cart", cart_id=cart_id)) == paid

    ready = value(await giver.call("place_order", **order, dry_run=True))
    spent = ready["totals"]["gift_cards"]["minor"]
    assert (ready["totals"]["total"]["minor"], spent > 950, adds_up(ready["totals"])) == (0, True, True)
    placed = value(await giver.call("place_order", **order))
    assert placed["totals"] == ready["totals"]
    async with Buyer() as buyer:
        assert "Gift cards" in await buyer.sees(placed["continue_url"])
        await buyer.goes_to_pay(placed["continue_url"])
        done = await until_ended(giver, placed["checkout_id"])
        assert done["status"] == "completed"
        assert f"{done['order']['number']}" in await orders(fresh_demo)

        rest = await wish(giver, "PAD-2")
        first = value(await giver.call("place_order", **rest))
        part = value(await giver.call("apply_gift_card", cart_id=rest["cart_id"], code=BRINE))
        assert part["gift_cards"][0]["amount"]["minor"] == 5000 - spent
        assert first["checkout_id"].partition(".")[0] in part["notice"]
        less = value(await giver.call("place_order", **rest))
        assert less["totals"]["total"]["minor"] == first["totals"]["total"]["minor"] - (5000 - spent)
        await buyer.pays(less["continue_url"])
        assert (await until_ended(giver, less["checkout_id"]))["totals"] == less["totals"]

    last = await wish(giver, "JAR-DILL")
    empty = refusal(await giver.call("apply_gift_card", cart_id=last["cart_id"], code=BRINE))
    assert "does not take this gift card" in empty


async def test_a_gift_card_is_taken_off_by_what_the_cart_shows_of_it(giver: Agent) -> None:
    cart_id = (await wish(giver))["cart_id"]
    before = value(await giver.call("view_cart", cart_id=cart_id))
    two = value(await giver.call("apply_gift_card", cart_id=cart_id, code=BRINE))
    two = value(await giver.call("apply_gift_card", cart_id=cart_id, code=BARREL))
    assert [card["code"] for card in two["gift_cards"]] == ["…-50", "…-500"]
    other = refusal(await giver.call("remove_gift_card", cart_id=cart_id, code="…-51"))
    assert "…-50, …-500" in other
    one = value(await giver.call("remove_gift_card", cart_id=cart_id, code="…-500"))
    assert [card["code"] for card in one["gift_cards"]] == ["…-50"]
    assert value(await giver.call("remove_gift_card", cart_id=cart_id, code=BRINE)) == before
    assert value(await giver.call("remove_gift_card", cart_id=cart_id, code=BRINE)) == before


async def test_whole_codes_are_nowhere_but_in_the_shop(giver: Agent, fresh_demo: str) -> None:
    order = await wish(giver)
    shown = [await giver.call("apply_gift_card", cart_id=order["cart_id"], code=BRINE)]
    shown.append(await giver.call("view_cart", cart_id=order["cart_id"]))
    placed = await giver.call("place_order", **order)
    async with httpx.AsyncClient() as client:
        page = await client.get(value(placed)["continue_url"])
    assert BRINE not in f"{[*shown, placed]} {page.text}"
