"""What the demo's first customer has from before: an address and an order, as the shop itself would have made them."""

from typing import Any

import httpx
import pytest

from storefront_mcp.demo.past_order import AGE_SECONDS, BOUGHT, BUYER, HOME, add_past_order
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.demo.state import DemoState
from tests.unit.demo.conftest import Clock, Guest

NAME = {"firstName": BUYER.firstname, "lastName": BUYER.lastname}
CHOSEN = {"shippingMethod": "auspost_parcel", "paymentMethod": "prepaid"}


async def signed_in(guest: Guest) -> dict[str, str]:
    login = {"grantType": "customer", "email": BUYER.email, "password": BUYER.password}
    token = (await guest.http.post("/auth/token", json=login)).json()["token"]
    return {"authorization": f"Bearer {token}"}


async def orders(guest: Guest) -> list[dict[str, Any]]:
    answer = await guest.get("/customers/me/orders", headers=await signed_in(guest))
    return list(answer.json()["member"])


@pytest.fixture
def begun(guest: Guest) -> Guest:
    """A guest of a shop whose first customer has ordered before."""
    add_past_order(guest.shop.state)
    return guest


async def test_a_new_shop_has_a_delivered_order_and_a_default_address_of_its_first_customer(begun: Guest) -> None:
    (order,) = await orders(begun)
    (address,) = (await begun.get("/customers/me/addresses", headers=await signed_in(begun))).json()["member"]

    assert (order["status"], order["currency"], order["prices"]["totalDue"]) == ("complete", "AUD", 0)
    assert [(item["sku"], item["qtyOrdered"], item["qtyShipped"]) for item in order["items"]] == [
        (sku, pieces, pieces) for sku, pieces in BOUGHT
    ]
    assert (address["city"], address["isDefaultShipping"], address["isDefaultBilling"]) == (HOME["city"], True, True)


async def test_the_past_order_costs_what_the_shop_takes_for_the_same_and_the_next_has_another_number(
    begun: Guest,
) -> None:
    await begun.new_cart()
    for sku, pieces in BOUGHT:
        await begun.add(sku, pieces)
    home = HOME | NAME
    assert (await begun.place(shippingAddress=home, billingAddress=home, **CHOSEN)).status_code == 201

    past, placed = (order.body for order in begun.shop.state.orders.values())
    assert past["prices"] == placed["prices"]
    kept = ("price", "priceInclTax", "rowTotal", "rowTotalInclTax", "taxAmount", "taxPercent", "name", "productType")
    assert [{key: item[key] for key in kept} for item in past["items"]] == [
        {key: item[key] for key in kept} for item in placed["items"]
    ]
    assert past["prices"]["taxAmount"] > 0
    assert past["incrementId"] != placed["incrementId"]


def test_the_past_order_is_three_weeks_old_by_the_clock_of_the_shop_which_goes_on(clock: Clock) -> None:
    state = DemoState(clock=clock)
    stock = dict(state.stock)
    add_past_order(state)

    (order,) = state.orders.values()
    assert order.placed == clock.now - AGE_SECONDS
    assert state.clock is clock
    assert state.stock == stock


async def test_the_shop_that_the_demo_embeds_has_the_order() -> None:
    shop = demo_shop()
    (order,) = shop.demo.orders.values()
    assert order.email == BUYER.email
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shop), base_url="http://shop.test") as browser:
        assert order.increment_id in (await browser.get("/demo/orders")).text
