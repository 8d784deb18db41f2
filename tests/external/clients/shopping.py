"""What every client is asked to do at the demo shop, and what must come of it."""

from tests.external.clients.journeys.steps import Call, answer, shop
from tests.fakes.agent import Json, adds_up

__all__ = ["GUEST_TOOLS", "TOOLS", "Call", "answer", "check", "shop"]

GUEST_TOOLS = {
    "search_products",
    "get_product",
    "get_related_products",
    "list_categories",
    "get_category",
    "get_store_info",
    "create_cart",
    "add_to_cart",
    "update_cart_item",
    "remove_from_cart",
    "view_cart",
    "apply_coupon",
    "remove_coupon",
    "apply_gift_card",
    "remove_gift_card",
    "get_shipping_methods",
    "place_order",
    "get_order_status",
    "cancel_checkout",
}
TOOLS = GUEST_TOOLS | {"get_customer_orders", "get_order", "cancel_order", "reorder", "list_addresses"}
"""All of the demo's: those of accounts are shown to guests too, who are asked to sign in for them."""


STEPS = ("added", "added too", "engraved", "saved", "viewed")
"""Those whose answer is the cart."""


def check(story: Json, *, structured: bool = True) -> None:
    """That a client got what it was after, to the cent, twice where its version has structured content."""
    assert {step for step, answer in story.items() if "refusal" in answer} == {"refused"}
    told = {step: answer.get("value") for step, answer in story.items()}
    for answered in story.values():
        if "structured" in answered:
            assert answered["structured"] == (answered["value"] if structured else None)
    assert "TEE" in {product["sku"] for product in told["found"]["products"]}

    assert len(told["paged"]["products"]) == 2
    assert told["paged"]["next_cursor"]

    variant = told["product"]["variants"][0]
    assert set(variant["options"]) == {axis["label"] for axis in told["product"]["axes"]}
    assert variant["sku"] in story["refused"]["refusal"]

    cart = told["created"]["cart_id"]
    assert cart.startswith("cart_")
    assert {told[step]["cart_id"] for step in STEPS} == {cart}
    (tees,) = told["added"]["lines"]
    assert (tees["sku"], tees["quantity"]) == (variant["sku"], 2)
    assert tees["total"]["minor"] == 2 * tees["price"]["minor"] == 2 * told["product"]["price"]["minor"]

    (mug,) = [line for line in told["engraved"]["lines"] if line["sku"] == "GIFT-MUG"]
    assert mug["options"]["Engraving"] == "ADA"

    for step in STEPS:
        totals = told[step]["totals"]
        assert totals["subtotal"]["minor"] == sum(line["total"]["minor"] for line in told[step]["lines"])
        assert adds_up(totals)
    assert told["saved"]["coupon"] == "SAVE10"
    assert told["saved"]["totals"]["discount"]["minor"] * 10 == told["saved"]["totals"]["subtotal"]["minor"]

    methods = told["quoted"]["methods"]
    assert len(methods) >= 2
    assert {method["price"]["currency"] for method in methods} == {"AUD"}
    assert [line["sku"] for line in told["viewed"]["lines"]] == [variant["sku"], "JAR-DILL", "GIFT-MUG"]
    assert told["viewed"]["totals"]["total"] == told["saved"]["totals"]["total"]

    placed = told["placed"]
    assert placed["checkout_id"].startswith("chk_")
    assert "/pay/" in placed["continue_url"]
    assert placed["totals"]["subtotal"] == told["viewed"]["totals"]["subtotal"]
