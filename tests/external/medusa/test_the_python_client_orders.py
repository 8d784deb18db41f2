"""The official Python client shops at a store over a real Medusa, from the search to the status of a paid order."""

import asyncio
from collections.abc import Iterator

import pytest
from mcp import Client
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.settings.catalogue import MirrorSettings, StoreCatalogueSettings
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from tests.external.medusa.server import WEBHOOK_SECRET, MedusaServer
from tests.fakes.agent import Json, adds_up
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import flip, unhurried
from tests.journeys.test_a_guest_orders import ADA, EMAIL, PAUSE, bare
from tests.serving import PATIENCE, served

pytestmark = pytest.mark.clients

RUNNING = {"requires_escalation", "complete_in_progress"}


@pytest.fixture
def store(medusa: MedusaServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a store over the shop, with every phase open that sells."""
    port = medusa.storefront_port
    settings = unhurried(demo_settings(port, state=tmp_path_factory.mktemp("store")))
    keys = medusa.keys
    over = replace(
        settings.stores[0],
        upstream=UpstreamSettings(
            kind="medusa", url=medusa.url, publishable_key=keys.publishable, secret_key=Secret(keys.secret)
        ),
        payments=PaymentSettings(provider="sandbox", method="pp_system_default"),
        pages=(),
        mirror=MirrorSettings(on=False),
        catalogue=StoreCatalogueSettings(product=3600, webhook_secret=Secret(WEBHOOK_SECRET)),
    )
    settings = replace(settings, stores=(over,))
    flip(settings, {"p1_browse": "active", "p2_cart": "active", "p3_checkout": "active"})
    with served(create_app(settings), port) as origin:
        yield f"{origin}/mcp"


async def ask(client: Client, tool: str, **arguments: object) -> Json:
    """What a tool answers; a refusal is a failing test."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    value: Json = result.structured_content
    return value


async def ended(client: Client, checkout_id: str) -> Json:
    """Ask until the checkout has come to its end."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await ask(client, "get_order_status", checkout_id=checkout_id)
            if status["status"] not in RUNNING:
                return status
            await asyncio.sleep(PAUSE)


async def next_name(client: Client, sku: str, before: str) -> str:
    """Ask until a product is called otherwise."""
    async with asyncio.timeout(PATIENCE):
        while True:
            name: str = (await ask(client, "get_product", sku=sku))["name"]
            if name != before:
                return name
            await asyncio.sleep(PAUSE)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_order_is_found_filled_paid_and_followed(store: str, medusa: MedusaServer, mode: str) -> None:
    before = len(medusa.orders())
    async with Client(store, mode=mode) as client, Buyer() as buyer:
        assert "apply_gift_card" not in {tool.name for tool in (await client.list_tools()).tools}
        found = await ask(client, "search_products", query="club tee")
        tee = next(product for product in found["products"] if product["name"] == "Club Tee")
        product = await ask(client, "get_product", sku=tee["sku"])
        assert "TEE-BLUE-M" in [variant["sku"] for variant in product["variants"]]
        cart = (await ask(client, "create_cart"))["cart_id"]
        await ask(client, "add_to_cart", cart_id=cart, sku="TEE-BLUE-M", quantity=2)
        saved = await ask(client, "apply_coupon", cart_id=cart, code="SAVE10")
        assert saved["totals"]["discount"]["minor"] * 10 == saved["totals"]["subtotal"]["minor"]
        place = {name: ADA[name] for name in ("country", "postcode", "region")}
        offered = (await ask(client, "get_shipping_methods", cart_id=cart, address=place))["methods"]
        cheapest = min(offered, key=lambda method: method["price"]["minor"])
        order = {"cart_id": cart, "email": EMAIL, "shipping_address": ADA, "shipping_method": cheapest["code"]}
        checked = await ask(client, "place_order", **order, dry_run=True)
        placed = await ask(client, "place_order", **order)
        assert placed["totals"] == checked["totals"]
        assert adds_up(placed["totals"])
        assert placed["totals"]["shipping"] == cheapest["price"]
        assert len(medusa.orders()) == before, "nothing is ordered before it is paid"

        await buyer.pays(placed["continue_url"])
        status = await ended(client, placed["checkout_id"])

    assert status["status"] == "completed"
    made = medusa.orders()[before:]
    assert [str(one["display_id"]) for one in made] == [status["order"]["number"]]
    assert (made[0]["email"], made[0]["payment_status"]) == (EMAIL, "captured")
    assert round(made[0]["total"] * 100) == placed["totals"]["total"]["minor"]
    assert bare(placed) in str(made[0]["metadata"])


async def test_what_the_staff_changes_is_told_by_a_webhook(store: str, medusa: MedusaServer) -> None:
    async with Client(store) as client:
        await ask(client, "get_product", sku="JAR-DILL", detail="full")
        remembered = await ask(client, "get_product", sku="JAR-DILL", detail="full")
        assert remembered["as_of"]

        medusa.rename(remembered["url_key"], "Jar of another name")
        assert await next_name(client, "JAR-DILL", remembered["name"]) == "Jar of another name"
        medusa.rename(remembered["url_key"], remembered["name"])
