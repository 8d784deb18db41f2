"""A guest's whole way, from search to shipping quote, over every protocol version."""

import pytest

from tests.fakes.agent import Agent, adds_up, refusal, value
from tests.journeys.shops.journey_shop import JourneyShop

TOKENS = 6_000
"""What a browse-and-cart journey may cost a model, at four bytes a token."""


@pytest.mark.proves("results.structured")
async def test_a_guest_finds_a_product_fills_a_cart_and_learns_what_it_costs(agent: Agent, shop: JourneyShop) -> None:
    found = value(await agent.call("search_products", query="tee"))
    assert shop.family in [product["sku"] for product in found["products"]]

    tee = value(await agent.call("get_product", sku=shop.family))
    assert tee["variants"]
    assert {axis["label"] for axis in tee["axes"]} == set(tee["variants"][0]["options"])

    empty = value(await agent.call("create_cart"))
    cart_id = empty["cart_id"]
    assert cart_id.startswith("cart_")
    assert empty["expires_at"]

    refused = refusal(await agent.call("add_to_cart", cart_id=cart_id, sku=shop.family))
    assert "TEE-BLACK-M" in refused

    one = value(await agent.call("add_to_cart", cart_id=cart_id, sku="TEE-BLACK-M", quantity=2))
    assert one["lines"][0]["sku"] == "TEE-BLACK-M"
    assert one["lines"][0]["total"]["minor"] == 2 * tee["price"]["minor"]
    two = value(await agent.call("add_to_cart", cart_id=cart_id, sku="JAR-DILL"))
    assert two["totals"]["subtotal"]["minor"] == sum(line["total"]["minor"] for line in two["lines"])
    assert adds_up(two["totals"])

    saved = value(await agent.call("apply_coupon", cart_id=cart_id, code="SAVE10"))
    assert saved["coupon"] == "SAVE10"
    assert saved["totals"]["discount"]["minor"] > 0
    assert adds_up(saved["totals"])

    address = {"country": "AU", "postcode": "4000", "region": "QLD"}
    quote = value(await agent.call("get_shipping_methods", cart_id=cart_id, address=address))
    assert len(quote["methods"]) >= 2
    assert {method["price"]["currency"] for method in quote["methods"]} == {"AUD"}
    assert [method["delivery"] for method in quote["methods"]] == ["2-6 working days", "1-2 working days"]

    viewed = value(await agent.call("view_cart", cart_id=cart_id))
    assert adds_up(viewed["totals"])
    assert [line["sku"] for line in viewed["lines"]] == ["TEE-BLACK-M", "JAR-DILL"]
    assert agent.bytes_read / 4 < TOKENS


async def test_a_guest_changes_their_mind(agent: Agent) -> None:
    cart_id = value(await agent.call("create_cart"))["cart_id"]
    cart = value(await agent.call("add_to_cart", cart_id=cart_id, sku="PAD-2", quantity="2"))
    assert cart["totals"]["subtotal"] == {"minor": 55800, "currency": "AUD"}
    assert value(await agent.call("view_cart", cart_id=cart_id)) == cart

    line = cart["lines"][0]["line_id"]
    one = value(await agent.call("update_cart_item", cart_id=cart_id, line_id=line, quantity=1))
    assert one["totals"]["subtotal"]["minor"] == 27900
    await agent.call("apply_coupon", cart_id=cart_id, code="SAVE10")
    plain = value(await agent.call("remove_coupon", cart_id=cart_id))
    assert "coupon" not in plain
    none = value(await agent.call("remove_from_cart", cart_id=cart_id, line_id=line))
    assert "lines" not in none
    assert none["totals"]["total"]["minor"] == 0


@pytest.mark.needs("custom_options")
async def test_a_gift_with_options_is_refused_until_they_fit(agent: Agent) -> None:
    cart_id = value(await agent.call("create_cart"))["cart_id"]
    missing = refusal(await agent.call("add_to_cart", cart_id=cart_id, sku="GIFT-MUG"))
    assert "Engraving" in missing

    mug = value(await agent.call("get_product", sku="GIFT-MUG"))
    by_title = {option["title"]: option for option in mug["custom_options"]}
    size = by_title["Mug size"]
    large = next(choice["id"] for choice in size["values"] if choice["title"] == "Large")
    wrong = {by_title["Engraving"]["id"]: "ADA", size["id"]: "Gigantic"}
    assert "Mug size" in refusal(await agent.call("add_to_cart", cart_id=cart_id, sku="GIFT-MUG", options=wrong))

    right = {by_title["Engraving"]["id"]: "ADA", size["id"]: large}
    cart = value(await agent.call("add_to_cart", cart_id=cart_id, sku="GIFT-MUG", options=right))
    assert cart["lines"][0]["options"] == {"Engraving": "ADA", "Mug size": "Large"}
    assert cart["lines"][0]["price"]["minor"] == 1900 + 500 + 300


async def test_paging_through_a_search_meets_each_product_once(agent: Agent) -> None:
    skus: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = value(await agent.call("search_products", query="pickle", page_size=7, sort="name", **cursor))
        skus += [product["sku"] for product in page["products"]]
        if "next_cursor" not in page:
            break
        cursor = {"cursor": page["next_cursor"]}
        assert len(skus) < 400
    assert len(skus) == len(set(skus)) == page["total"] > 7


async def test_a_category_leads_to_its_products_and_facets(agent: Agent) -> None:
    tree = value(await agent.call("list_categories", depth=3))["categories"]
    assert any(child.get("children") for top in tree for child in top.get("children", []))
    memory_backend = tree[0]
    page = value(await agent.call("get_category", category=memory_backend["id"], page_size=5))
    assert page["category"]["name"] == memory_backend["name"]
    assert len(page["products"]) == 5
    same = value(await agent.call("search_products", category=memory_backend["path"], page_size=5))
    assert same["total"] == page["total"]


@pytest.mark.proves("errors.business")
async def test_what_does_not_exist_is_said_with_the_way_on(agent: Agent) -> None:
    assert "search_products" in refusal(await agent.call("get_product", sku="NO-SUCH-THING"))
    assert "list_categories" in refusal(await agent.call("get_category", category="no/such/shelf"))
    assert "create_cart" in refusal(await agent.call("view_cart", cart_id="cart_0000"))
    assert "quantity" in refusal(await agent.call("add_to_cart", cart_id="cart_0000", sku="PAD-2", quantity=0))
    closed = refusal(await agent.call("get_customer_orders"))
    assert "Account is" in closed
    assert "not open" in closed
