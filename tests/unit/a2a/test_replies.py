"""What the agent says beside the data: a few plain lines, whatever a tool returns."""

from typing import Any

import pytest

from storefront_mcp.a2a.replies import AgentReply, reply_of
from storefront_mcp.commerce.cart import Cart, CartTotals
from storefront_mcp.commerce.checkout import CheckoutView, OrderView
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.tools.content import ContentBlocks, TextBlock, ValueWithLinks
from tests.fakes.memory_backend import aud
from tests.unit.a2a.environment import SELLING

ALL = frozenset({"text/plain", "application/json"})
PRICE = {"minor": 950, "currency": "AUD"}
JAR = {"sku": "JAR", "name": "Pickles", "price": PRICE}
TOTALS = CartTotals(subtotal=aud(950), total=aud(950))
READY = CheckoutView(status="ready", next_step="Get a yes.", totals=TOTALS, notice="It is late.")


@pytest.mark.parametrize(
    ("tool", "value", "told"),
    [
        ("search_products", {"products": []}, "Nothing was found."),
        ("search_products", {"products": [], "hints": ["Try dill.", "Or brine."]}, "Try dill. Or brine."),
        ("search_products", {"products": [], "notice": "Nothing matches."}, "Nothing matches."),
        ("search_products", {"products": [JAR], "total": 1}, "1 product:\n- Pickles (JAR), AUD 9.50"),
        (
            "search_products",
            {"products": [JAR | {"choose": "variant", "in_stock": False}], "total": 3, "did_you_mean": "pickles"},
            "3 products, the first 1:\n- Pickles (JAR), AUD 9.50, variant, out of stock\nSearched for: pickles.",
        ),
        (
            "search_products",
            {
                "products": [JAR],
                "total": 1,
                "relaxed": ["left out: vegan", "any word"],
                "hints": ["In AUD."],
            },
            "1 product:\n- Pickles (JAR), AUD 9.50\nNothing fits every word (left out: vegan; any word).\nIn AUD.",
        ),
        (
            "get_product",
            JAR | {"url": "https://pickle.example/jar"},
            "Pickles (JAR), AUD 9.50\nhttps://pickle.example/jar",
        ),
        ("get_shipping_methods", {"methods": []}, "There is no way to send this cart there."),
        ("get_shipping_methods", {"methods": [], "notice": "Nothing is sent."}, "Nothing is sent."),
        (
            "get_shipping_methods",
            {
                "methods": [{"code": "post", "title": "Post", "price": PRICE, "delivery": "2 days"}],
                "estimate": True,
                "depends_on": ["postcode"],
            },
            "Ways to send it:\n- post: Post, AUD 9.50, 2 days\nPrices may differ once these are known: postcode.",
        ),
        ("anything", {"a": 1}, "The answer is in the data part."),
        ("anything", [1], "The answer is in the data part."),
        ("anything", ContentBlocks((TextBlock("a"),)), "The answer is in the data part."),
        (
            "view_cart",
            Cart(cart_id=CartId("cart_1"), totals=TOTALS, notice="It was started afresh."),
            "The cart is empty.\nIt was started afresh.",
        ),
        (
            "get_order_status",
            CheckoutView(status="completed", next_step="Tell the buyer.", totals=TOTALS, order=OrderView()),
            "The order is made.\nTotal: AUD 9.50.\nTell the buyer.",
        ),
        (
            "place_order",
            ValueWithLinks(READY, ()),
            "Total: AUD 9.50.\nGet a yes.\nIt is late.",
        ),
    ],
)
def test_a_tools_answer_in_words(tool: str, value: Any, told: str) -> None:
    reply = reply_of(tool, value, SELLING)
    assert reply.text == told
    assert reply.data is not None
    assert reply.data["tool"] == tool


def test_where_there_is_no_data_words_are_said_even_to_who_wants_data() -> None:
    (part,) = AgentReply("No.").parts(frozenset({"application/json"}))
    assert part.text == "No."
    assert len(AgentReply("Yes.", {"a": 1}).parts(ALL)) == 2
