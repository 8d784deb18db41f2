"""What a shop has in its books after an order, whatever its faults: one order that is paid, over every kind of shop."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.fakes.agent import VERSIONS, Agent, adds_up, refusal, value
from tests.fakes.buyer import Buyer
from tests.fakes.demo_faults import DemoFault
from tests.journeys.conftest import OpenStore
from tests.journeys.shops import LACKS, SERVED
from tests.journeys.shops.journey_shop import JourneyShop
from tests.journeys.test_a_guest_orders import ADA, bare, until_ended, wish

pytestmark = pytest.mark.slow

KINDS = SERVED


def made_of(shop: JourneyShop, checkout: str) -> list[tuple[str, bool]]:
    """Number of each order that was made of a checkout, and whether it is paid."""
    assert shop.orders is not None
    return [(order.number, order.paid) for order in shop.orders() if checkout in order.texts]


async def test_an_agent_finds_and_orders_and_the_buyer_pays(agent: Agent, buyer: Buyer, shop: JourneyShop) -> None:
    found = value(await agent.call("search_products", query="club tee"))
    sku = next(product["sku"] for product in found["products"] if product["name"] == "Club Tee")
    tee = value(await agent.call("get_product", sku=sku))
    assert "TEE-BLUE-M" in [variant["sku"] for variant in tee["variants"]]
    assert value(await agent.call("list_categories"))["categories"]
    order = await wish(agent)
    cart = value(await agent.call("apply_coupon", cart_id=order["cart_id"], code="SAVE10"))
    assert cart["totals"]["discount"]["minor"] == tee["price"]["minor"] / 10

    checked = value(await agent.call("place_order", **order, dry_run=True))
    placed = value(await agent.call("place_order", **order))
    assert placed["totals"] == checked["totals"]
    assert adds_up(placed["totals"])
    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"
    assert made_of(shop, bare(placed)) == [(done["order"]["number"], True)]
    assert shop.orders is not None
    assert shop.orders()[-1].total == placed["totals"]["total"]["minor"]


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.GONE, DemoFault.HTML])
async def test_an_order_whose_answer_is_lost_is_paid_once(
    agent: Agent, buyer: Buyer, shop: JourneyShop, fault: DemoFault
) -> None:
    placed = value(await agent.call("place_order", **await wish(agent, "JAR-DILL")))
    assert shop.faults is not None
    shop.faults.next(fault, method="POST", path=shop.order_path)

    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"
    assert made_of(shop, bare(placed)) == [(done["order"]["number"], True)]


async def test_one_wish_of_many_agents_at_once_is_one_order(buyer: Buyer, store: OpenStore) -> None:
    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(Agent(store.origin, version)) for version in VERSIONS]
        order = await wish(agents[0], "JAR-DILL")
        answers = await asyncio.gather(*(one.call("place_order", **order) for one in agents))
        assert len({value(one)["checkout_id"] for one in answers}) == 1
        placed = value(answers[0])
        await buyer.pays(placed["continue_url"])
        done = await asyncio.gather(*(until_ended(one, placed["checkout_id"]) for one in agents))
    assert {one["status"] for one in done} == {"completed"}
    assert made_of(store.shop, bare(placed)) == [(done[0]["order"]["number"], True)]


async def test_what_the_shop_cannot_do_is_not_promised(agent: Agent, shop: JourneyShop) -> None:
    tools = set(await agent.tools())

    assert {"search_products", "apply_coupon", "place_order", "get_order_status"} <= tools
    lacking = "gift_cards" in LACKS[shop.kind]
    assert tools.isdisjoint({"apply_gift_card", "remove_gift_card"}) is lacking


async def test_what_is_asked_for_in_a_wrong_way_is_explained(agent: Agent, shop: JourneyShop) -> None:
    order = await wish(agent)

    assert '"AU"' in refusal(await agent.call("place_order", **(order | {"shipping_address": ADA | {"country": "AQ"}})))
    assert order["shipping_method"] in refusal(await agent.call("place_order", **(order | {"shipping_method": "kite"})))
    assert "variants" in refusal(await agent.call("add_to_cart", cart_id=order["cart_id"], sku=shop.family))
    assert "out of stock" in refusal(await agent.call("add_to_cart", cart_id=order["cart_id"], sku="PAD-3"))
    assert "'GUESS'" in refusal(await agent.call("apply_coupon", cart_id=order["cart_id"], code="GUESS"))
