"""The steps every client takes at the demo shop; imported by tests and, in environments of their own, by journeys."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Json = dict[str, Any]
Call = Callable[..., Awaitable[Json]]
"""Calls a tool by name and arguments; gives an `answer`."""

ADDRESS = {"country": "AU", "postcode": "4000", "region": "QLD"}
BUYER = {"first_name": "Ada", "last_name": "Byron", "phone": "0730000000", "street": "1 Queen St", "city": "Brisbane"}
UNSEEN = object()
"""Structured content that a client keeps to itself."""


async def shop(call: Call) -> Json:
    """From search to an order that waits for its payment, as in `steps.mjs`; each step's answer by name."""
    story: Json = {"found": await call("search_products", query="tee")}
    story["paged"] = await call("search_products", query="pickle", page_size=2)
    story["product"] = await call("get_product", sku="TEE")
    story["created"] = await call("create_cart")
    cart = story["created"]["value"]["cart_id"]
    story["refused"] = await call("add_to_cart", cart_id=cart, sku="TEE")
    variant = story["product"]["value"]["variants"][0]["sku"]
    story["added"] = await call("add_to_cart", cart_id=cart, sku=variant, quantity=2)
    story["added too"] = await call("add_to_cart", cart_id=cart, sku="JAR-DILL")
    # As the schema has it: a client that knows no object of unknown members can send options too.
    story["engraved"] = await call(
        "add_to_cart", cart_id=cart, sku="GIFT-MUG", options='{"Engraving": "ADA", "Mug size": "Small"}'
    )
    story["saved"] = await call("apply_coupon", cart_id=cart, code="SAVE10")
    story["quoted"] = await call("get_shipping_methods", cart_id=cart, address=ADDRESS)
    story["viewed"] = await call("view_cart", cart_id=cart)
    wish = {"shipping_address": {**BUYER, **ADDRESS}, "shipping_method": story["quoted"]["value"]["methods"][0]["code"]}
    story["placed"] = await call("place_order", cart_id=cart, email="ada@example.com", **wish)
    return story


def answer(text: str | None, structured: Any = UNSEEN, *, refused: bool = False) -> Json:
    """What one call brought: `{"refusal": text}` or `{"value": …, "structured": …}`.

    `structured` is left out when the client does not show it, and is null when there was none; a client that shows
    nothing but structured content gives no text.
    """
    if refused:
        return {"refusal": text}
    if text is None:
        return {"value": structured, "structured": structured}
    shown = {} if structured is UNSEEN else {"structured": structured}
    return {"value": json.loads(text), **shown}


def tell(version: str | None, tools: Iterable[str], story: Json) -> None:
    """Print a journey: the version if the client shows it, the names of the tools, the answers."""
    print(json.dumps({"version": version, "tools": sorted(tools), "story": story}))  # noqa: T201 - read by the test
