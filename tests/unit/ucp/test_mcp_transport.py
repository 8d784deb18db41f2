"""UCP over MCP: messages, lists of tools, errors with their HTTP status."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from storefront_mcp.app import create_app
from storefront_mcp.settings.demo import demo_settings
from tests.fakes.ucp_agent import PROFILE
from tests.journeys.conftest import flip

META = {"ucp-agent": {"profile": PROFILE}}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The demo with its catalogue open and its carts not."""
    settings = demo_settings(8000, state=tmp_path_factory.mktemp("state"))
    flip(settings, {"p1_browse": "active"})
    return create_app(settings)


@pytest.fixture
async def shop(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        yield client


async def post(shop: httpx.AsyncClient, message: object, path: str = "/ucp/mcp") -> httpx.Response:
    return await shop.post(path, **({"content": message} if isinstance(message, bytes) else {"json": message}))


async def test_tools_are_listed_without_a_handshake_and_take_flat_objects(shop: httpx.AsyncClient) -> None:
    params = {"arguments": {"meta": META}}
    answer = await post(shop, {"jsonrpc": "2.0", "id": "a", "method": "tools/list", "params": params})
    tools = {tool["name"]: tool for tool in answer.json()["result"]["tools"]}
    assert {"search_catalog", "lookup_catalog", "get_product"} <= set(tools)
    assert "$ref" not in answer.text
    assert tools["search_catalog"]["inputSchema"]["required"] == ["meta", "catalog"]
    assert "context" in tools["search_catalog"]["inputSchema"]["properties"]["catalog"]["properties"]


async def test_a_client_that_wants_a_handshake_gets_one(shop: httpx.AsyncClient) -> None:
    hello = await post(shop, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "x"}})
    assert hello.json()["result"]["serverInfo"]["name"] == "127.0.0.1/storefront"
    ready = await post(shop, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (ready.status_code, ready.content) == (202, b"")
    assert (await post(shop, {"jsonrpc": "2.0", "id": 2, "method": "ping"})).json()["result"] == {}


@pytest.mark.parametrize(
    ("message", "status", "code", "id_"),
    [
        (b"{", 400, -32700, None),
        (b'{"x":' + b"[" * 5000, 400, -32700, None),
        ({"jsonrpc": "2.0", "id": 3}, 400, -32600, 3),
        ({"jsonrpc": "2.0", "id": {}, "method": 1}, 400, -32600, None),
        ({"jsonrpc": "2.0", "id": 4, "method": "resources/list"}, 404, -32601, 4),
        ({"jsonrpc": "2.0", "id": 5, "method": "tools/call"}, 400, -32602, 5),
        ({"jsonrpc": "2.0", "id": 6, "method": "tools/call", "params": {"name": "drop_tables"}}, 400, -32602, 6),
        ({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": 1}}, 400, -32602, 7),
        ({"jsonrpc": "2.0", "id": 8, "method": "tools/call", "params": {"name": "get_product"}}, 400, -32001, 8),
    ],
)
async def test_an_error_has_the_status_of_its_kind(
    shop: httpx.AsyncClient, message: object, status: int, code: int, id_: object
) -> None:
    answer = await post(shop, message)
    told = answer.json()
    assert (answer.status_code, told["error"]["code"], told["id"]) == (status, code, id_)
    assert told["error"]["data"]["content"] == told["error"]["message"]


@pytest.mark.parametrize(
    ("name", "member", "beside"),
    [
        ("search_catalog", "catalog", {"query": "black tee"}),
        ("lookup_catalog", "catalog", {"ids": ["DILL"]}),
    ],
)
async def test_members_beside_their_object_are_told_where_they_belong(
    shop: httpx.AsyncClient, name: str, member: str, beside: Any
) -> None:
    params = {"name": name, "arguments": {"meta": META, **beside}}
    answer = await post(shop, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    told = answer.json()["error"]
    assert (answer.status_code, told["data"]["code"]) == (400, "invalid_input")
    assert told["message"] == f'arguments.{member} is missing: send {{"{member}": {{…}}}} around the members.'


async def test_text_that_is_not_ascii_is_the_same_in_both_forms(shop: httpx.AsyncClient) -> None:
    arguments: Any = {"meta": META, "catalog": {"id": 'Gürkchen "süß" \\ 🥒'}}
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "get_product", "arguments": arguments},
    }
    result = (await post(shop, call)).json()["result"]
    assert "🥒" in result["structuredContent"]["messages"][0]["content"]
    assert httpx.Response(200, text=result["content"][0]["text"]).json() == result["structuredContent"]


async def test_a_list_is_not_read_by_get(shop: httpx.AsyncClient) -> None:
    answer = await shop.get("/ucp/mcp")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


async def test_paths_and_methods_that_there_are_not_are_said_so(shop: httpx.AsyncClient) -> None:
    missing = await shop.post("/ucp/nothing", json={})
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_operation")
    wrong = await shop.get("/ucp/catalog/search")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert wrong.json()["messages"][0]["severity"] == "unrecoverable"
