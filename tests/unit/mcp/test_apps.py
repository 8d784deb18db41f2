"""Widgets for clients that declare MCP Apps, and not a byte for any other."""

import json
from typing import Any

import pytest
from mcp_types.methods import validate_server_result

from storefront_mcp.access.caller import GUEST
from storefront_mcp.cards.widgets import WIDGETS
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.apps import SESSION_HEADER, WIDGET_TYPE
from storefront_mcp.mcp.dispatch import EndpointContext, endpoint_context, publish_list_changes
from storefront_mcp.mcp.endpoint import EndpointResponse, JsonRpcEndpoint
from storefront_mcp.mcp.message import read_message
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.sse_session import SseClientSession
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.widget import APPS_EXTENSION
from tests.fakes.memory_backend import OPEN, MemoryBackend, roadmap, shop_on
from tests.unit.mcp.requests import HANDSHAKE, META, MODERN, NEWEST, VERSIONS, Headers, Json, asked

APPS = {"extensions": {APPS_EXTENSION: {"mimeTypes": [WIDGET_TYPE]}}}
WITH_META = [version for version in VERSIONS if version >= "2025-06-18"]
LISTS = ["tools/list", "resources/list", "resources/templates/list", "prompts/list"]
UNDECLARED = [
    {},
    {"extensions": {}},
    {"extensions": None},
    {"extensions": []},
    {"extensions": {APPS_EXTENSION: {}}},
    {"extensions": {APPS_EXTENSION: None}},
    {"extensions": {APPS_EXTENSION: {"mimeTypes": ["text/html"]}}},
    {"extensions": {APPS_EXTENSION: {"mimeTypes": WIDGET_TYPE}}},
    {"extensions": {APPS_EXTENSION: {"mimeTypes": [1]}}},
]


@pytest.fixture
def shop() -> Shop:
    return shop_on(MemoryBackend())


def serving(shop: Shop, under: Roadmap = OPEN, widgets: Any = WIDGETS) -> JsonRpcEndpoint:
    return JsonRpcEndpoint(endpoint_context(shop, b"a key"), PreparedResponses(shop.store, under, widgets))


async def posted(to: JsonRpcEndpoint, body: Json, sent: Headers) -> EndpointResponse:
    answer = await to.post(RequestOrigin(headers=sent), json.dumps(body).encode(), GUEST)
    assert isinstance(answer, EndpointResponse)
    return answer


async def opened(to: JsonRpcEndpoint, version: str, capabilities: Any) -> EndpointResponse:
    hello = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "host", "version": "1"}}
    return await posted(to, *asked("initialize", version, hello))


class Host:
    """A client of a version that declares these capabilities, as the version has it done."""

    def __init__(self, to: JsonRpcEndpoint, version: str, capabilities: Any = APPS) -> None:
        self.to, self.version, self.capabilities = to, version, capabilities

    async def raw(self, method: str, params: Json | None = None) -> EndpointResponse:
        body, sent = asked(method, self.version, params)
        if self.version in MODERN:
            body["params"]["_meta"][META + "clientCapabilities"] = self.capabilities
        elif (session := (await opened(self.to, self.version, self.capabilities)).session_id) is not None:
            sent = [*sent, (SESSION_HEADER, session.encode())]
        return await posted(self.to, body, sent)

    async def result(self, method: str, params: Json | None = None) -> Json:
        told: Json = json.loads((await self.raw(method, params)).body)["result"]
        validate_server_result(method, self.version, told)
        return told


@pytest.mark.parametrize("version", WITH_META)
async def test_a_host_finds_a_widget_on_its_tools_and_reads_it(shop: Shop, version: str) -> None:
    host = Host(serving(shop), version)
    tools = {tool["name"]: tool.get("_meta", {}) for tool in (await host.result("tools/list"))["tools"]}
    listed = {one["uri"]: one for one in (await host.result("resources/list"))["resources"]}
    carrying = {tool: meta for tool, meta in tools.items() if meta}
    assert carrying.keys() == OPEN.widgets.keys()
    for meta in carrying.values():
        uri = meta["ui"]["resourceUri"]
        assert meta["ui"]["visibility"] == ["model", "app"]
        assert meta["ui/resourceUri"] == meta["openai/outputTemplate"] == uri
        assert meta["openai/widgetAccessible"] is True
        assert len(meta["openai/toolInvocation/invoking"]) <= 64
        (content,) = (await host.result("resources/read", {"uri": uri}))["contents"]
        assert content["uri"] == uri
        assert content["mimeType"] == listed[uri]["mimeType"] == WIDGET_TYPE
        assert content["_meta"] == listed[uri]["_meta"]
        assert content["text"].startswith("<!doctype html>")


@pytest.mark.parametrize("version", WITH_META)
async def test_a_widget_may_reach_nothing_and_open_the_stores_pages(shop: Shop, version: str) -> None:
    for entry in (await Host(serving(shop), version).result("resources/list"))["resources"]:
        if entry["uri"].startswith("ui://"):
            ui, own = entry["_meta"]["ui"], entry["_meta"]["openai/widgetCSP"]
            assert set(map(tuple, ui["csp"].values())) == {()}
            assert ui["permissions"] == {}
            assert ui["linkTrustedDomains"] == own["redirect_domains"] == [shop.store.origin]
            assert {name: value for name, value in own.items() if value} == {"redirect_domains": [shop.store.origin]}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("capabilities", UNDECLARED, ids=json.dumps)
async def test_who_does_not_declare_it_is_answered_as_if_there_were_no_widgets(
    shop: Shop, version: str, capabilities: Any
) -> None:
    with_them, without = (Host(serving(shop, OPEN, has), version, capabilities) for has in (WIDGETS, ()))
    for method in LISTS:
        assert await with_them.raw(method) == await without.raw(method)
    if version in MODERN:
        assert await with_them.raw("server/discover") == await without.raw("server/discover")
    else:
        assert await opened(with_them.to, version, capabilities) == await opened(without.to, version, capabilities)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_store_without_widgets_answers_a_host_like_anybody(shop: Shop, version: str) -> None:
    host, other = Host(serving(shop, OPEN, ()), version), Host(serving(shop, OPEN, ()), version, {})
    for method in LISTS:
        assert await host.raw(method) == await other.raw(method)


@pytest.mark.parametrize("version", [version for version in VERSIONS if version not in WITH_META])
async def test_a_version_whose_tools_have_no_metadata_has_no_widgets(shop: Shop, version: str) -> None:
    host, other = (Host(serving(shop), version, declared) for declared in (APPS, {}))
    assert (await opened(host.to, version, APPS)) == await opened(other.to, version, {})
    for method in LISTS:
        assert await host.raw(method) == await other.raw(method)
    uri = next(iter(serving(shop).prepared.open_widgets.addresses.values()))
    assert "error" in json.loads((await host.raw("resources/read", {"uri": uri})).body)


@pytest.mark.parametrize("version", WITH_META)
async def test_results_are_the_same_for_a_host(shop: Shop, version: str) -> None:
    host, other = (Host(serving(shop), version, declared) for declared in (APPS, {}))
    call = {"name": "search_products", "arguments": {"query": "paddle"}}
    assert await host.raw("tools/call", call) == await other.raw("tools/call", call)


@pytest.mark.parametrize("version", WITH_META)
async def test_the_server_declares_the_extension_to_who_declares_it(shop: Shop, version: str) -> None:
    to = serving(shop)
    if version in MODERN:
        told = await Host(to, version).result("server/discover")
        assert told["cacheScope"] == "private"
    else:
        answer = await opened(to, version, APPS)
        assert answer.session_id is not None
        assert answer.session_id.isascii()
        assert answer.session_id != (await opened(to, version, APPS)).session_id
        told = json.loads(answer.body)["result"]
    assert told["capabilities"]["extensions"] == {APPS_EXTENSION: {}}


async def test_a_list_with_widgets_is_kept_for_its_client_alone(shop: Shop) -> None:
    to = serving(shop)
    assert (await Host(to, NEWEST).result("tools/list"))["cacheScope"] == "private"
    assert (await Host(to, NEWEST, {}).result("tools/list"))["cacheScope"] == "public"
    uri = to.prepared.open_widgets.addresses["cart"]
    assert (await Host(to, NEWEST).result("resources/read", {"uri": uri}))["cacheScope"] == "public"


async def test_a_session_of_somebody_else_opens_nothing(shop: Shop) -> None:
    to = serving(shop)
    body, sent = asked("tools/list", HANDSHAKE[-1])
    plain = await posted(to, body, sent)
    assert await posted(to, body, [*sent, (SESSION_HEADER, b"3fa85f64-apps-")]) == plain


@pytest.mark.parametrize("version", WITH_META)
async def test_widgets_come_and_go_with_the_phase_of_their_tools(shop: Shop, version: str) -> None:
    closed = serving(shop, roadmap("p1_browse"))
    uri = serving(shop).prepared.open_widgets.addresses["cart"]
    host = Host(closed, version)
    assert not any(meta["name"] == "cart_widget" for meta in (await host.result("resources/list"))["resources"])
    assert "error" in json.loads((await host.raw("resources/read", {"uri": uri})).body)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("ui://{store}/cart.html", True),
        ("ui://{store}/cart.00000000.html", True),
        ("ui://{store}/cart.{long}.html", False),
        ("ui://{store}/wallet.html", False),
        ("ui://{store}/cart", False),
        ("ui://other/cart.html", False),
        ("ui://{store}/../cart.html", False),
    ],
)
async def test_an_address_that_a_widget_had_before_is_answered_still(shop: Shop, address: str, *, found: bool) -> None:
    uri = address.format(store=shop.store.id, long="0" * 65)
    told = json.loads((await Host(serving(shop), NEWEST).raw("resources/read", {"uri": uri})).body)
    assert ("result" in told) is found
    if found:
        assert told["result"]["contents"][0]["uri"] == uri


async def test_the_older_transport_remembers_what_its_client_declared(shop: Shop) -> None:
    for capabilities, shown in ((APPS, True), ({}, False)):
        session, told = SseClientSession(), list[bytes]()
        hello = {"protocolVersion": HANDSHAKE[-1], "capabilities": capabilities, "clientInfo": {}}
        for method, params in (("initialize", hello), ("tools/list", {}), ("ping", {})):
            message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            await session.answer_message(
                read_message(json.dumps(message).encode()), serving(shop), GUEST, told.append, RequestOrigin()
            )
        assert (b"ui://" in told[1]) is shown
        assert (APPS_EXTENSION.encode() in told[0]) is shown


async def test_a_host_that_listens_hears_of_widgets_that_come(shop: Shop) -> None:
    """The cart has no resources but its widget: for a host they change with it, for all others they do not."""
    shared: EndpointContext = endpoint_context(shop, b"a key")
    before, after = (
        PreparedResponses(shop.store, roadmap(*names), WIDGETS) for names in (["p1_browse"], ["p1_browse", "p2_cart"])
    )
    kinds = {}
    for shows in (True, False):
        listener = shared.subscriptions.join(
            1,
            ["resourcesListChanged"],
            names=(before.with_widgets if shows else before).contents,
            shows_widgets=shows,
        )
        assert listener is not None
        kinds[shows] = listener
    publish_list_changes(lambda _: after, shared)
    assert {shows: listener.queue.qsize() for shows, listener in kinds.items()} == {True: 1, False: 0}
