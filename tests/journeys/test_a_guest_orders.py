"""A guest's whole way to an order: an agent prepares it, a person pays for it, over every protocol version."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from tests.fakes.agent import Agent, Json, adds_up, refusal, value
from tests.fakes.buyer import Buyer
from tests.journeys.conftest import OpenStore
from tests.journeys.shops.journey_shop import JourneyShop

pytestmark = pytest.mark.slow

ADA: Json = {
    "first_name": "Ada",
    "last_name": "Byron",
    "street": "1 Queen Street",
    "city": "Brisbane",
    "region": "QLD",
    "postcode": "4000",
    "country": "AU",
    "phone": "+61 7 0000 0000",
}
EMAIL = "ada.byron@example.com"
PERSONAL = (EMAIL, "Byron", "Queen", "0000 0000")
PLENTY = "TEE-BLUE-M"
"""The demo has 91 of it, and each order leaves one less."""
TOKENS = 3_500
"""What ordering may cost a model from an empty cart on, at four bytes a token."""
SOON = 60.0
"""Seconds from a payment to its order, on a busy machine."""
PAUSE = 0.05
"""Seconds between two looks, so that the server gets on with it."""


async def wish(agent: Agent, sku: str = PLENTY, **more: Any) -> Json:
    """The arguments for an order of one thing in a new cart, sent the cheapest way."""
    cart_id = value(await agent.call("create_cart"))["cart_id"]
    value(await agent.call("add_to_cart", cart_id=cart_id, sku=sku))
    address = {name: ADA[name] for name in ("country", "postcode", "region")}
    quote = value(await agent.call("get_shipping_methods", cart_id=cart_id, address=address))
    method = min(quote["methods"], key=lambda offered: offered["price"]["minor"])
    return {
        "cart_id": cart_id,
        "email": EMAIL,
        "shipping_address": ADA,
        "shipping_method": method["code"],
        **more,
    }


def bare(placed: Json) -> str:
    """The part of a checkout's id that people are told."""
    id_: str = placed["checkout_id"].partition(".")[0]
    return id_


async def until_ended(agent: Agent, checkout_id: str) -> Json:
    """Ask until the checkout has come to its end."""
    async with asyncio.timeout(SOON):
        while True:
            shown = value(await agent.call("get_order_status", checkout_id=checkout_id))
            if shown["status"] not in {"requires_escalation", "complete_in_progress"}:
                return shown
            assert shown["next_step"]
            await asyncio.sleep(PAUSE)


async def test_an_agent_prepares_an_order_and_the_buyer_pays_for_it(
    agent: Agent, buyer: Buyer, store: OpenStore
) -> None:
    found = value(await agent.call("search_products", query="tee"))
    assert store.shop.family in [product["sku"] for product in found["products"]]
    agent.bytes_read = 0
    order = await wish(agent)

    seen = value(await agent.call("view_cart", cart_id=order["cart_id"]))
    checked = value(await agent.call("place_order", **order, dry_run=True))
    assert value(await agent.call("view_cart", cart_id=order["cart_id"])) == seen
    assert checked["status"] == "ready"
    assert "checkout_id" not in checked
    assert "continue_url" not in checked
    assert adds_up(checked["totals"])
    assert checked["totals"]["shipping"]["minor"] > 0

    placed = value(await agent.call("place_order", **order))
    assert placed["status"] == "requires_escalation"
    assert placed["totals"] == checked["totals"]
    assert placed["expires_at"].endswith("Z")
    assert placed["continue_url"].startswith(f"{store.origin}/pay/")
    assert not any(word in placed["continue_url"] for word in (*PERSONAL, order["cart_id"], placed["checkout_id"]))
    assert value(await agent.call("get_order_status", checkout_id=placed["checkout_id"])) == placed

    assert agent.bytes_read / 4 < TOKENS
    assert "Club Tee" in await buyer.sees(placed["continue_url"])
    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"
    assert "continue_url" not in done
    number = done["order"]["number"]
    assert number in await store.numbers()
    assert number in await buyer.sees(placed["continue_url"])

    again = value(await agent.call("place_order", **order))
    assert (again["checkout_id"], again["status"]) == (placed["checkout_id"], "completed")
    for tool, arguments in (
        ("view_cart", {"cart_id": order["cart_id"]}),
        ("add_to_cart", {"cart_id": order["cart_id"], "sku": "JAR-DILL"}),
        ("update_cart_item", {"cart_id": order["cart_id"], "line_id": "1", "quantity": 2}),
        ("get_shipping_methods", {"cart_id": order["cart_id"], "address": {"country": "AU"}}),
        ("place_order", order | {"note": "Another one."}),
        ("cancel_checkout", {"checkout_id": placed["checkout_id"]}),
    ):
        told = refusal(await agent.call(tool, **arguments))
        assert f"This cart became order {number} ({bare(placed)}); use create_cart" in told, tool
        assert "lost" not in told
    assert (await store.numbers()).count(number) == 1


@pytest.mark.needs("pages")
async def test_who_wants_an_order_cancelled_is_sent_to_the_shop_and_its_rules(agent: Agent, buyer: Buyer) -> None:
    placed = value(await agent.call("place_order", **await wish(agent)))
    await buyer.pays(placed["continue_url"])
    done = await until_ended(agent, placed["checkout_id"])
    number = done["order"]["number"]
    assert "Returns and cancelling: get_store_info" in done["next_step"]
    policy = value(await agent.call("get_store_info", topic="returns"))
    assert "30 days" in policy["page"]
    assert policy["contact"]
    for tool in ("get_order_status", "cancel_checkout"):
        told = refusal(await agent.call(tool, checkout_id=number))
        assert f"For an order number alone, send the buyer to the shop ({policy['contact']})" in told
        assert "get_store_info, topic returns" in told
    kept = refusal(await agent.call("cancel_checkout", checkout_id=placed["checkout_id"]))
    assert number in kept
    assert policy["contact"] in kept
    assert "its rules: get_store_info, topic returns" in kept


async def test_the_same_wish_is_the_same_checkout_with_and_without_a_key(agent: Agent) -> None:
    order = await wish(agent)
    first = value(await agent.call("place_order", **order, idempotency_key=f"mine-{order['cart_id']}"))
    for repeat in (
        {"idempotency_key": f"mine-{order['cart_id']}"},
        {},
        {"idempotency_key": f"other-{order['cart_id']}"},
        {"billing_address": ADA},
        {"billing_address": json.dumps(ADA)},
    ):
        assert value(await agent.call("place_order", **(order | repeat))) == first, repeat


async def test_a_key_belongs_to_what_it_was_first_sent_with(agent: Agent) -> None:
    order = await wish(agent, idempotency_key=f"key-{asyncio.get_running_loop().time()}-{agent.version}")
    first = value(await agent.call("place_order", **order))
    refused = refusal(await agent.call("place_order", **(order | {"email": "grace@example.com"})))
    assert "idempotency_key" in refused
    assert "grace" not in refused
    assert value(await agent.call("get_order_status", checkout_id=first["checkout_id"])) == first


async def test_a_key_that_a_stranger_took_first_refuses_nobody(agent: Agent) -> None:
    """Agents invent the same keys, and some would take them on purpose."""
    key = f"order-1-{asyncio.get_running_loop().time()}-{agent.version}"
    strangers = value(await agent.call("place_order", **await wish(agent, idempotency_key=key)))
    order = await wish(agent, idempotency_key=key)
    mine = value(await agent.call("place_order", **order))
    assert mine["checkout_id"] != strangers["checkout_id"]
    assert value(await agent.call("place_order", **order)) == mine


async def test_another_wish_for_the_same_cart_takes_the_place_of_the_first(agent: Agent, buyer: Buyer) -> None:
    order = await wish(agent)
    first = value(await agent.call("place_order", **order))
    second = value(await agent.call("place_order", **(order | {"note": "Please ring twice."})))
    assert second["checkout_id"] != first["checkout_id"]
    assert second["continue_url"] != first["continue_url"]
    gone = value(await agent.call("get_order_status", checkout_id=first["checkout_id"]))
    assert gone["status"] == "canceled"
    assert 'name="shown"' not in await buyer.sees(first["continue_url"])
    assert 'name="shown"' in await buyer.sees(second["continue_url"])


async def test_changing_the_cart_closes_its_checkout_and_says_so(agent: Agent, buyer: Buyer) -> None:
    order = await wish(agent)
    placed = value(await agent.call("place_order", **order))
    await buyer.goes_to_pay(placed["continue_url"])

    cart = value(await agent.call("add_to_cart", cart_id=order["cart_id"], sku="JAR-DILL"))
    assert bare(placed) in cart["notice"]
    assert "place_order" in cart["notice"]
    shown = value(await agent.call("get_order_status", checkout_id=placed["checkout_id"]))
    assert shown["status"] == "canceled"
    assert 'name="shown"' not in await buyer.sees(placed["continue_url"])

    unchanged = value(await agent.call("apply_coupon", cart_id=order["cart_id"], code="SAVE10"))
    assert "notice" not in unchanged
    fresh = value(await agent.call("place_order", **order))
    assert fresh["checkout_id"] != placed["checkout_id"]
    assert fresh["totals"]["discount"]["minor"] > 0


async def test_a_paid_cart_can_be_neither_changed_nor_given_up(agent: Agent, buyer: Buyer) -> None:
    order = await wish(agent)
    placed = value(await agent.call("place_order", **order))
    await buyer.pays(placed["continue_url"])
    for tool, arguments in (
        ("add_to_cart", {"cart_id": order["cart_id"], "sku": "JAR-DILL"}),
        ("cancel_checkout", {"checkout_id": placed["checkout_id"]}),
    ):
        assert bare(placed) in refusal(await agent.call(tool, **arguments))
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"


async def test_a_checkout_is_given_up_for_good_and_the_cart_stays(agent: Agent, buyer: Buyer) -> None:
    order = await wish(agent)
    placed = value(await agent.call("place_order", **order))
    for _ in range(2):
        given_up = value(await agent.call("cancel_checkout", checkout_id=placed["checkout_id"]))
        assert given_up["status"] == "canceled"
        assert "continue_url" not in given_up
    assert 'name="shown"' not in await buyer.sees(placed["continue_url"])
    cart = value(await agent.call("view_cart", cart_id=order["cart_id"]))
    assert [line["sku"] for line in cart["lines"]] == [PLENTY]
    assert value(await agent.call("place_order", **order))["checkout_id"] != placed["checkout_id"]


@pytest.mark.parametrize("way", [("decline", "pay"), ("challenge", "fail", "challenge", "approve")], ids=" ".join)
async def test_a_declined_payment_is_tried_again_on_the_same_page(
    agent: Agent, buyer: Buyer, way: tuple[str, ...]
) -> None:
    order = await wish(agent)
    placed = value(await agent.call("place_order", **order))
    half = len(way) // 2
    await buyer.pays(placed["continue_url"], *way[:half])
    waiting = value(await agent.call("get_order_status", checkout_id=placed["checkout_id"]))
    assert waiting["status"] == "requires_escalation"
    assert waiting["continue_url"] == placed["continue_url"]
    assert waiting.get("last_payment") == ("declined" if way[half - 1] in {"decline", "fail"} else None)

    await buyer.pays(placed["continue_url"], *way[half:])
    done = await until_ended(agent, placed["checkout_id"])
    assert done["status"] == "completed"


async def test_what_is_missing_is_named_at_once_and_what_is_wrong_is_said(agent: Agent, shop: JourneyShop) -> None:
    missing = refusal(await agent.call("place_order", shipping_address={"first_name": "Ada"}))
    for name in ("cart_id", "email", "shipping_address.street", "shipping_address.city", "shipping_address.country"):
        assert re.search(rf"\b{re.escape(name)}\b", missing), name
    assert "billing_address" not in missing

    order = await wish(agent)
    bare = {name: ADA[name] for name in ("first_name", "street", "city", "country")}
    lacking = refusal(
        await agent.call("place_order", **(order | {"shipping_address": bare | {"first_name": "Ada M."}}))
    )
    assert lacking.startswith("shipping_address lacks ")
    assert {"postcode", "region", *shop.required} <= set(re.findall(r"\w+", lacking))
    no_mail = refusal(await agent.call("place_order", **(order | {"email": "ada at home"})))
    assert "e-mail" in no_mail
    assert "ada at home" not in no_mail
    no_way = refusal(await agent.call("place_order", **(order | {"shipping_method": "by_balloon"})))
    assert order["shipping_method"] in no_way
    abroad = ADA | {"country": "AQ", "region": ""}
    assert '"NZ"' in refusal(await agent.call("place_order", **(order | {"shipping_address": abroad})))
    empty = value(await agent.call("create_cart"))["cart_id"]
    assert "add_to_cart" in refusal(await agent.call("place_order", **(order | {"cart_id": empty})))


async def test_ids_that_nobody_was_given_lead_nowhere(agent: Agent, store: OpenStore) -> None:
    for tool in ("get_order_status", "cancel_checkout"):
        assert "place_order" in refusal(await agent.call(tool, checkout_id="chk_00000000000000000000000000000000"))
    order = await wish(agent)
    unknown = order | {"cart_id": "cart_" + "0" * 40}
    assert "create_cart" in refusal(await agent.call("place_order", **unknown))
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{store.origin}/pay/nobody")).status_code == 404
