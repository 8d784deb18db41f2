"""Buyers from everywhere order over HTTP, as their agents write them down."""

import json
from typing import Any

import httpx
import pytest

from tests.fakes.agent import Agent, Json, refusal, value
from tests.journeys.shops.journey_shop import JourneyShop
from tests.journeys.test_a_guest_orders import ADA, EMAIL, PLENTY

pytestmark = pytest.mark.slow

ASK = "Ask the buyer; never invent one."
PERSON = {name: ADA[name] for name in ("first_name", "last_name", "phone")}
BUYERS: dict[str, Json] = {
    "Tallinn": {"street": "Pikk 1", "city": "Tallinn", "region": "EE-37", "postcode": "10123", "country": "EE"},
    "Montréal": {"street": "1 Rue A", "city": "Montréal", "region": "Québec", "postcode": "H2X 1Y4", "country": "CA"},
    "Montreal": {
        "street": "1 Rue A",
        "city": "Montreal",
        "region": "Quebec",
        "postcode": "H2X 1Y4",
        "country": "Canada",
    },
    "München": {"street": "Ring 1", "city": "München", "region": "Bayern", "postcode": "80331", "country": "Germany"},
    "Munich": {"street": "Ring 1", "city": "Munich", "region": "DE-BY", "postcode": "80331", "country": "DEU"},
    "Berlin": {"street": "Ring 1", "city": "Berlin", "postcode": "10115", "country": "DE"},
    "Bourg": {"street": "1 Rue B", "city": "Bourg-en-Bresse", "region": "01", "postcode": "01000", "country": "FR"},
    "Wien": {"street": ["Gasse 1", "Tür 2"], "city": "Wien", "postcode": "1010", "country": "AT"},
    "Helsinki": {"street": "Katu 1", "city": "Helsinki", "postcode": "00100", "country": "FI"},
    "Madrid": {"street": "Calle 1", "city": "Madrid", "postcode": "28013", "country": "ES"},
    "Zürich": {"street": "Weg 1", "city": "Zürich", "postcode": "8001", "country": "CH"},
    "London": {"street": "1 Road", "city": "London", "postcode": "SW1A 1AA", "country": "UK"},
    "Dublin": {"street": "1 Road", "city": "Dublin", "country": "IE"},
    "Hong Kong": {"street": "1 Road", "city": "Kowloon", "region": "Kowloon", "country": "HK"},
    "Dubai": {"street": "1 Road", "city": "Dubai", "region": "Dubai", "country": "UAE"},
    "New York": {"street": "1 Road", "city": "New York", "region": "US-NY", "postcode": "10001", "country": "USA"},
    "Singapore": {"street": "1 Road", "city": "Singapore", "postcode": "238801", "country": "SG", "last_name": ""},
}


async def cart(agent: Agent) -> str:
    handle: str = value(await agent.call("create_cart"))["cart_id"]
    value(await agent.call("add_to_cart", cart_id=handle, sku=PLENTY))
    return handle


def wish(shop: JourneyShop, cart_id: str, **changed: Any) -> Json:
    address = {name: text for name, text in (ADA | changed).items() if text is not None}
    return {"cart_id": cart_id, "email": EMAIL, "shipping_address": address, "shipping_method": shop.parcel}


async def test_buyers_from_everywhere_are_quoted_and_served(agent: Agent, shop: JourneyShop) -> None:
    handle = await cart(agent)
    for where, given in BUYERS.items():
        order = wish(shop, handle) | {"shipping_address": PERSON | given, "shipping_method": shop.abroad}
        address = {name: text for name, text in given.items() if name != "last_name"}
        quote = value(await agent.call("get_shipping_methods", cart_id=handle, address=address))
        assert (quote["methods"][0]["code"], "estimate" in quote) == (shop.abroad, False), where
        ready = value(await agent.call("place_order", **order, dry_run=True))
        assert ready["status"] == "ready", where


async def test_home_is_understood_too(agent: Agent, shop: JourneyShop) -> None:
    handle = await cart(agent)
    for changed in ({"region": "AU-QLD"}, {"country": "Australia"}, {"country": "AUS", "region": "queensland"}):
        assert (
            value(await agent.call("place_order", **wish(shop, handle, **changed), dry_run=True))["status"] == "ready"
        )


async def test_what_stands_for_nothing_is_asked_of_the_buyer(agent: Agent, shop: JourneyShop) -> None:
    handle = await cart(agent)
    for field, text in (("postcode", "-"), ("postcode", "00000"), ("last_name", "none"), ("phone", "unknown")):
        told = refusal(await agent.call("place_order", **wish(shop, handle, **{field: text}), dry_run=True))
        assert f"shipping_address.{field} is {text!r}, which stands for nothing." in told
        assert ASK in told
    told = refusal(await agent.call("place_order", **wish(shop, handle, phone=None, postcode=None), dry_run=True))
    assert f"shipping_address lacks postcode{' and phone' if 'phone' in shop.required else ''}. {ASK}" in told
    told = refusal(await agent.call("place_order", **wish(shop, handle, postcode=800), dry_run=True))
    assert "if it is '0800'" in told


async def test_an_address_that_is_missing_is_asked_for_and_nothing_is_guessed(agent: Agent, shop: JourneyShop) -> None:
    handle = await cart(agent)
    bare = {"cart_id": handle, "email": EMAIL}
    told = refusal(await agent.call("place_order", **bare))
    assert "shipping_address is missing: first_name, last_name, street, city, country, phone" in told
    assert "And shipping_method, a code of get_shipping_methods." in told
    billed = refusal(await agent.call("place_order", **bare, billing_address=ADA))
    assert "shipping_address is missing: the whole address that the goods go to." in billed
    chosen = refusal(await agent.call("place_order", **bare, shipping_address=ADA))
    assert "shipping_method is missing. Choose the code of one of the methods listed." in chosen


async def test_a_street_may_be_lines_but_nothing_else(agent: Agent, shop: JourneyShop) -> None:
    handle = await cart(agent)
    ready = value(
        await agent.call("place_order", **wish(shop, handle, street=["1 Queen Street", "Unit 2"]), dry_run=True)
    )
    assert ready["status"] == "ready"
    told = refusal(await agent.call("place_order", **wish(shop, handle, street=[1, {}]), dry_run=True))
    assert "shipping_address.street: wanted string, got [1,{}]" in told
    assert ASK not in told
    long = refusal(await agent.call("place_order", **wish(shop, handle, street="x" * 256), dry_run=True))
    assert "shipping_address.street: wanted string of length <= 255" in long
    fits = wish(shop, handle, street="x" * 255, company="y" * 255, city="z" * 255, first_name="a" * 255)
    assert value(await agent.call("place_order", **fits, note="Ring. " * 800, dry_run=True))["status"] == "ready"


@pytest.mark.parametrize("field", ["first_name", "company", "street", "city"])
async def test_nothing_invisible_reaches_the_shop_or_a_page(agent: Agent, shop: JourneyShop, field: str) -> None:
    handle = await cart(agent)
    order = wish(shop, handle, **{field: "Qu\u202eee\u0007n\u200b \u0645\u06cc\u200c\u0631"})
    placed = value(await agent.call("place_order", **order, note="Ring\u2066 twice"))
    async with httpx.AsyncClient() as client:
        page = (await client.get(placed["continue_url"])).text
    assert "Queen \u0645\u06cc\u200c\u0631" in page
    assert not set("\u202e\u0007\u200b\u2066") & set(page)
    assert not set("\u202e\u0007\u200b\u2066") & set(json.dumps(placed, ensure_ascii=False))
