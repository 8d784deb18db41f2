"""A platform's agent shops by the Universal Commerce Protocol, in each release over MCP and REST."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fakes.agent import VERSIONS, Agent, value
from tests.fakes.buyer import Buyer
from tests.fakes.ucp_agent import PROFILE, RELEASES, TRANSPORTS, Refused, UcpAgent
from tests.journeys.conftest import OpenStore
from tests.journeys.shops.journey_shop import JourneyShop

pytestmark = pytest.mark.slow


@pytest.fixture(params=[f"{release} over {transport}" for release in RELEASES for transport in TRANSPORTS])
async def platform(request: pytest.FixtureRequest, store: OpenStore) -> AsyncIterator[UcpAgent]:
    release, _, transport = request.param.partition(" over ")
    async with UcpAgent(store.origin, release, transport) as agent:
        yield agent


async def test_a_catalog_is_searched_page_by_page(platform: UcpAgent) -> None:
    first = await platform.call("search_catalog", {"query": "paddle", "pagination": {"limit": 2}})
    assert len(first["products"]) == 2
    assert first["pagination"]["has_next_page"]
    assert first["ucp"]["capabilities"] == {"dev.ucp.shopping.catalog.search": [{"version": platform.release}]}

    onward = {"limit": 2, "cursor": first["pagination"]["cursor"]}
    second = await platform.call("search_catalog", {"query": "paddle", "pagination": onward})
    assert {one["id"] for one in first["products"]}.isdisjoint(one["id"] for one in second["products"])


async def test_a_product_of_a_list_has_pictures_and_variants_that_a_cart_takes(
    platform: UcpAgent, shop: JourneyShop
) -> None:
    found = await platform.call("search_catalog", {"query": "tee"})
    tee = next(one for one in found["products"] if one["id"] == shop.family)
    assert tee["media"][0]["url"].startswith("http")
    assert len(tee["variants"]) > 1
    assert tee["variants"][0]["availability"] == {"available": True, "status": "in_stock"}
    assert {option["name"] for option in tee["options"]} == {one["name"] for one in tee["variants"][0]["options"]}
    assert tee["price_range"]["min"]["amount"] <= tee["variants"][0]["price"]["amount"]


async def test_nothing_found_is_an_empty_list_without_a_word(platform: UcpAgent) -> None:
    nothing = await platform.call("search_catalog", {"query": "zeppelin anchors"})
    assert nothing["products"] == []
    assert nothing["pagination"]["has_next_page"] is False
    assert "cursor" not in nothing["pagination"]
    assert "messages" not in nothing


async def test_categories_and_prices_narrow_a_search(platform: UcpAgent, shop: JourneyShop) -> None:
    narrow = {"categories": ["no-such-category", shop.tops], "price": {"max": 5000}}
    found = await platform.call("search_catalog", {"filters": narrow})
    assert found["products"]
    assert all(one["price_range"]["min"]["amount"] <= 5000 for one in found["products"])
    unknown = await platform.call("search_catalog", {"filters": {"categories": ["no-such-category"]}})
    assert unknown["products"] == []


async def test_a_price_in_another_currency_is_left_out_and_said(platform: UcpAgent) -> None:
    asked = {"query": "paddle", "filters": {"price": {"max": 1}}, "context": {"currency": "USD"}}
    found = await platform.call("search_catalog", asked)
    assert found["products"]
    assert [message["code"] for message in found["messages"]] == ["price_filter_ignored"]


async def test_several_categories_follow_each_other_to_the_end(platform: UcpAgent, shop: JourneyShop) -> None:
    seen: list[str] = []
    wanted = {"filters": {"categories": [shop.tops, shop.paddles]}, "pagination": {"limit": 3}}
    cursor = None
    for _ in range(30):
        page = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        found = await platform.call("search_catalog", {**wanted, "pagination": page})
        seen += [one["id"] for one in found["products"]]
        cursor = found["pagination"].get("cursor")
        if cursor is None:
            break
    assert {shop.family, "PAD-1"} <= set(seen)


async def test_products_and_variants_are_looked_up_by_id(platform: UcpAgent, shop: JourneyShop) -> None:
    asked = [shop.family, "TEE-BLACK-M", "JAR-DILL", "NO-SUCH-THING", shop.family]
    found = await platform.call("lookup_catalog", {"ids": asked})
    by_id = {one["id"]: one for one in found["products"]}
    assert set(by_id) == {shop.family, "JAR-DILL"}
    inputs = [(given["id"], given["match"]) for one in by_id[shop.family]["variants"] for given in one["inputs"]]
    assert set(inputs) == {(shop.family, "featured"), ("TEE-BLACK-M", "exact")}
    assert len(inputs) == len(set(inputs))
    (jar,) = by_id["JAR-DILL"]["variants"]
    assert jar["inputs"] == [{"id": "JAR-DILL", "match": "exact"}]
    assert [(one["type"], one["code"], one["content"]) for one in found["messages"]] == [
        ("info", "not_found", "NO-SUCH-THING")
    ]


async def test_an_id_that_no_product_can_have_hides_no_other(platform: UcpAgent) -> None:
    found = await platform.call("lookup_catalog", {"ids": ["\0", "JAR-DILL", " "]})
    assert [one["id"] for one in found["products"]] == ["JAR-DILL"]
    assert [(one["code"], one["content"]) for one in found["messages"]] == [("not_found", "\0"), ("not_found", " ")]


async def test_a_product_is_shown_under_what_is_selected(platform: UcpAgent, shop: JourneyShop) -> None:
    plain = (await platform.call("get_product", {"id": shop.family}))["product"]
    assert plain["selected"] == plain["variants"][0]["options"]
    colour, size = (option["name"] for option in plain["options"])

    black = {"id": shop.family, "selected": [{"name": colour, "label": "black"}]}
    shown = (await platform.call("get_product", black))["product"]
    assert shown["selected"] == [{"name": colour, "label": "Black"}]
    assert {one["label"] for variant in shown["variants"] for one in variant["options"] if one["name"] == colour} == {
        "Black"
    }
    sizes = next(option["values"] for option in shown["options"] if option["name"] == size)
    assert all(value["exists"] for value in sizes)

    impossible = [{"name": size, "label": "Nowhere"}, {"name": colour, "label": "Black"}]
    kept = (await platform.call("get_product", {"id": shop.family, "selected": impossible}))["product"]
    assert kept["selected"] == [{"name": colour, "label": "Black"}]


async def test_a_variant_is_shown_first_in_its_product(platform: UcpAgent, shop: JourneyShop) -> None:
    shown = (await platform.call("get_product", {"id": "TEE-BLACK-M", "selected": [{"name": "Colour"}]}))["product"]
    assert (shown["id"], shown["variants"][0]["id"]) == (shop.family, "TEE-BLACK-M")
    assert shown["selected"] == shown["variants"][0]["options"]


async def test_an_unknown_product_is_an_outcome_not_a_failure(platform: UcpAgent) -> None:
    told = await platform.call("get_product", {"id": "NO-SUCH-THING"})
    assert told["ucp"] == {"version": platform.release, "status": "error"}
    (message,) = told["messages"]
    assert (message["code"], message["severity"]) == ("not_found", "unrecoverable")


@pytest.mark.parametrize(
    ("name", "payload", "code"),
    [
        ("search_catalog", {}, "invalid_input"),
        ("search_catalog", {"query": " ", "filters": {"categories": []}}, "invalid_input"),
        ("search_catalog", {"query": 7}, "invalid_input"),
        ("search_catalog", {"query": "x", "pagination": {"cursor": "made-up"}}, "invalid_cursor"),
        ("search_catalog", {"filters": {"categories": ["a", "b"]}, "pagination": {"cursor": "9."}}, "invalid_input"),
        ("search_catalog", {"filters": {"categories": list("abcdefghijk")}}, "invalid_input"),
        ("lookup_catalog", {"ids": []}, "invalid_input"),
        ("lookup_catalog", {"ids": [f"SKU-{number}" for number in range(21)]}, "request_too_large"),
        ("get_product", {}, "invalid_input"),
    ],
)
async def test_what_cannot_be_read_is_a_400(platform: UcpAgent, name: str, payload: object, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await platform.call(name, payload)
    assert (refused.value.status, refused.value.code) == (400, code)


async def test_who_names_no_profile_is_told_so(demo: str) -> None:
    async with httpx.AsyncClient(base_url=demo) as client:
        for field in ({}, {"ucp-agent": "nonsense"}, {"ucp-agent": 'profile="ftp://platform.example"'}):
            answer = await client.post("/ucp/catalog/search", json={"query": "tee"}, headers=field)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_profile_url")


async def test_lines_that_are_sent_beside_their_cart_are_told_so(demo: str) -> None:
    arguments = {"meta": {"ucp-agent": {"profile": PROFILE}}, "line_items": [JAR]}
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "create_cart", "arguments": arguments},
    }
    async with httpx.AsyncClient(base_url=demo) as client:
        answer = await client.post("/ucp/mcp", json=message)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("arguments.cart is missing")


JAR = {"item": {"id": "JAR-DILL"}, "quantity": 2}
TEE = {"item": {"id": "TEE-BLACK-M"}, "quantity": 1}
ADA = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Byron", "phone_number": "+61 7 3000 0000"}
BRISBANE = {
    "id": "home",
    "street_address": "1 Queen Street",
    "address_locality": "Brisbane",
    "address_region": "QLD",
    "postal_code": "4000",
    "address_country": "AU",
}


def shipping(option: str | None = None, **address: str) -> Any:
    group = {} if option is None else {"groups": [{"id": "package", "selected_option_id": option}]}
    return {"methods": [{"type": "shipping", "destinations": [{**BRISBANE, **address}], **group}]}


def amounts(answer: Any) -> dict[str, int]:
    return {one["type"]: one["amount"] for one in answer["totals"]}


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(one["type"], one["code"]) for one in answer.get("messages", ())]


async def until_ended(platform: UcpAgent, checkout: str) -> Any:
    """Ask until the checkout has come to its end."""
    async with asyncio.timeout(60):
        while True:
            shown = await platform.call("get_checkout", id_=checkout)
            if shown["status"] in {"completed", "canceled"}:
                return shown
            await asyncio.sleep(0.05)


async def test_a_cart_is_made_changed_and_given_up(platform: UcpAgent) -> None:
    cart = await platform.call("create_cart", {"line_items": [JAR, TEE], "discounts": {"codes": ["SAVE10"]}})
    assert [(one["item"]["id"], one["quantity"]) for one in cart["line_items"]] == [("JAR-DILL", 2), ("TEE-BLACK-M", 1)]
    assert cart["discounts"]["codes"] == ["SAVE10"]
    assert cart["discounts"]["applied"][0]["amount"] == -amounts(cart)["discount"]
    assert set(cart["ucp"]["capabilities"]) == {"dev.ucp.shopping.cart", "dev.ucp.shopping.discount"}

    kept = cart["line_items"][0]["id"]
    change = {"line_items": [{"id": kept, "item": {"id": "JAR-DILL"}, "quantity": 5}], "discounts": {"codes": []}}
    changed = await platform.call("update_cart", change, id_=cart["id"])
    assert [(one["id"], one["quantity"]) for one in changed["line_items"]] == [(kept, 5)]
    assert "discounts" not in changed
    assert (await platform.call("get_cart", id_=cart["id"]))["totals"] == changed["totals"]

    gone = await platform.call("cancel_cart", id_=cart["id"])
    assert gone["line_items"] == changed["line_items"]
    for name in ("get_cart", "cancel_cart"):
        told = await platform.call(name, id_=cart["id"])
        assert codes(told) == [("error", "not_found")]


async def test_what_a_cart_cannot_hold_is_said_with_its_place(platform: UcpAgent, shop: JourneyShop) -> None:
    lines = [{"item": {"id": "NO-SUCH-THING"}, "quantity": 1}, {"item": {"id": shop.family}, "quantity": 1}, JAR]
    cart = await platform.call("create_cart", {"line_items": lines, "discounts": {"codes": ["OLD", "SAVE10"]}})
    assert [one["item"]["id"] for one in cart["line_items"]] == ["JAR-DILL"]
    told = codes(cart)
    assert ("error", "not_found") in told
    assert ("error", "item_unavailable") in told
    assert ("warning", "discount_code_invalid") in told or (
        "warning",
        "discount_code_combination_disallowed",
    ) in told
    assert all(one["path"].startswith(("$.line_items", "$.discounts.codes[")) for one in cart["messages"])


async def test_a_unit_that_the_shop_does_not_sell_by_is_refused(platform: UcpAgent) -> None:
    line = {**JAR, "quantity_unit": {"unit": "KGM", "scale": 3}}
    told = await platform.call("create_cart", {"line_items": [line]})
    assert codes(told) == [("error", "quantity_unit_mismatch")]
    assert told["messages"][0]["path"] == "$.line_items[0].quantity_unit"


async def test_a_checkout_asks_for_what_is_missing_and_hands_off_to_a_page(
    platform: UcpAgent, shop: JourneyShop
) -> None:
    started = await platform.call("create_checkout", {"line_items": [JAR], "status": "completed", "currency": "EUR"})
    assert (started["status"], started["currency"]) == ("incomplete", "AUD")
    paths = {one.get("path") for one in started["messages"]}
    assert paths >= {"$.buyer.email", "$.fulfillment.methods[0].destinations"}
    assert "privacy_policy" in {link["type"] for link in started["links"]}
    assert started["fulfillment"]["methods"][0].get("groups", []) == []

    lines = [{"id": started["line_items"][0]["id"], **JAR}]
    quoted = await platform.call(
        "update_checkout", {"line_items": lines, "buyer": ADA, "fulfillment": shipping()}, id_=started["id"]
    )
    (method,) = quoted["fulfillment"]["methods"]
    assert method["selected_destination_id"] == "home"
    assert [one["id"] for one in method["destinations"]] == ["home"]
    options = method["groups"][0]["options"]
    assert {one["id"] for one in options} >= {shop.parcel, shop.express}
    assert codes(quoted) == [("error", "fulfillment_required")]

    chosen = {"line_items": lines, "buyer": ADA, "fulfillment": shipping(shop.parcel)}
    waiting = await platform.call("update_checkout", chosen, id_=started["id"])
    assert waiting["status"] == "requires_escalation"
    assert codes(waiting) == [("error", "payment_required")]
    assert waiting["messages"][0]["severity"] == "requires_buyer_input"
    assert "/pay/" in waiting["continue_url"]
    assert amounts(waiting)["fulfillment"] > 0
    assert waiting["fulfillment"]["methods"][0]["groups"][0]["selected_option_id"] == shop.parcel
    assert waiting["expires_at"].endswith("Z")

    asked = await platform.call("complete_checkout", {"payment": {"instruments": []}}, id_=started["id"])
    assert (asked["status"], asked["continue_url"]) == ("requires_escalation", waiting["continue_url"])
    assert (await platform.call("get_checkout", id_=started["id"]))["totals"] == waiting["totals"]

    over = await platform.call("cancel_checkout", id_=started["id"])
    assert over["status"] == "canceled"
    assert "continue_url" not in over
    assert (await platform.call("cancel_checkout", id_=started["id"]))["status"] == "canceled"


@pytest.mark.needs("pages")
async def test_a_checkout_leads_to_the_rules_of_the_shop(platform: UcpAgent) -> None:
    started = await platform.call("create_checkout", {"line_items": [JAR]})
    assert {link["type"] for link in started["links"]} >= {"privacy_policy", "refund_policy", "shipping_policy"}
    terms = [one["description"]["plain"] for one in started.get("policies", ())]
    assert ("30 days" in terms[0]) if platform.release == RELEASES[0] else terms == []


async def test_a_paid_checkout_becomes_an_order(platform: UcpAgent, shop: JourneyShop) -> None:
    wanted = {"line_items": [JAR], "buyer": ADA, "fulfillment": shipping(shop.parcel)}
    waiting = await platform.call("create_checkout", wanted)
    assert waiting["status"] == "requires_escalation"
    async with Buyer() as buyer:
        await buyer.pays(waiting["continue_url"])

    done = await until_ended(platform, waiting["id"])
    assert done["status"] == "completed"
    assert done["order"]["id"]
    page = await platform.client.get(done["order"]["permalink_url"])
    assert done["order"]["id"] in page.text, "the page tells the order's number"
    assert done["totals"] == waiting["totals"]
    again = await platform.call("complete_checkout", {"payment": {"instruments": []}}, id_=waiting["id"])
    assert (again["status"], again["order"]) == ("completed", done["order"])
    refused = await platform.call("update_checkout", wanted, id_=waiting["id"])
    assert (refused["status"], codes(refused)) == ("completed", [("error", "cart_ordered")])
    kept = await platform.call("cancel_checkout", id_=waiting["id"])
    assert (kept["status"], kept["messages"]) == ("completed", refused["messages"])
    assert kept["messages"][0]["severity"] == "unrecoverable"


@pytest.mark.needs("custom_options")
async def test_the_page_of_a_cart_takes_an_engraving(platform: UcpAgent, shop: JourneyShop) -> None:
    mug = {"item": {"id": "GIFT-MUG"}, "quantity": 1}
    shown = await platform.call("get_product", {"id": "GIFT-MUG"})
    assert shown["product"]["price_range"]["min"]["amount"] == 2400, "nobody can buy it for less"
    assert codes(shown) == [("info", "options_required")]
    cart = await platform.call("create_cart", {"line_items": [mug]})
    page = await platform.client.get(cart["continue_url"])
    assert "Custom Mug" in page.text
    assert "This cart is empty" not in page.text

    wanted = {"line_items": [mug, JAR], "buyer": ADA, "fulfillment": shipping(shop.parcel)}
    waiting = await platform.call("create_checkout", wanted)
    assert waiting["status"] == "requires_escalation"
    assert ("error", "options_required") in codes(waiting)
    assert "has to give Engraving and Mug size" in waiting["messages"][0]["content"]
    page = await platform.client.get(waiting["continue_url"])
    assert "It needs: Engraving, Mug size." in page.text
    names = dict.fromkeys(re.findall(r'name="(option\.[^"]+)"', page.text))
    (large,) = re.findall(r'<option value="(\w+)">Large', page.text)
    engraved = dict(zip(names, ("ADA", large), strict=True))
    sent = await platform.client.post(waiting["continue_url"], data={"sku": "GIFT-MUG", **engraved})
    assert sent.status_code == 303, "nothing else is missing"
    ready = await platform.call("get_checkout", id_=waiting["id"])
    assert codes(ready) == [("error", "payment_required")]
    assert {line["item"]["id"] for line in ready["line_items"]} == {"GIFT-MUG", "JAR-DILL"}


async def test_a_cart_begun_with_our_tools_is_checked_out_by_ucp(platform: UcpAgent) -> None:
    async with Agent(platform.origin, VERSIONS[-1]) as agent:
        cart = value(await agent.call("create_cart"))["cart_id"]
        value(await agent.call("add_to_cart", cart_id=cart, sku="JAR-DILL", quantity=2))
        value(await agent.call("apply_coupon", cart_id=cart, code="SAVE10"))
        seen = await platform.call("get_cart", id_=cart)
        assert seen["discounts"]["codes"] == ["SAVE10"]

        first = await platform.call("create_checkout", {"cart_id": cart, "line_items": []})
        assert [one["item"]["id"] for one in first["line_items"]] == ["JAR-DILL"]
        assert first["discounts"]["codes"] == ["SAVE10"]
        again = await platform.call("create_checkout", {"cart_id": cart})
        assert again["id"] == first["id"]
        assert value(await agent.call("view_cart", cart_id=cart))["lines"][0]["quantity"] == 2


async def test_a_selection_of_no_destination_changes_nothing(platform: UcpAgent) -> None:
    started = await platform.call("create_checkout", {"line_items": [JAR]})
    wrong = shipping()
    wrong["methods"][0]["selected_destination_id"] = "elsewhere"
    told = await platform.call("update_checkout", {"line_items": [TEE], "fulfillment": wrong}, id_=started["id"])
    assert told["messages"][0]["path"] == "$.fulfillment.methods[0].selected_destination_id"
    kept = await platform.call("get_checkout", id_=started["id"])
    assert [one["item"]["id"] for one in kept["line_items"]] == ["JAR-DILL"]


async def test_a_repeat_under_a_key_is_answered_as_before(platform: UcpAgent) -> None:
    key = "5f0c4b8e-0f0a-4a43-9a43-9a3a0c0f7b11" + platform.release + platform.transport
    first = await platform.call("create_cart", {"line_items": [JAR]}, key=key)
    assert await platform.call("create_cart", {"line_items": [JAR]}, key=key) == first
    with pytest.raises(Refused) as refused:
        await platform.call("create_cart", {"line_items": [TEE]}, key=key)
    assert (refused.value.status, refused.value.code) == (409, "idempotency_key_reused")


@pytest.mark.parametrize("name", ["get_cart", "update_cart", "get_checkout", "update_checkout", "cancel_checkout"])
async def test_an_unknown_id_is_an_outcome(platform: UcpAgent, name: str) -> None:
    payload = {"line_items": [JAR]} if name.startswith("update") else None
    told = await platform.call(name, payload, id_="cart_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert codes(told) == [("error", "not_found")]
    assert told["continue_url"]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("create_cart", {}),
        ("create_cart", {"line_items": [{"item": {"id": "JAR-DILL"}, "quantity": 0}]}),
        ("create_cart", {"line_items": [{"item": {"id": "JAR-DILL"}, "quantity": "two"}]}),
        ("create_cart", {"line_items": [JAR] * 101}),
        ("create_checkout", {}),
        ("create_checkout", {"line_items": []}),
        ("update_checkout", {"buyer": ADA}),
    ],
)
async def test_a_purchase_that_cannot_be_read_is_a_400(platform: UcpAgent, name: str, payload: Any) -> None:
    with pytest.raises(Refused) as refused:
        await platform.call(name, payload, id_="cart_a" if name.startswith("update") else "")
    assert (refused.value.status, refused.value.code) == (400, "invalid_input")
