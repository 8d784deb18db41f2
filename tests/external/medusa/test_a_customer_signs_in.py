"""A customer of a real Medusa signs in, and their agent orders in their name and lists the order."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.app import create_app
from storefront_mcp.demo.customers import DemoPerson
from storefront_mcp.settings.demo import demo_settings
from storefront_mcp.settings.schema import PaymentSettings, UpstreamSettings
from tests.external.medusa.contract_shop import strangers
from tests.external.medusa.server import MedusaServer
from tests.journeys.conftest import SELLING, flip, unhurried
from tests.journeys.oauth_agent import OAuthAgent
from tests.journeys.test_a_customer_orders import HOME, SignedInAgent
from tests.serving import free_port, served

pytestmark = pytest.mark.clients

SAVED = {
    "first_name": "Ada",
    "last_name": "Brine",
    "address_1": "1 Queen Street",
    "city": "Brisbane",
    "province": "au-qld",
    "postal_code": "4000",
    "country_code": "au",
    "is_default_shipping": True,
}


@pytest.fixture
def ada(medusa: MedusaServer) -> DemoPerson:
    """A customer who has not ordered yet, with a saved address."""
    one, *_ = strangers(medusa)
    medusa.save_address(one, SAVED)
    return one


@pytest.fixture
def agent(medusa: MedusaServer, ada: DemoPerson, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedInAgent]:
    """An agent that she has let act for her, at a store over the shop with every phase open."""
    port = free_port()
    key = Fernet.generate_key().decode()
    settings = unhurried(demo_settings(port, state=tmp_path_factory.mktemp("store"), key=key))
    keys = medusa.keys
    over = replace(
        settings.stores[0],
        upstream=UpstreamSettings(
            kind="medusa", url=medusa.url, publishable_key=keys.publishable, secret_key=Secret(keys.secret)
        ),
        payments=PaymentSettings(provider="sandbox", method="pp_system_default"),
        pages=(),
    )
    settings = replace(settings, stores=(over,))
    flip(settings, {**SELLING, "p4_account": "active"})
    with served(create_app(settings), port) as origin:
        client = OAuthAgent(origin)
        server = client.discover(client.call("get_customer_orders"))
        token = client.sign_in(server, email=ada.email, password=ada.password)["access_token"]
        one = SignedInAgent(client, token, parcel="")
        place = {name: HOME[name] for name in ("country", "region", "postcode")}
        cart = one.value("create_cart")["cart_id"]
        one.value("add_to_cart", cart_id=cart, sku="JAR-DILL", quantity=1)
        one.parcel = one.value("get_shipping_methods", cart_id=cart, address=place)["methods"][0]["code"]
        yield one
        client.http.close()
        client.browser.close()


async def test_a_customer_signs_in_and_their_agent_orders_and_lists_it(
    agent: SignedInAgent, medusa: MedusaServer
) -> None:
    assert agent.numbers() == []
    [saved] = agent.value("list_addresses")["addresses"]
    assert (saved["address"]["city"], saved["address"]["region"]) == ("Brisbane", "QLD")

    done = await agent.paid(agent.order("TEE-BLUE-M", 2))

    number = done["order"]["number"]
    assert agent.numbers() == [number]
    order = agent.value("get_order", number=number)
    assert order["total"] == done["totals"]["total"]
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("TEE-BLUE-M", 2)]
    made = next(one for one in medusa.orders() if str(one["display_id"]) == number)
    assert made["payment_status"] == "captured"
    again = agent.value("reorder", number=number)
    assert [line["sku"] for line in again["lines"]] == ["TEE-BLUE-M"]
    tools = agent.agent.http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    assert "cancel_order" not in {tool["name"] for tool in tools.json()["result"]["tools"]}
