"""What clients send, in both bindings and versions: envelopes, versions, refusals, and what no client should send."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from storefront_mcp.a2a.http_json import MEDIA_TYPE
from storefront_mcp.a2a.versions import V03, V1
from storefront_mcp.access.rate_limits import RateLimit
from tests.fakes.a2a_agent import A2aRefusal
from tests.fakes.memory_backend import roadmap
from tests.unit.a2a.environment import InMemoryStore
from tests.unit.calls.test_policy import Record, furnished

Json = dict[str, Any]
MESSAGE: Json = {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": "search jar"}]}
OLDER: Json = {"kind": "message", "messageId": "m-1", "role": "user", "parts": [{"kind": "text", "text": "search jar"}]}
V1_HEADER = {"a2a-version": "1.0"}


@pytest.fixture
def store() -> InMemoryStore:
    return InMemoryStore()


async def rpc(store: InMemoryStore, body: Any, version: str | None = "1.0") -> Any:
    """What is answered to a body of JSON-RPC."""
    async with store.agent("0.3 JSON-RPC") as agent:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if version is None else {"a2a-version": version}
        response = await agent.client.post(agent.url, content=content, headers=headers)
        assert response.status_code == 200
        return response.json()


def asked(method: str, params: Any = None, **more: Any) -> Json:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **more}


def sent(**members: Any) -> Json:
    return asked("SendMessage", {"message": {**MESSAGE, **members}})


async def http(store: InMemoryStore, method: str, path: str, body: Any = None, version: str = "1.0") -> Any:
    """What is answered over HTTP+JSON: status and body."""
    async with store.agent("0.3 JSON-RPC") as agent:
        headers = {"a2a-version": version} if version else {}
        content = b"" if body is None else json.dumps(body).encode()
        response = await agent.client.request(method, f"{agent.url}/rest{path}", content=content, headers=headers)
        assert response.headers["content-type"] == MEDIA_TYPE.decode()
        return response.status_code, response.json()


@pytest.mark.parametrize(
    ("body", "code", "id_"),
    [
        (b"{", -32700, None),
        (b"\xff", -32700, None),
        (b"[" * 50_000, -32700, None),
        (json.dumps(sent(metadata={"a": [[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]})).encode(), -32700, None),
        (b" " * 70_000, -32600, None),
        ([], -32600, None),
        ([sent()], -32600, None),
        ("text", -32600, None),
        ({}, -32600, None),
        ({"jsonrpc": "1.0", "id": 7, "method": "SendMessage"}, -32600, 7),
        ({"jsonrpc": "2.0", "method": "SendMessage"}, -32600, None),
        ({"jsonrpc": "2.0", "id": True, "method": "SendMessage"}, -32600, None),
        ({"jsonrpc": "2.0", "id": {"a": 1}, "method": "SendMessage"}, -32600, None),
        ({"jsonrpc": "2.0", "id": "x" * 300, "method": "SendMessage"}, -32600, None),
        ({"jsonrpc": "2.0", "id": "a", "method": 1}, -32600, "a"),
        ({"jsonrpc": "2.0", "id": "a", "method": ""}, -32600, "a"),
        (asked("NoMethod"), -32601, 1),
        (asked("tasks/list"), -32601, 1),
        (asked("SendMessage"), -32602, 1),
        (asked("SendMessage", []), -32602, 1),
        (asked("SendMessage", {"message": "search"}), -32602, 1),
        (asked("GetTask", {}), -32602, 1),
        (asked("GetTask", {"id": 1}), -32602, 1),
        (asked("GetTask", {"id": "x", "historyLength": -1}), -32602, 1),
        (sent(parts=[]), -32602, 1),
        (sent(parts=[{}]), -32602, 1),
        (sent(parts=[{"text": "a", "data": {}}]), -32602, 1),
        (sent(parts=[{"text": "a"}] * 17), -32602, 1),
        (sent(parts={"text": "a"}), -32602, 1),
        (sent(role="ROLE_AGENT"), -32602, 1),
        (sent(role="ROLE_UNSPECIFIED"), -32602, 1),
        (sent(messageId=""), -32602, 1),
        (sent(messageId="x" * 201), -32602, 1),
        (sent(messageId=5), -32602, 1),
        (sent(contextId="x" * 201), -32602, 1),
        (sent(contextId="nobody's"), -32602, 1),
        (sent(contextId="0c3b7f0e-6c1c-4d5e-9d7a-0f6d3f3a9f11"), -32602, 1),
        (sent(taskId="task_0"), -32001, 1),
        (sent(parts=[{"url": "https://example.com/a.png", "mediaType": "image/png"}]), -32005, 1),
        (sent(parts=[{"raw": "AA==", "mediaType": "image/png"}]), -32005, 1),
        (sent(parts=[{"text": "a", "mediaType": "image/png"}]), -32005, 1),
        (sent(parts=[{"data": {}, "mediaType": "text/plain"}]), -32005, 1),
        (asked("CancelTask", {"id": "x"}), -32001, 1),
        (asked("SendStreamingMessage", {"message": MESSAGE}), -32004, 1),
        (asked("SubscribeToTask", {"id": "x"}), -32004, 1),
        (asked("GetExtendedAgentCard"), -32004, 1),
        (asked("CreateTaskPushNotificationConfig", {}), -32003, 1),
        (asked("ListTaskPushNotificationConfigs", {}), -32003, 1),
        (
            asked("SendMessage", {"message": MESSAGE, "configuration": {"taskPushNotificationConfig": {"url": "x"}}}),
            -32003,
            1,
        ),
        (
            asked("SendMessage", {"message": MESSAGE, "configuration": {"acceptedOutputModes": ["image/png"]}}),
            -32005,
            1,
        ),
        (asked("SendMessage", {"message": MESSAGE, "configuration": {"historyLength": -1}}), -32602, 1),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_code(store: InMemoryStore, body: Any, code: int, id_: Any) -> None:
    answer = await rpc(store, body)
    assert (answer["error"]["code"], answer["id"]) == (code, id_)
    (info,) = answer["error"]["data"]
    assert info["domain"] == "a2a-protocol.org"
    assert info["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert answer["error"]["message"].endswith(".")


@pytest.mark.parametrize(
    ("method", "version", "code"),
    [
        ("SendMessage", None, -32009),
        ("SendMessage", "", -32009),
        ("SendMessage", "0.3", -32009),
        ("SendMessage", "2.0", -32009),
        ("SendMessage", "1.00", -32009),
        ("message/send", "9", -32009),
        ("message/send", None, None),
        ("message/send", "0.3.0", None),
        ("message/send", "1.0", None),
        ("SendMessage", "1.0.3", None),
        ("NoMethod", None, -32601),
    ],
)
async def test_the_version_is_told_by_header_and_method(
    store: InMemoryStore, method: str, version: str | None, code: int | None
) -> None:
    message = OLDER if "/" in method else MESSAGE
    answer = await rpc(store, asked(method, {"message": message}), version)
    assert answer.get("error", {}).get("code") == code
    if code == -32009:
        assert "1.0 and 0.3" in answer["error"]["message"]


async def test_the_version_may_stand_in_the_query(store: InMemoryStore) -> None:
    async with store.agent("0.3 JSON-RPC") as agent:
        response = await agent.client.post(f"{agent.url}?A2A-Version=1.0", json=sent())
        assert "message" in response.json()["result"]


async def test_names_in_snake_case_are_taken(store: InMemoryStore) -> None:
    parts = [{"data": {"action": "get_product", "product_id": "JAR-1"}, "media_type": "application/json"}]
    message = {"message_id": "m", "role": "ROLE_USER", "parts": parts, "context_id": None, "unknown": 1}
    wish = {"message": message, "configuration": {"accepted_output_modes": ["text/plain"]}}
    answer = await rpc(store, asked("SendMessage", wish))
    (part,) = answer["result"]["message"]["parts"]
    assert part["text"].startswith("Named pickle jar (JAR-1)")


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([{"type": "text", "text": "search jar"}], None),
        ([{"text": "search jar"}], None),
        ([{"kind": "data", "data": {"action": "search", "query": "jar"}}], None),
        ([{"kind": "data", "data": "text"}], -32602),
        ([{"kind": "text"}], -32602),
        ([{"kind": "file", "file": {"uri": "https://example.com"}}], -32005),
        (["text"], -32602),
        ("text", -32602),
    ],
)
async def test_parts_of_the_older_version(store: InMemoryStore, parts: Any, code: int | None) -> None:
    answer = await rpc(store, asked("message/send", {"message": {**OLDER, "parts": parts}}), None)
    assert answer.get("error", {}).get("code") == code
    if code is None:
        assert answer["result"]["kind"] == "message"
        assert answer["result"]["parts"][1]["data"]["result"]["products"][0]["sku"] == "JAR-1"


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("message/stream", {"message": OLDER}, -32004),
        ("tasks/resubscribe", {"id": "x"}, -32004),
        ("tasks/pushNotificationConfig/set", {}, -32003),
        ("tasks/pushNotificationConfig/list", {}, -32003),
        ("agent/getAuthenticatedExtendedCard", None, -32007),
        ("tasks/get", {"id": "x"}, -32001),
        ("tasks/cancel", {"id": "x"}, -32001),
        ("message/send", {"message": {**OLDER, "role": "agent"}}, -32602),
        ("message/send", {"message": {**OLDER, "role": 1}}, -32602),
        ("message/send", {"message": OLDER, "configuration": {"pushNotificationConfig": {"url": "x"}}}, -32003),
        ("message/send", {"message": {**OLDER, "contextId": "ctx-1"}}, -32602),
        ("message/send", {"message": {**OLDER, "contextId": "a" * 64}}, -32602),
        ("message/send", None, -32602),
    ],
)
async def test_the_older_version_is_refused_alike(store: InMemoryStore, method: str, params: Any, code: int) -> None:
    assert (await rpc(store, asked(method, params), None))["error"]["code"] == code


async def test_the_older_version_may_open_a_conversation_under_an_id_of_its_own(store: InMemoryStore) -> None:
    own = "0c3b7f0e-6c1c-4d5e-9d7a-0f6d3f3a9f11"
    add = {"kind": "data", "data": {"action": "add_to_checkout", "product_id": "PAD-2", "quantity": 1}}
    wish = {"message": {**OLDER, "contextId": own, "parts": [add]}, "configuration": {"blocking": False}}
    answer = await rpc(store, asked("message/send", wish), None)
    assert answer["result"]["contextId"] == own
    seen = {**MESSAGE, "messageId": "m-2", "contextId": own, "parts": [{"text": "cart"}]}
    answer = await rpc(store, asked("SendMessage", {"message": seen}))
    assert answer["result"]["task"]["contextId"] == own, "known here from then on"


async def test_a_task_belongs_to_its_conversation(store: InMemoryStore) -> None:
    one, other = store.agent(), store.agent()
    task = (await one.say("add PAD-2")).task_id
    await other.say("help")
    with pytest.raises(A2aRefusal, match="another conversation"):
        await other.say("cart", taskId=task)
    alone = await other.send([{"text": "cart"}], keep=False, taskId=task)
    assert alone.context == one.context


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", "/message:send", {"message": {**MESSAGE, "parts": []}}, 400, "INVALID_PARAMS"),
        ("POST", "/message:send", [], 400, "INVALID_PARAMS"),
        ("POST", "/message:stream", {"message": MESSAGE}, 400, "UNSUPPORTED_OPERATION"),
        ("GET", "/message:send", None, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/tasks/x", None, 404, "TASK_NOT_FOUND"),
        ("GET", "/tasks/x/", None, 404, "TASK_NOT_FOUND"),
        ("POST", "/tasks/x", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/tasks/x:cancel", None, 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/tasks/x:cancel", None, 404, "TASK_NOT_FOUND"),
        ("GET", "/tasks/x:subscribe", None, 400, "UNSUPPORTED_OPERATION"),
        ("POST", "/tasks/x:subscribe", {}, 400, "UNSUPPORTED_OPERATION"),
        ("GET", "/tasks/x:fly", None, 404, "METHOD_NOT_FOUND"),
        ("GET", "/tasks/x/pushNotificationConfigs", None, 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
        ("DELETE", "/tasks/x/pushNotificationConfigs/1", None, 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
        ("GET", "/extendedAgentCard", None, 400, "UNSUPPORTED_OPERATION"),
        ("GET", "/nothing", None, 404, "METHOD_NOT_FOUND"),
        ("GET", "", None, 404, "METHOD_NOT_FOUND"),
        ("GET", "/tasks?pageSize=many", None, 400, "INVALID_PARAMS"),
        ("GET", "/tasks?includeArtifacts=maybe", None, 400, "INVALID_PARAMS"),
        ("GET", "/tasks?status=TASK_STATE_ODD", None, 400, "INVALID_PARAMS"),
        ("GET", "/tasks?" + "&".join(f"a{n}=1" for n in range(50)), None, 400, "INVALID_PARAMS"),
    ],
)
async def test_http_json_has_its_own_statuses(
    store: InMemoryStore, method: str, path: str, body: Any, status: int, reason: str
) -> None:
    found, told = await http(store, method, path, body)
    error = told["error"]
    assert (found, error["code"], error["details"][0]["reason"]) == (status, status, reason)
    assert error["status"].isupper()


@pytest.mark.parametrize("version", ["", "0.3", "7.1"])
async def test_http_json_is_of_the_newest_version_only(store: InMemoryStore, version: str) -> None:
    status, told = await http(store, "GET", "/tasks", version=version)
    assert (status, told["error"]["details"][0]["reason"]) == (400, "VERSION_NOT_SUPPORTED")


@pytest.mark.parametrize(("under", "told"), [((), "not open"), (("p1_browse",), "paused")])
async def test_while_nothing_is_open_it_says_when_to_come_back(store: InMemoryStore, under: Any, told: str) -> None:
    store.roadmap = roadmap(**dict.fromkeys(under, "paused"))
    async with store.agent() as agent:
        response = await agent.post(sent())
        assert (response.status_code, response.headers["retry-after"]) == (503, "120")
        assert response.json()["error"]["code"] == -32603
    status, _ = await http(store, "POST", "/message:send", {"message": MESSAGE})
    assert status == 503


async def test_too_many_calls_are_told_by_http(store: InMemoryStore) -> None:
    store.policy = furnished(Record(), guest=RateLimit(1, 60.0))
    async with store.agent() as agent:
        await agent.say("search jar")
        response = await agent.post(sent())
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["error"]["code"] == 429


async def test_a_fault_of_ours_is_an_internal_error(store: InMemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("broken")

    store.backend.search = fail  # type: ignore[method-assign, assignment]
    answer = await rpc(store, sent())
    assert answer["error"]["code"] == -32603
    assert "broken" not in answer["error"]["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_json_rpc_is_posted(store: InMemoryStore, method: str) -> None:
    async with store.agent() as agent:
        response = await agent.client.request(method, agent.url)
        assert (response.status_code, response.headers["allow"]) == (405, "POST, OPTIONS")
        assert (await agent.client.request(method, f"{agent.url}/other")).status_code == 404


async def test_ids_of_a_request_come_back_as_they_were(store: InMemoryStore) -> None:
    for id_ in ("a", 0, 12345678901234567890, 1.5):
        assert (await rpc(store, {**sent(), "id": id_}))["id"] == id_


async def test_calls_are_counted_under_the_version(store: InMemoryStore) -> None:
    assert V1.methods.keys() & V03.methods.keys() == set()
    await rpc(store, sent(parts=[{"data": {"action": "create_cart"}}]))
    (noted,) = store.record.noted
    assert (noted.source, noted.subject) == ("a2a", "create_cart")


async def test_numbers_in_data_stay_exact(store: InMemoryStore) -> None:
    store.shop = replace(store.shop)
    data = {"action": "search_products", "query": "jar", "max_price_minor": 9007199254740993}
    answer = await rpc(store, sent(parts=[{"data": data}]))
    assert answer["result"]["message"]["parts"][1]["data"]["tool"] == "search_products"
