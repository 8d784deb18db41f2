"""One client on the older transport: what it hears, in which version, and what it does not hear."""

import json
from typing import Any

import pytest
from mcp_types.methods import validate_server_result

from storefront_mcp.access.caller import GUEST
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.jsonrpc import JsonRpcError
from storefront_mcp.mcp.message import read_message
from storefront_mcp.mcp.sse_session import SseClientSession
from tests.unit.mcp.environment import check_note
from tests.unit.mcp.requests import HANDSHAKE, NEWEST, Json, check_error, claim, endpoint, message
from tests.unit.mcp.test_tool_context import SERVED


class Line:
    """A conversant with somebody to talk to."""

    def __init__(self, to: JsonRpcEndpoint | None = None) -> None:
        self._to = to or endpoint()
        self.conversant = SseClientSession()

    async def say(self, body: Any) -> list[Json]:
        pushed: list[bytes] = []
        read = read_message(json.dumps(body).encode())
        await self.conversant.answer_message(read, self._to, GUEST, pushed.append, RequestOrigin())
        return [json.loads(one) for one in pushed]

    async def shake(self, version: str) -> Json:
        hello = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        (told,) = await self.say(message("initialize", hello))
        return told


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_the_version_that_was_agreed_on_is_remembered(version: str) -> None:
    line = Line()
    welcome = (await line.shake(version))["result"]
    validate_server_result("initialize", version, welcome)
    assert welcome["protocolVersion"] == version
    (told,) = await line.say(message("tools/list"))
    validate_server_result("tools/list", version, told["result"])
    assert ("title" in told["result"]["tools"][0]) is (version >= "2025-06-18")


@pytest.mark.parametrize("asked_for", [NEWEST, "2099-01-01", "banana", ""])
async def test_an_unknown_version_is_countered_and_then_spoken(asked_for: str) -> None:
    line = Line()
    assert (await line.shake(asked_for))["result"]["protocolVersion"] == "2025-11-25"
    assert line.conversant.version.id == "2025-11-25"


@pytest.mark.parametrize("params", [None, {}, {"protocolVersion": 5}])
async def test_a_handshake_without_a_version_is_refused(params: Any) -> None:
    (told,) = await Line().say(message("initialize", params))
    check_error(told)
    assert told["error"]["code"] == -32602


@pytest.mark.parametrize(
    "body",
    [
        message("server/discover", {"_meta": claim()}),
        message("server/discover", {}),
        message("server/discover"),
        message("tools/list", {"_meta": claim()}),
        message("initialize", {"protocolVersion": NEWEST, "_meta": claim()}),
        message("no/such/method"),
        message("subscriptions/listen", {"notifications": {}}),
    ],
)
async def test_the_modern_form_is_not_spoken_here_and_that_is_said_at_once(body: Json) -> None:
    line = Line()
    (told,) = await line.say(body)
    check_error(told)
    assert (told["error"]["code"], told["id"]) == (-32601, body["id"])
    assert (await line.shake("2024-11-05"))["result"]["protocolVersion"] == "2024-11-05"


@pytest.mark.parametrize(
    "body",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}},
    ],
)
async def test_what_needs_no_answer_gets_none(body: Json) -> None:
    assert await Line().say(body) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"jsonrpc":"1.0"}', b'"\xff"', b'{"jsonrpc":"2.0","id":null}'])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(JsonRpcError):
        read_message(body)


async def test_progress_comes_before_its_answer() -> None:
    params = {"name": "count", "arguments": {}, "_meta": {"progressToken": "t"}}
    *notes, last = await Line(SERVED).say(message("tools/call", params, request_id="x"))
    for note in notes:
        check_note(note, "2025-11-25")
    assert [note["params"]["progress"] for note in notes] == [0, 2, 3]
    assert (last["id"], last["result"]["isError"]) == ("x", False)
