"""Results in the dress of each version, and valid by that version's own schema."""

import json
import logging
from typing import Any

import jsonschema
import pytest
from hypothesis import given, strategies as st
from mcp_types.methods import validate_server_result
from msgspec.structs import replace

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.mcp.answering import line_for
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.catalogue import Catalogue
from storefront_mcp.mcp.endpoint import Endpoint
from storefront_mcp.mcp.instructions import instructions
from storefront_mcp.mcp.results import LIST_TTL_MS, tool_result
from storefront_mcp.mcp.versions import LEGACY, MODERN as MODERN_VERSIONS, OFFERED
from tests.agent import value
from tests.mcp.asking import HANDSHAKE, META, MODERN, NEWEST, VERSIONS, Json, asked, endpoint, error, result
from tests.shelf import OPEN, STORE, Shelf, roadmap, shop_on

SERVER = {"name": "example.pickle/storefront", "title": "Pickle Warehouse MCP Server", "version": "1.2.3"}
AU = {"country": "AU", "postcode": "2000"}
HINTS = {"title", "readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


@pytest.mark.proves("lifecycle.introduces")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_the_handshake_introduces_the_server(version: str) -> None:
    hello = await result(endpoint(), "initialize", version, {"protocolVersion": version})
    titled = SERVER if version >= "2025-06-18" else {key: SERVER[key] for key in ("name", "version")}
    assert hello == {
        "protocolVersion": version,
        "capabilities": capabilities(LEGACY[version]),
        "serverInfo": titled,
        "instructions": instructions(STORE, OPEN),
    }


@pytest.mark.proves("discover.result", "caching.lists")
async def test_the_discovery_says_what_is_spoken_and_may_be_kept() -> None:
    told = await result(endpoint(), "server/discover", NEWEST)
    assert told == {
        "resultType": "complete",
        "supportedVersions": [NEWEST],
        "capabilities": capabilities(MODERN_VERSIONS[NEWEST]),
        "instructions": instructions(STORE, OPEN),
        "ttlMs": LIST_TTL_MS,
        "cacheScope": "public",
        "_meta": {META + "serverInfo": SERVER},
    }


@pytest.mark.proves("discover.same-versions")
async def test_what_is_refused_by_version_is_never_listed_as_supported() -> None:
    body, sent = asked("tools/list", "2099-01-01")
    body["params"] = {"_meta": {META + "protocolVersion": "2099-01-01", META + "clientCapabilities": {}}}
    sent = [(b"mcp-protocol-version", b"2099-01-01"), (b"mcp-method", b"tools/list")]
    _, refused = await error(endpoint(), body, sent)
    supported = (await result(endpoint(), "server/discover", NEWEST))["supportedVersions"]
    assert set(refused["error"]["data"]["supported"]) <= set(supported)


@pytest.mark.proves("tools.order")
@pytest.mark.parametrize("version", VERSIONS)
async def test_tools_are_listed_in_the_order_of_the_promises(version: str) -> None:
    listed = (await result(endpoint(), "tools/list", version))["tools"]
    assert [tool["name"] for tool in listed] == [tool.name for tool in OPEN.open_tools()]
    assert len(listed) == 12


@pytest.mark.proves("tools.schemas", "tools.hints", "tools.titles")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_tool_is_described_in_the_words_of_the_version(version: str) -> None:
    listed = json.loads(Catalogue(STORE, OPEN).lists["tools/list"][version])
    validate_server_result("tools/list", version, listed)
    for tool in listed["tools"]:
        wanted = {"name", "description", "inputSchema"}
        if version >= "2025-03-26":
            wanted |= {"annotations"}
            assert tool["annotations"].keys() == HINTS
        if version >= "2025-06-18":
            wanted |= {"title", "outputSchema"}
            assert tool["outputSchema"]["type"] == "object"
            jsonschema.Draft202012Validator.check_schema(tool["outputSchema"])
        assert tool.keys() == wanted
        assert tool["inputSchema"]["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
    envelope = {key for key in listed if key != "tools"}
    assert envelope == ({"resultType", "ttlMs", "cacheScope", "_meta"} if version in MODERN else set())


@pytest.mark.proves("tools.only-open")
def test_only_open_phases_are_in_a_list() -> None:
    assert {tool.name for tool in roadmap("p1_browse").open_tools()} == {
        "search_products",
        "get_product",
        "list_categories",
        "get_category",
    }


class Buyer:
    """Calls tools over one version, and checks each result against the schemas that were listed for it."""

    def __init__(self, version: str, shelf: Shelf | None = None) -> None:
        self.version = version
        self.shelf = shelf or Shelf()
        self.endpoint = endpoint(shelf=self.shelf)
        self.schemas = {tool.name: tool.output_schema for tool in OPEN.open_tools()}
        self.used: set[str] = set()

    async def call(self, tool: str, **arguments: Any) -> Json:
        params = {"name": tool, "arguments": arguments}
        called = await result(self.endpoint, "tools/call", self.version, params)
        self.used.add(tool)
        assert [block["type"] for block in called["content"]] == ["text"]
        assert ("structuredContent" in called) is (self.version >= "2025-06-18" and not called["isError"])
        assert ("resultType" in called) is (self.version in MODERN)
        assert called.get("_meta") == ({META + "serverInfo": SERVER} if self.version in MODERN else None)
        assert called.keys().isdisjoint({"ttlMs", "cacheScope"})
        if not called["isError"]:
            jsonschema.validate(value(called), self.schemas[tool], jsonschema.Draft202012Validator)
        assert "secret" not in json.dumps(called)
        return called


@pytest.mark.proves("results.structured")
@pytest.mark.parametrize("version", VERSIONS)
async def test_every_tool_keeps_the_promise_of_its_output_schema(version: str) -> None:
    buyer = Buyer(version)
    for query in ({}, {"query": "paddle", "category": "pickleball/paddles"}, {"page_size": 1}):
        found = value(await buyer.call("search_products", **query))
        assert found["products"]
    for sku in ("PAD-2", "SHIRT", "JAR-1", "NET-0"):
        value(await buyer.call("get_product", sku=sku, detail="full"))
    value(await buyer.call("list_categories"))
    value(await buyer.call("get_category", category="pickleball"))
    cart = value(await buyer.call("create_cart"))["cart_id"]
    refused = await buyer.call("add_to_cart", cart_id=cart, sku="SHIRT")
    assert "SHIRT-S" in refused["content"][0]["text"]
    value(await buyer.call("add_to_cart", cart_id=cart, sku="SHIRT-S", quantity=2))
    added = value(await buyer.call("add_to_cart", cart_id=cart, sku="JAR-1", options={"7": "ADA", "Lid": "Gold"}))
    jar = added["lines"][1]["line_id"]
    value(await buyer.call("update_cart_item", cart_id=cart, line_id=jar, quantity=2))
    cheaper = value(await buyer.call("apply_coupon", cart_id=cart, code="TEN"))
    assert cheaper["totals"]["discount"] == {"minor": 1150, "currency": "AUD"}
    value(await buyer.call("get_shipping_methods", cart_id=cart, address=AU))
    value(await buyer.call("remove_coupon", cart_id=cart))
    value(await buyer.call("remove_from_cart", cart_id=cart, line_id=jar))
    assert value(await buyer.call("view_cart", cart_id=cart))["totals"]["total"] == {"minor": 9000, "currency": "AUD"}
    buyer.shelf.forget()
    again = value(await buyer.call("add_to_cart", cart_id=cart, sku="PAD-2"))
    assert again["lost_lines"] == [{"sku": "SHIRT-S", "quantity": 2, "options": {}}]
    assert buyer.used == {tool.name for tool in OPEN.open_tools()}


@pytest.mark.proves("errors.arguments", "errors.business")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_refusal_is_a_result_that_the_model_can_read(version: str) -> None:
    buyer = Buyer(version)
    wrong = await buyer.call("search_products", page_size=99)
    assert wrong["isError"] is True
    assert wrong["content"] == [{"type": "text", "text": "page_size: wanted integer <= 50, got 99"}]
    cart = value(await buyer.call("create_cart"))["cart_id"]
    needed = await buyer.call("add_to_cart", cart_id=cart, sku="SHIRT")
    sentence, choices = needed["content"][0]["text"].split("\n")
    assert "comes in variants" in sentence
    assert [variant["sku"] for variant in json.loads(choices)["variants"]] == ["SHIRT-S", "SHIRT-L"]
    buyer.shelf.down = ShopBusy(retry_after=9, internal="429 from /api")
    busy = await buyer.call("view_cart", cart_id=cart)
    assert busy["content"][0]["text"] == "The shop is busy. Try again in 9 seconds."


@pytest.mark.proves("errors.internal")
@pytest.mark.parametrize(("version", "status"), [("2025-11-25", 200), (NEWEST, 200)])
async def test_a_fault_of_ours_is_an_internal_error_that_leaks_nothing(
    version: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf()
    shelf.down = RuntimeError("password=hunter2")
    body, sent = asked("tools/call", version, {"name": "create_cart", "arguments": {}})
    found, told = await error(endpoint(shelf=shelf), body, sent)
    assert (found, told["error"]["code"], told["id"]) == (status, -32603, 1)
    assert "hunter2" not in json.dumps(told)
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_a_value_that_no_json_can_hold_is_an_internal_error_too(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    (first, *rest) = Shelf().products
    shelf = Shelf([replace(first, name="half a pair: \ud800"), *rest])
    body, sent = asked("tools/call", version, {"name": "get_product", "arguments": {"sku": "PAD-2"}})
    with caplog.at_level(logging.ERROR):
        status, told = await error(endpoint(shelf=shelf), body, sent)
    assert (status, told["error"]["code"], told["id"]) == (200, -32603, 1)
    assert "tools/call failed" in caplog.text


async def test_requests_keep_the_roadmap_they_began_with() -> None:
    before, after = endpoint(roadmap("p1_browse")), endpoint(OPEN)
    names = [{tool["name"] for tool in (await result(one, "tools/list", NEWEST))["tools"]} for one in (before, after)]
    assert names[0] < names[1]


async def test_a_stores_own_version_is_what_its_server_says() -> None:
    shop = shop_on(Shelf(), replace(STORE, version="0.1.0-stub"))
    told = await result(Endpoint(line_for(shop, b"a key"), Catalogue(shop.store, OPEN)), "server/discover", NEWEST)
    assert told["_meta"][META + "serverInfo"]["version"] == "0.1.0-stub"


@pytest.mark.proves("instructions.true-and-short")
@pytest.mark.parametrize(
    ("open_phases", "says", "silent"),
    [
        ((), ["Orders cannot be placed"], ["search_products", "create_cart"]),
        (("p1_browse",), ["search_products"], ["create_cart"]),
        (("p1_browse", "p2_cart"), ["search_products", "create_cart", "Orders cannot be placed"], []),
    ],
)
def test_instructions_name_only_what_is_open_in_few_words(
    open_phases: tuple[str, ...], says: list[str], silent: list[str]
) -> None:
    text = instructions(STORE, roadmap(*open_phases))
    assert all(word in text for word in says)
    assert not any(word in text for word in silent)
    assert len(text.split()) < 150


@pytest.mark.parametrize(("currency", "major"), [("AUD", "279.00"), ("JPY", "27900"), ("KWD", "27.900")])
def test_instructions_explain_minor_units_in_the_stores_own_currency(currency: str, major: str) -> None:
    text = instructions(replace(STORE, currency=currency, tagline="Dill or no deal."), OPEN)
    assert f'{{"minor":27900,"currency":"{currency}"}} is {major}.' in text
    assert text.startswith("Pickle Warehouse: Dill or no deal.")


def test_instructions_stop_excusing_themselves_once_orders_can_be_placed() -> None:
    text = instructions(STORE, roadmap("p1_browse", "p2_cart", "p3_checkout"))
    assert "Orders cannot be placed" not in text
    assert "the buyer pays" in text
    assert len(text.split()) < 150


@pytest.mark.parametrize("version", HANDSHAKE)
@pytest.mark.parametrize(
    ("icon", "shown"),
    [
        (None, None),
        ("https://pickle.example/icon.png", [{"src": "https://pickle.example/icon.png", "mimeType": "image/png"}]),
        ("https://pickle.example/a.ico", [{"src": "https://pickle.example/a.ico", "mimeType": "image/x-icon"}]),
        ("https://pickle.example/icon", [{"src": "https://pickle.example/icon"}]),
    ],
)
async def test_a_stores_icon_stands_beside_its_name_where_the_version_has_icons(
    version: str, icon: str | None, shown: Any
) -> None:
    shop = shop_on(Shelf(), replace(STORE, icon=icon))
    to = Endpoint(line_for(shop, b"a key"), Catalogue(shop.store, OPEN))
    hello = await result(to, "initialize", version, {"protocolVersion": version, "capabilities": {}, "clientInfo": {}})
    assert hello["serverInfo"].get("icons") == (shown if version == "2025-11-25" else None)


@given(st.dictionaries(st.text(), st.lists(st.text() | st.integers(-(2**53), 2**53) | st.none() | st.booleans())))
def test_the_text_of_a_result_is_its_value_whatever_characters_it_holds(held: dict[str, list[Any]]) -> None:
    told = json.loads(tool_result(held, OFFERED, b"{}"))

    assert told["structuredContent"] == held
    assert json.loads(told["content"][0]["text"]) == held
