"""One story over shops of other software: an agent orders, a person pays, the shop has one order that is paid."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.settings.catalogue import MirrorSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from tests.fakes.agent import VERSIONS, Agent, Json, adds_up, refusal, value
from tests.fakes.buyer import Buyer
from tests.fakes.demo_faults import DemoFault, FaultQueue
from tests.fakes.medusa.shop import MedusaShop
from tests.journeys.conftest import flip, unhurried
from tests.journeys.test_a_guest_orders import ADA, EMAIL, bare, until_ended
from tests.serving import free_port, served

OPEN = {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"}


class OtherShop(Struct, frozen=True, kw_only=True):
    """A shop and how a store over it is set up."""

    upstream: UpstreamSettings
    payments: PaymentSettings
    faults: FaultQueue
    order_path: str
    """Part of the path of the call that makes an order."""
    paid: Callable[[str], list[str]]
    """Numbers of the orders that are paid, of those whose texts have this in them."""


@contextlib.contextmanager
def medusa_shop() -> Iterator[OtherShop]:
    """Medusa's stand-in."""
    shop = MedusaShop()

    def paid(text: str) -> list[str]:
        orders = [one for one in shop.state.orders.values() if text in str(one["kept"]["metadata"])]
        return [str(one["display_id"]) for one in orders if one["payment_status"] == "captured"]

    with served(shop) as url:
        yield OtherShop(
            upstream=UpstreamSettings(
                kind="medusa", url=url, publishable_key=shop.state.key, secret_key=Secret(shop.state.secret_key)
            ),
            payments=PaymentSettings(provider="sandbox", method="pp_system_default"),
            faults=shop.faults,
            order_path="/complete",
            paid=paid,
        )


SHOPS: dict[str, Callable[[], AbstractContextManager[OtherShop]]] = {"medusa": medusa_shop}
Selling = tuple[str, OtherShop]


@pytest.fixture(scope="module", params=sorted(SHOPS))
def selling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Selling]:
    """The origin of a store over a shop, with every phase open that sells."""
    port, state = free_port(), tmp_path_factory.mktemp(request.param)
    with SHOPS[request.param]() as shop:
        settings = unhurried(demo_settings(port, state=state))
        store = replace(
            settings.stores[0],
            upstream=shop.upstream,
            payments=shop.payments,
            pages=(),
            mirror=MirrorSettings(on=False),
        )
        settings = replace(settings, stores=(store,))
        flip(settings, OPEN)  # type: ignore[arg-type]
        with served(create_app(settings), port) as origin:
            yield origin, shop


@pytest.fixture(params=VERSIONS)
async def agent(request: pytest.FixtureRequest, selling: Selling) -> AsyncIterator[Agent]:
    """An agent of each version."""
    async with Agent(selling[0], request.param) as shopping:
        yield shopping


@pytest.fixture
async def buyer() -> AsyncIterator[Buyer]:
    """The person who pays."""
    async with Buyer() as person:
        yield person


async def wish(agent: Agent, sku: str = "TEE-BLUE-M") -> Json:
    """The arguments for an order of one thing in a new cart, sent the cheapest way."""
    cart_id = value(await agent.call("create_cart"))["cart_id"]
    value(await agent.call("add_to_cart", cart_id=cart_id, sku=sku))
    place = {name: ADA[name] for name in ("country", "postcode", "region")}
    quote = value(await agent.call("get_shipping_methods", cart_id=cart_id, address=place))
    method = min(quote["methods"], key=lambda offered: offered["price"]["minor"])
    return {"cart_id": cart_id, "email": EMAIL, "shipping_address": ADA, "shipping_method": method["code"]}


async def test_an_agent_finds_and_orders_and_the_buyer_pays(agent: Agent, buyer: Buyer, selling: Selling) -> None:
    found = value(await agent.call("search_products", query="club tee"))
    sku = next(product["sku"] for product in found["products"] if product["name"] == "Club Tee")
    tee = value(await agent.call("get_product", sku=sku))
    assert "TEE-BLUE-M" in [variant["sku"] for variant in tee["variants"]]
    assert value(await agent.call("list_categories"))["categories"]
    order = await wish(agent)
    cart = value(await agent.call("apply_coupon", cart_id=order["cart_id"], code="SAVE10"))
    assert cart["totals"]["discount"]["minor"] == 250

    checked = value(await agent.call("place_order", **order, dry_run=True))
    placed = value(await agent.call("place_order", **order))
    assert placed["totals"] == checked["totals"]
    assert adds_up(placed["totals"])
    assert "Club Tee" in await buyer.sees(placed["continue_url"])
    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"
    assert selling[1].paid(bare(placed)) == [done["order"]["number"]]
    assert "This cart became order" in refusal(await agent.call("view_cart", cart_id=order["cart_id"]))


async def test_an_order_whose_answer_is_lost_is_paid_once(agent: Agent, buyer: Buyer, selling: Selling) -> None:
    order = await wish(agent)
    placed = value(await agent.call("place_order", **order))
    selling[1].faults.next(DemoFault.AFTER, method="POST", path=selling[1].order_path)

    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"
    assert selling[1].paid(bare(placed)) == [done["order"]["number"]]


async def test_what_the_shop_cannot_do_is_not_promised(agent: Agent) -> None:
    tools = set(await agent.tools())

    assert {"search_products", "apply_coupon", "place_order", "get_order_status"} <= tools
    assert tools.isdisjoint({"apply_gift_card", "remove_gift_card"})


async def test_what_is_asked_for_in_a_wrong_way_is_explained(agent: Agent) -> None:
    order = await wish(agent)

    assert '"AU"' in refusal(await agent.call("place_order", **(order | {"shipping_address": ADA | {"country": "AQ"}})))
    assert order["shipping_method"] in refusal(await agent.call("place_order", **(order | {"shipping_method": "kite"})))
    assert "variants" in refusal(await agent.call("add_to_cart", cart_id=order["cart_id"], sku="club-tee"))
    assert "out of stock" in refusal(await agent.call("add_to_cart", cart_id=order["cart_id"], sku="PAD-3"))
    assert "is none of this shop's" in refusal(await agent.call("apply_coupon", cart_id=order["cart_id"], code="GUESS"))
