"""What every client is asked to do at the demo shop, and what must come of it."""

from collections.abc import Awaitable, Callable

from tests.agent import Json, adds_up

TOOLS = {
    "search_products",
    "get_product",
    "list_categories",
    "get_category",
    "create_cart",
    "add_to_cart",
    "update_cart_item",
    "remove_from_cart",
    "view_cart",
    "apply_coupon",
    "remove_coupon",
    "get_shipping_methods",
}
ADDRESS = {"country": "AU", "postcode": "4000", "region": "QLD"}

Call = Callable[..., Awaitable[Json]]
"""Calls a tool by name and arguments; gives `{"value": …}`, or `{"refusal": text}`."""


async def shop(call: Call) -> Json:
    """From search to view cart, in the steps that `journey.mjs` takes too; each step's answer by name."""
    story: Json = {"found": await call("search_products", query="tee")}
    story["product"] = await call("get_product", sku="TEE")
    story["created"] = await call("create_cart")
    cart = story["created"]["value"]["cart_id"]
    story["refused"] = await call("add_to_cart", cart_id=cart, sku="TEE")
    variant = story["product"]["value"]["variants"][0]["sku"]
    story["added"] = await call("add_to_cart", cart_id=cart, sku=variant, quantity=2)
    story["added too"] = await call("add_to_cart", cart_id=cart, sku="JAR-DILL")
    story["saved"] = await call("apply_coupon", cart_id=cart, code="SAVE10")
    story["quoted"] = await call("get_shipping_methods", cart_id=cart, address=ADDRESS)
    story["viewed"] = await call("view_cart", cart_id=cart)
    return story


def check(story: Json) -> None:
    """That a client got what it was after, to the cent."""
    assert {step for step, answer in story.items() if "refusal" in answer} == {"refused"}
    told = {step: answer.get("value") for step, answer in story.items()}
    assert "TEE" in {product["sku"] for product in told["found"]["products"]}

    variant = told["product"]["variants"][0]
    assert set(variant["options"]) == {axis["label"] for axis in told["product"]["axes"]}
    assert variant["sku"] in story["refused"]["refusal"]

    cart = told["created"]["cart_id"]
    assert cart.startswith("cart_")
    assert {told[step]["cart_id"] for step in ("added", "added too", "saved", "viewed")} == {cart}
    (tees,) = told["added"]["lines"]
    assert (tees["sku"], tees["quantity"]) == (variant["sku"], 2)
    assert tees["total"]["minor"] == 2 * tees["price"]["minor"] == 2 * told["product"]["price"]["minor"]

    for step in ("added", "added too", "saved", "viewed"):
        totals = told[step]["totals"]
        assert totals["subtotal"]["minor"] == sum(line["total"]["minor"] for line in told[step]["lines"])
        assert adds_up(totals)
    assert told["saved"]["coupon"] == "SAVE10"
    assert told["saved"]["totals"]["discount"]["minor"] * 10 == told["saved"]["totals"]["subtotal"]["minor"]

    methods = told["quoted"]["methods"]
    assert len(methods) >= 2
    assert {method["price"]["currency"] for method in methods} == {"AUD"}
    assert [line["sku"] for line in told["viewed"]["lines"]] == [variant["sku"], "JAR-DILL"]
    assert told["viewed"]["totals"]["total"] == told["saved"]["totals"]["total"]
