"""Ask an endpoint as a client of any version would, and check every answer against that version's own schema."""

import json
from typing import Any

import mcp_types._v2025_11_25 as handshake_schema
import mcp_types._v2026_07_28 as modern_schema
from mcp_types.methods import validate_server_result

from storefront_mcp.access.caller import GUEST
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.dispatch import endpoint_context
from storefront_mcp.mcp.endpoint import EndpointResponse, JsonRpcEndpoint
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.fakes.agent import HANDSHAKE, META, MODERN, VERSIONS
from tests.fakes.memory_backend import OPEN, MemoryBackend, shop_on

__all__ = ["HANDSHAKE", "META", "MODERN", "VERSIONS"]

Json = dict[str, Any]
Headers = list[tuple[bytes, bytes]]
NEWEST = MODERN[-1]
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def endpoint(under: Roadmap = OPEN, memory_backend: MemoryBackend | None = None) -> JsonRpcEndpoint:
    shop = shop_on(memory_backend or MemoryBackend())
    return JsonRpcEndpoint(endpoint_context(shop, b"a key of the tests"), PreparedResponses(shop.store, under))


def message(method: str, params: Any = None, *, request_id: Any = 1) -> Json:
    """A request; without params when there are none."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method} | ({} if params is None else {"params": params})


def claim(version: str = NEWEST, **more: Any) -> Json:
    """What a modern request says about itself."""
    return {META + "protocolVersion": version, META + "clientCapabilities": {}, **more}


def asked(method: str, version: str, params: Json | None = None, *, request_id: Any = 1) -> tuple[Json, Headers]:
    """A request with the headers that go with it, as a good client of the version sends them."""
    if version not in MODERN:
        named = version >= "2025-06-18" and method != "initialize"
        return message(method, params, request_id=request_id), headers(version=version if named else None)
    sent = message(method, {**(params or {}), "_meta": claim(version)}, request_id=request_id)
    subject = (params or {}).get(NAMED.get(method, ""))
    return sent, headers(version=version, method=method, name=subject if isinstance(subject, str) else None)


def headers(**fields: str | None) -> Headers:
    """Routing headers as ASGI has them: `version`, `method`, `name`."""
    names = {"version": b"mcp-protocol-version", "method": b"mcp-method", "name": b"mcp-name"}
    return [(names[field], value.encode()) for field, value in fields.items() if value is not None]


async def post(to: JsonRpcEndpoint, body: Any, sent: Headers = []) -> EndpointResponse:  # noqa: B006 -- never changed
    """Post anything: bytes as they are, other values as JSON."""
    answer = await to.post(
        RequestOrigin(headers=sent), body if isinstance(body, bytes) else json.dumps(body).encode(), GUEST
    )
    assert isinstance(answer, EndpointResponse), "a stream"
    return answer


async def result(to: JsonRpcEndpoint, method: str, version: str, params: Json | None = None) -> Json:
    """The result of a request that must succeed, valid for its version."""
    body, sent = asked(method, version, params, request_id="r-1")
    answer = await post(to, body, sent)
    assert answer.status == 200
    told = json.loads(answer.body)
    assert "error" not in told, told
    assert told.keys() == {"jsonrpc", "id", "result"}
    assert (told["jsonrpc"], told["id"]) == ("2.0", "r-1")
    validate_server_result(method, version, told["result"])
    value: Json = told["result"]
    return value


async def error(to: JsonRpcEndpoint, body: Any, sent: Headers) -> tuple[int, Json]:
    """HTTP status and the whole answer of a request that must fail, valid for both eras."""
    answer = await post(to, body, sent)
    told = json.loads(answer.body)
    check_error(told)
    return answer.status, told


def check_error(told: Json) -> None:
    """An error answer has the form that both schemas give it; an id that could not be read is left out."""
    handshake_schema.JSONRPCErrorResponse.model_validate(told)
    modern_schema.JSONRPCErrorResponse.model_validate(told)
    assert told.keys() <= {"jsonrpc", "id", "error"}
    assert told.keys() >= {"jsonrpc", "error"}
    assert told.get("id", 0) is not None
    assert not isinstance(told.get("id", 0), bool | float)
    assert told["error"].keys() <= {"code", "message", "data"}
    assert 0 < len(told["error"]["message"]) < 300
    assert "Traceback" not in told["error"]["message"]
    if told["error"]["code"] == -32022:
        modern_schema.UnsupportedProtocolVersionError.model_validate(told)
    if told["error"]["code"] == -32020:
        modern_schema.HeaderMismatchError.model_validate(told)
