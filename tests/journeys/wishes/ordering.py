"""Wishes that end with an order, or without one."""

import asyncio
from collections.abc import Iterable

from tests.fakes.agent import Json
from tests.journeys.wishes.choosing import cheapest_way
from tests.journeys.wishes.shopper import ADA, EMAIL, Shopper, Wish, destination, goods, minor


async def prepared(shopper: Shopper, *skus: str) -> Json:
    """The arguments of an order for one of each, to the buyer's address, sent the cheapest way."""
    cart_id = await shopper.fills(*skus)
    quote = await shopper.does("get_shipping_methods", cart_id=cart_id, address=destination())
    return {"cart_id": cart_id, "email": EMAIL, "shipping_address": ADA, "shipping_method": cheapest_way(quote)}


async def buy_and_learn_the_number(shopper: Shopper) -> None:
    found = await shopper.does("search_products", query="club tee")
    read = await shopper.does("get_product", sku=found["products"][0]["sku"])
    assert read["sku"] == "TEE"
    order = await prepared(shopper, "TEE-BLUE-M", "REL-DILL-S")
    priced = await shopper.does("place_order", **order, dry_run=True)
    placed = await shopper.does("place_order", **order)
    assert minor(priced) == minor(placed) == {"subtotal": 3_050, "shipping": 1_195, "total": 4_245}
    await shopper.pays(placed)
    done = await shopper.does("get_order_status", checkout_id=placed["checkout_id"])
    assert done["status"] == "completed"
    assert done["order"]["number"] in await shopper.buyer.sees(placed["continue_url"])
    assert done["order"]["number"] in await shopper.buyer.sees(f"{shopper.origin}/media/orders")


async def same_order_twice_at_once(shopper: Shopper) -> None:
    order = await prepared(shopper, "TEE-BLUE-S")
    one, other = await asyncio.gather(shopper.does("place_order", **order), shopper.does("place_order", **order))
    assert one == other
    await shopper.pays(one)
    again = await shopper.does("place_order", **order)
    assert (again["checkout_id"], again["status"]) == (one["checkout_id"], "completed")
    assert "Nothing was ordered again" in again["next_step"]
    orders = await shopper.buyer.sees(f"{shopper.origin}/media/orders")
    assert orders.count(again["order"]["number"]) == 1


async def order_again_after_a_decline(shopper: Shopper) -> None:
    order = await prepared(shopper, "TEE-BLUE-L")
    placed = await shopper.does("place_order", **order)
    await shopper.pays(placed, "decline")
    waiting = await shopper.does("get_order_status", checkout_id=placed["checkout_id"])
    assert (waiting["status"], waiting["last_payment"]) == ("requires_escalation", "declined")
    again = await shopper.does("place_order", **order)
    assert (again["checkout_id"], again["continue_url"]) == (placed["checkout_id"], placed["continue_url"])
    await shopper.pays(again)
    done = await shopper.does("get_order_status", checkout_id=placed["checkout_id"])
    assert done["status"] == "completed"
    assert minor(done) == {"subtotal": 2_500, "shipping": 1_195, "total": 3_695}


async def order_status_later(shopper: Shopper) -> None:
    order = await prepared(shopper, "TEE-BLUE-XL")
    placed = await shopper.does("place_order", **order)
    await shopper.pays(placed)
    told_people = placed["checkout_id"].partition(".")[0]
    async with shopper.another_conversation() as later:
        shown = await later.does("get_order_status", checkout_id=told_people)
        assert (shown["status"], shown["order"]["status"]) == ("completed", "processing")
        number = shown["order"]["number"]
        told = await later.is_refused("get_order_status", checkout_id=number)
    assert told.code == "checkout_not_found"
    assert "send the buyer to the shop (" in told.text


async def cancel_and_return(shopper: Shopper) -> None:
    order = await prepared(shopper, "TEE-GREEN-S")
    placed = await shopper.does("place_order", **order)
    given_up = await shopper.does("cancel_checkout", checkout_id=placed["checkout_id"])
    assert given_up["status"] == "canceled"
    cart = await shopper.does("view_cart", cart_id=order["cart_id"])
    assert goods(cart) == {"TEE-GREEN-S": 1}
    placed = await shopper.does("place_order", **order)
    await shopper.pays(placed)
    told = await shopper.is_refused("cancel_checkout", checkout_id=placed["checkout_id"])
    assert told.code == "cart_ordered"
    done = await shopper.does("get_order_status", checkout_id=placed["checkout_id"])
    assert f"This cart became order {done['order']['number']}" in told.text
    assert "To change or cancel that order, send the buyer to the shop (" in told.text
    assert "within 30 days" in (await shopper.does("get_store_info", topic="returns"))["page"]


ORDERING: Iterable[Wish] = (
    Wish(
        "A blue tee in M and a small relish, to Brisbane. What is the order's number?",
        "order, 42.45",
        buy_and_learn_the_number,
    ),
    Wish("A blue tee in S; two agents order it at once.", "one order, 36.95", same_order_twice_at_once),
    Wish("A blue tee in L; my first card is declined.", "order, 36.95", order_again_after_a_decline),
    Wish(
        "How is my order of last week? I have its id, or only its number.",
        "answer; no to a number alone",
        order_status_later,
    ),
    Wish(
        "Give that order up. No, order it. Now cancel it, or take it back.",
        "canceled; order; no, ask the shop",
        cancel_and_return,
    ),
)
"""Five of them."""
