"""Results in the dress of each version, and valid by that version's own schema."""

import json
import logging
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, strategies as st
from mcp_types.methods import validate_server_result
from msgspec.structs import replace

from storefront_mcp.commerce.errors import ShopBusy
from storefront_mcp.mcp import results
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.dispatch import endpoint_context
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.instructions import instructions
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.results import ERROR_META_KEY, LIST_TTL_MS, tool_result
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS, LATEST_HANDSHAKE_VERSION, MODERN_VERSIONS
from storefront_mcp.phases.p1_browse.search_products import SearchResult
from tests.fakes.agent import value
from tests.fakes.memory_backend import OPEN, STORE, MemoryBackend, roadmap, shop_on
from tests.unit.mcp.requests import HANDSHAKE, META, MODERN, NEWEST, VERSIONS, Json, asked, endpoint, error, result

SERVER = {"name": "example.pickle/storefront", "title": "Pickle Warehouse MCP Server", "version": "1.2.3"}
AU = {"country": "AU", "postcode": "2000"}
HINTS = {"readOnlyHint", "destructiveHint", "openWorldHint"}


@pytest.mark.proves("lifecycle.introduces")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_the_handshake_introduces_the_server(version: str) -> None:
    hello = await result(endpoint(), "initialize", version, {"protocolVersion": version})
    titled = SERVER if version >= "2025-06-18" else {key: SERVER[key] for key in ("name", "version")}
    if version >= "2025-11-25":
        titled = {**titled, "websiteUrl": STORE.website_url}
    assert hello == {
        "protocolVersion": version,
        "capabilities": capabilities(HANDSHAKE_VERSIONS[version]),
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
        "_meta": {META + "serverInfo": {**SERVER, "websiteUrl": STORE.website_url}},
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
    assert len(listed) == 16


@pytest.mark.proves("tools.schemas", "tools.hints", "tools.titles")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_tool_is_described_in_the_words_of_the_version(version: str) -> None:
    listed = json.loads(PreparedResponses(STORE, OPEN).lists["tools/list"][version])
    validate_server_result("tools/list", version, listed)
    for tool in listed["tools"]:
        wanted = {"name", "description", "inputSchema"}
        if version >= "2025-03-26":
            wanted |= {"annotations"}
            hints = tool["annotations"]
            assert hints.keys() - {"idempotentHint"} == HINTS | ({"title"} if version < "2025-06-18" else set())
            # Its default is false, and it says nothing of a tool that only reads (ToolAnnotations of the schema).
            writes = tool["name"] not in {"create_cart", "add_to_cart"} and not hints["readOnlyHint"]
            assert hints.get("idempotentHint", False) is writes
        if version >= "2025-06-18":
            wanted |= {"title"}
        assert tool.keys() == wanted
        assert tool["inputSchema"]["type"] == "object"
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
        "get_store_info",
        "get_related_products",
    }


def error_code(called: Json, meta: Json | None = None) -> str:
    """The code of an error; where it stands in `_meta`, it is taken from there."""
    meta = dict(called.get("_meta", {})) if meta is None else meta
    error = called["structuredContent"]["error"] if "structuredContent" in called else meta.pop(ERROR_META_KEY)
    if "structuredContent" in called:
        message, *detail = called["content"][0]["text"].split("\n")
        assert error["message"] == message
        assert [json.loads(line) for line in detail] == [error[key] for key in error if key == "detail"]
    assert error.keys() <= {"code", "message", "detail"}
    return str(error["code"])


class Buyer:
    """Calls tools over one version, and checks each result's form."""

    def __init__(self, version: str, memory_backend: MemoryBackend | None = None) -> None:
        self.version = version
        self.memory_backend = memory_backend or MemoryBackend()
        self.endpoint = endpoint(memory_backend=self.memory_backend)
        self.used: set[str] = set()

    async def call(self, tool: str, **arguments: Any) -> Json:
        params = {"name": tool, "arguments": arguments}
        called = await result(self.endpoint, "tools/call", self.version, params)
        self.used.add(tool)
        assert [block["type"] for block in called["content"]] == ["text"]
        assert ("structuredContent" in called) is (self.version >= "2025-06-18")
        assert ("resultType" in called) is (self.version in MODERN)
        meta = dict(called.get("_meta", {}))
        if called["isError"]:
            assert error_code(called, meta)
        assert meta == ({META + "serverInfo": SERVER} if self.version in MODERN else {})
        assert called.keys().isdisjoint({"ttlMs", "cacheScope"})
        if not called["isError"]:
            assert value(called)
        assert "secret" not in json.dumps(called)
        return called


@pytest.mark.proves("results.structured")
@pytest.mark.parametrize("version", VERSIONS)
async def test_every_tool_returns_the_same_as_text_and_structured(version: str) -> None:
    buyer = Buyer(version)
    for query in ({}, {"query": "paddle", "category": "pickleball/paddles"}, {"page_size": 1}):
        found = value(await buyer.call("search_products", **query))
        assert found["products"]
    for sku in ("PAD-2", "SHIRT", "JAR-1", "NET-0"):
        value(await buyer.call("get_product", sku=sku, detail="full"))
    value(await buyer.call("get_related_products", sku="PAD-2"))
    value(await buyer.call("list_categories"))
    value(await buyer.call("get_category", category="pickleball"))
    value(await buyer.call("get_store_info"))
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
    paid = value(await buyer.call("apply_gift_card", cart_id=cart, code="GC-MEMORY-5"))
    assert paid["gift_cards"] == [{"code": "…Y-5", "amount": {"minor": 500, "currency": "AUD"}}]
    value(await buyer.call("remove_gift_card", cart_id=cart, code="…Y-5"))
    value(await buyer.call("remove_from_cart", cart_id=cart, line_id=jar))
    assert value(await buyer.call("view_cart", cart_id=cart))["totals"]["total"] == {"minor": 9000, "currency": "AUD"}
    buyer.memory_backend.forget()
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
    buyer.memory_backend.down = ShopBusy(retry_after=9, internal="429 from /api")
    busy = await buyer.call("view_cart", cart_id=cart)
    assert busy["content"][0]["text"] == "The shop is busy. Try again in 9 seconds."
    assert [error_code(told) for told in (wrong, needed, busy)] == [
        "invalid_arguments",
        "variant_required",
        "shop_busy",
    ]


@pytest.mark.proves("errors.internal")
@pytest.mark.parametrize(("version", "status"), [("2025-11-25", 200), (NEWEST, 200)])
async def test_a_fault_of_ours_is_an_internal_error_that_leaks_nothing(
    version: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    memory_backend = MemoryBackend()
    memory_backend.down = RuntimeError("the shop at hunter2 broke")
    body, sent = asked("tools/call", version, {"name": "create_cart", "arguments": {}})
    found, told = await error(endpoint(memory_backend=memory_backend), body, sent)
    assert (found, told["error"]["code"], told["id"]) == (status, -32603, 1)
    assert "hunter2" not in json.dumps(told)
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_a_value_that_no_json_can_hold_is_an_internal_error_too(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    (first, *rest) = MemoryBackend().products
    memory_backend = MemoryBackend([replace(first, name="half a pair: \ud800"), *rest])
    body, sent = asked("tools/call", version, {"name": "get_product", "arguments": {"sku": "PAD-2"}})
    with caplog.at_level(logging.ERROR):
        status, told = await error(endpoint(memory_backend=memory_backend), body, sent)
    assert (status, told["error"]["code"], told["id"]) == (200, -32603, 1)
    assert "tools/call failed" in caplog.text


async def test_requests_keep_the_roadmap_they_began_with() -> None:
    before, after = endpoint(roadmap("p1_browse")), endpoint(OPEN)
    names = [{tool["name"] for tool in (await result(one, "tools/list", NEWEST))["tools"]} for one in (before, after)]
    assert names[0] < names[1]


async def test_a_stores_own_version_is_what_its_server_says() -> None:
    shop = shop_on(MemoryBackend(), replace(STORE, version="0.1.0-stub"))
    told = await result(
        JsonRpcEndpoint(endpoint_context(shop, b"a key"), PreparedResponses(shop.store, OPEN)),
        "server/discover",
        NEWEST,
    )
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
    shop = shop_on(MemoryBackend(), replace(STORE, icon=icon))
    to = JsonRpcEndpoint(endpoint_context(shop, b"a key"), PreparedResponses(shop.store, OPEN))
    hello = await result(to, "initialize", version, {"protocolVersion": version, "capabilities": {}, "clientInfo": {}})
    assert hello["serverInfo"].get("icons") == (shown if version == "2025-11-25" else None)


@given(st.dictionaries(st.text(), st.lists(st.text() | st.integers(-(2**53), 2**53) | st.none() | st.booleans())))
def test_the_text_of_a_result_is_its_value_whatever_characters_it_holds(held: dict[str, list[Any]]) -> None:
    told = json.loads(tool_result(held, LATEST_HANDSHAKE_VERSION, b"{}"))

    assert told["structuredContent"] == held
    assert json.loads(told["content"][0]["text"]) == held


def test_a_result_that_is_sent_again_is_not_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[object] = []

    class Counting:
        def encode(self, value: Any) -> bytes:
            encoded.append(value)
            return msgspec.json.encode(value)

    monkeypatch.setattr(results, "_ENCODER", Counting())
    found = SearchResult(products=(), total=0)
    ways = [(one, said) for one in (*HANDSHAKE_VERSIONS.values(), *MODERN_VERSIONS.values()) for said in ("", "Note.")]
    told = [tool_result(found, version, b"{}", notice) for version, notice in ways]

    assert sum(value is found for value in encoded) == 1
    assert told == [tool_result(replace(found), version, b"{}", notice) for version, notice in ways]
    changed = json.loads(tool_result(replace(found, total=1), LATEST_HANDSHAKE_VERSION, b"{}"))
    assert changed["structuredContent"]["total"] == 1


@pytest.mark.parametrize(
    ("added", "named"),
    [
        ({"wait_for_previous": True}, "wait_for_previous"),
        ({"toolCallId": "1", "sessionId": "2", "chatInput": None}, "chatInput, sessionId, toolCallId"),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
async def test_what_client_programs_add_to_arguments_is_ignored_with_a_notice(
    version: str, as_text: bool, added: Json, named: str
) -> None:
    sent = {"query": "paddle", **added}
    plain = await result(
        endpoint(), "tools/call", version, {"name": "search_products", "arguments": {"query": "paddle"}}
    )
    told = await result(
        endpoint(),
        "tools/call",
        version,
        {"name": "search_products", "arguments": json.dumps(sent) if as_text else sent},
    )
    *same, notice = told.pop("content")
    assert same == plain.pop("content")
    assert told == plain
    assert notice == {"type": "text", "text": f"Ignored, as search_products has no such argument: {named}."}


async def test_words_of_client_programs_within_a_text_are_no_arguments() -> None:
    told = await result(
        endpoint(), "tools/call", NEWEST, {"name": "search_products", "arguments": {"query": "sessionId, toolCallId"}}
    )
    assert len(told["content"]) == 1
