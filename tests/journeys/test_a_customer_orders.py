"""A signed-in customer's agent orders in their name, sees it in their orders, orders again and cancels."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from storefront_mcp.settings.schema import PaymentSettings
from tests.fakes.a2a_agent import A2aAgent, A2aRefusal
from tests.fakes.buyer import Buyer
from tests.journeys.oauth_agent import EMAIL, OAuthAgent, account_store
from tests.journeys.shops import LACKS
from tests.serving import until

pytestmark = [pytest.mark.slow, pytest.mark.needs("accounts")]

HOME = {
    "first_name": "Ada",
    "last_name": "Brine",
    "street": "1 Queen Street",
    "city": "Brisbane",
    "region": "QLD",
    "postcode": "4000",
    "country": "AU",
    "phone": "+61 7 5550 1234",
}


class SignedInAgent:
    """An agent that its person has let act for them."""

    def __init__(self, agent: OAuthAgent, token: str, parcel: str) -> None:
        self.agent = agent
        self.token = token
        self.parcel = parcel

    def value(self, tool: str, **arguments: Any) -> Any:
        """What a tool returned."""
        answer = self.agent.call(tool, self.token, **arguments)
        assert answer.status_code == 200, answer.text
        result = answer.json()["result"]
        assert not result["isError"], result
        return json.loads(result["content"][0]["text"])

    def order(self, sku: str, quantity: int, **arguments: Any) -> Any:
        """A prepared order of a new cart."""
        cart = self.value("create_cart")["cart_id"]
        self.value("add_to_cart", cart_id=cart, sku=sku, quantity=quantity)
        way = {"shipping_method": self.parcel, "shipping_address": HOME}
        return self.value("place_order", cart_id=cart, email=EMAIL, **way, **arguments)

    async def paid(self, placed: Any) -> Any:
        """The checkout once its person has paid."""
        async with Buyer() as buyer:
            await buyer.pays(placed["continue_url"])
        return self.completed(placed)

    def completed(self, placed: Any) -> Any:
        """The checkout once the shop has made the order."""
        status = partial(self.value, "get_order_status", checkout_id=placed["checkout_id"])
        until(lambda: status()["status"] == "completed", "the order")
        return status()

    def numbers(self) -> list[str]:
        """Of the orders in the account, newest first."""
        return [order["number"] for order in self.value("get_customer_orders")["orders"]]


@pytest.fixture(scope="module")
def ada(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedInAgent]:
    later = PaymentSettings(provider="sandbox", offline=("checkmo",))
    changes = {} if "order_cancellation" in LACKS[kind] else {"payments": later}
    with account_store(kind, tmp_path_factory.mktemp("orders"), **changes) as store:
        agent = OAuthAgent(store.origin)
        token = agent.sign_in(agent.discover(agent.call("get_customer_orders")))["access_token"]
        yield SignedInAgent(agent, token, store.shop.parcel)
        agent.http.close()
        agent.browser.close()


async def test_a_paid_order_is_in_the_customers_account(ada: SignedInAgent) -> None:
    done = await ada.paid(ada.order("JAR-DILL", 2))

    assert done["status"] == "completed"
    number = done["order"]["number"]
    assert ada.numbers()[0] == number
    order = ada.value("get_order", number=number)
    assert order["total"] == done["totals"]["total"]
    assert order["shipping_address"]["city"] == "Brisbane"
    assert "cancellable" not in order, "it is paid"
    again = ada.value("reorder", number=number)
    assert [(line["sku"], line["quantity"]) for line in again["lines"]] == [("JAR-DILL", 2)]
    assert again["lines"][0]["total"] == order["lines"][0]["total"]


async def test_what_the_shop_cannot_do_is_not_promised(ada: SignedInAgent, kind: str) -> None:
    listed = ada.agent.http.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).json()
    tools = {tool["name"] for tool in listed["result"]["tools"]}
    assert {"get_customer_orders", "get_order", "reorder", "list_addresses"} <= tools
    assert ("cancel_order" in tools) is ("order_cancellation" not in LACKS[kind])


@pytest.mark.needs("guests_apart")
async def test_an_order_of_a_guest_is_in_nobodys_account(ada: SignedInAgent) -> None:
    before = ada.numbers()
    done = await ada.paid(ada.order("JAR-DILL", 1, as_customer=False))
    assert done["status"] == "completed"
    assert ada.numbers() == before


@pytest.mark.needs("order_cancellation")
async def test_an_order_to_be_paid_later_can_be_cancelled_and_ordered_again(ada: SignedInAgent) -> None:
    placed = ada.order("TEE-BLACK-M", 1)
    async with Buyer() as buyer:
        await buyer.orders_by(placed["continue_url"], "checkmo")
    number = ada.completed(placed)["order"]["number"]
    assert ada.value("get_order", number=number)["cancellable"]

    canceled = ada.value("cancel_order", number=number, reason="too small")
    cart = ada.value("reorder", number=number)

    assert canceled["status"] == "canceled"
    assert [(line["sku"], line["quantity"]) for line in cart["lines"]] == [("TEE-BLACK-M", 1)]
    assert ada.agent.call("view_cart", cart_id=cart["cart_id"]).json()["result"]["isError"], "it is the customer's"


async def test_another_agent_waits_for_the_sign_in_and_goes_on_with_it(ada: SignedInAgent) -> None:
    async with A2aAgent(ada.agent.origin) as guest:
        waiting = await guest.act("get_customer_orders")
        assert (waiting.kind, waiting.state) == ("task", "auth-required")
        assert "/.well-known/oauth-protected-resource" in waiting.text
    async with A2aAgent(ada.agent.origin, headers={"authorization": f"Bearer {ada.token}"}) as agent:
        orders = [{"data": {"action": "get_customer_orders"}}]
        done = await agent.send(orders, taskId=waiting.task_id)
        assert (done.state, done.task_id) == ("completed", waiting.task_id)
        assert [order["number"] for order in done.result["orders"]] == ada.numbers()
        mine = await agent.say("add JAR-DILL")
    async with A2aAgent(ada.agent.origin) as stranger:
        with pytest.raises(A2aRefusal, match="no such task"):
            await stranger.get(mine.task_id)
