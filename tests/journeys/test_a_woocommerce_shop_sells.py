"""The way from a search to a paid order over a WooCommerce shop, in every protocol version, whatever its faults."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from storefront_mcp.settings.server import Settings
from tests.fakes.agent import VERSIONS, Agent, Json, adds_up, refusal, value
from tests.fakes.buyer import Buyer
from tests.fakes.demo_faults import DemoFault
from tests.fakes.woocommerce import MERCHANT_KEY, MERCHANT_SECRET, WooShop, woo_shop
from tests.journeys.conftest import flip, unhurried
from tests.journeys.test_a_guest_orders import ADA, EMAIL, bare, until_ended
from tests.serving import free_port, served

Sale = tuple[str, WooShop]


def woo_settings(port: int, shop_url: str, state: Path) -> Settings:
    """The demo's settings, with a WooCommerce shop at that address."""
    settings = demo_settings(port, state=state)
    (store,) = settings.stores
    upstream = UpstreamSettings(
        kind="woocommerce",
        url=shop_url,
        consumer_key=MERCHANT_KEY,
        consumer_secret=Secret(MERCHANT_SECRET),
    )
    payments = PaymentSettings(provider="sandbox", method="cheque", offline=("bacs",))
    changed = replace(store, upstream=upstream, payments=payments, website="https://shop.example", delivery_times={})
    return unhurried(replace(settings, stores=(changed,)))


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sale]:
    """A server with everything open before a WooCommerce shop, and that shop."""
    shop, port = woo_shop(tax="included"), free_port()
    with served(shop) as shop_url:
        settings = woo_settings(port, shop_url, tmp_path_factory.mktemp("woo"))
        flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
        with served(create_app(settings), port) as origin:
            yield origin, shop


@pytest.fixture(params=VERSIONS)
async def agent(request: pytest.FixtureRequest, sale: Sale) -> AsyncIterator[Agent]:
    async with Agent(sale[0], request.param) as shopping:
        yield shopping


@pytest.fixture
async def buyer() -> AsyncIterator[Buyer]:
    async with Buyer() as person:
        yield person


async def wish(agent: Agent, sku: str = "TEE-BLUE-M") -> Json:
    """The arguments for an order of one thing in a new cart, sent the cheapest way that costs something."""
    cart_id = value(await agent.call("create_cart"))["cart_id"]
    value(await agent.call("add_to_cart", cart_id=cart_id, sku=sku))
    place = {name: ADA[name] for name in ("country", "postcode", "region")}
    methods = value(await agent.call("get_shipping_methods", cart_id=cart_id, address=place))["methods"]
    assert {"flat_rate:1", "flat_rate:3", "free_shipping:2"} == {one["code"] for one in methods}
    return {"cart_id": cart_id, "email": EMAIL, "shipping_address": ADA, "shipping_method": "flat_rate:1"}


async def test_an_agent_finds_fills_and_prepares_and_the_buyer_pays_once(
    agent: Agent, buyer: Buyer, sale: Sale
) -> None:
    origin, shop = sale
    found = value(await agent.call("search_products", query="club tee"))
    assert "TEE" in [one["sku"] for one in found["products"]]
    product = value(await agent.call("get_product", sku="TEE"))
    assert "TEE-BLUE-M" in [one["sku"] for one in product["variants"]]
    order = await wish(agent)
    value(await agent.call("apply_coupon", cart_id=order["cart_id"], code="SAVE10"))
    seen = value(await agent.call("view_cart", cart_id=order["cart_id"]))
    assert seen["totals"]["tax_included"]
    checked = value(await agent.call("place_order", **order, dry_run=True))
    assert value(await agent.call("view_cart", cart_id=order["cart_id"])) == seen
    assert (checked["status"], adds_up(checked["totals"])) == ("ready", True)

    placed = value(await agent.call("place_order", **order))
    assert placed["status"] == "requires_escalation"
    assert placed["totals"] == checked["totals"]
    assert placed["continue_url"].startswith(f"{origin}/pay/")
    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"
    number = done["order"]["number"]
    made = shop.state.orders[int(number)]
    assert made.total == placed["totals"]["total"]["minor"]
    assert (made.status, made.payments_completed) == ("processing", 1)
    assert made.transaction
    assert made.note.split()[-1] == bare(placed)

    for tool, arguments in (
        ("view_cart", {"cart_id": order["cart_id"]}),
        ("add_to_cart", {"cart_id": order["cart_id"], "sku": "JAR-DILL"}),
        ("get_shipping_methods", {"cart_id": order["cart_id"], "address": {"country": "AU"}}),
        ("place_order", order | {"note": "Another one."}),
    ):
        assert f"This cart became order {number}" in refusal(await agent.call(tool, **arguments)), tool
    assert len([one for one in shop.state.orders.values() if one.note.split()[-1] == bare(placed)]) == 1


@pytest.mark.parametrize("fault", [DemoFault.AFTER, DemoFault.COMMITTED, DemoFault.TRUNCATED])
async def test_an_order_whose_answer_was_lost_is_found_and_paid_once(
    agent: Agent, buyer: Buyer, sale: Sale, fault: DemoFault
) -> None:
    _, shop = sale
    placed = value(await agent.call("place_order", **await wish(agent, "JAR-DILL")))
    shop.faults.next(fault, method="POST", path="/checkout")
    shop.faults.next(DemoFault.AFTER, method="PUT", path="/wc/v3/orders/")
    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    ours = [one for one in shop.state.orders.values() if one.note.split()[-1] == bare(placed)]
    assert [str(one.id) for one in ours] == [done["order"]["number"]]
    assert (ours[0].status, ours[0].payments_completed) == ("processing", 1)


async def test_one_wish_of_many_agents_at_once_is_one_order(buyer: Buyer, sale: Sale) -> None:
    origin, shop = sale
    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(Agent(origin, version)) for version in VERSIONS]
        order = await wish(agents[0], "JAR-DILL")
        answers = await asyncio.gather(*(one.call("place_order", **order) for one in agents))
        ids = {value(one)["checkout_id"] for one in answers}
        assert len(ids) == 1
        placed = value(answers[0])
        await buyer.pays(placed["continue_url"])
        done = await asyncio.gather(*(until_ended(one, placed["checkout_id"]) for one in agents))
    assert {one["status"] for one in done} == {"completed"}
    ours = [one for one in shop.state.orders.values() if one.note.split()[-1] == bare(placed)]
    assert [one.payments_completed for one in ours] == [1]


async def test_what_the_shop_cannot_do_is_not_promised(agent: Agent, sale: Sale) -> None:
    tools = await agent.tools()
    assert {"add_to_cart", "apply_coupon", "place_order"} <= {*tools}
    assert not [tool for tool in tools if "gift_card" in tool]
