"""The requirements of the protocol's own test kit (a2a-tck), by its ids: each is kept, or excused by name.

The kit is on no package index, and steers an agent by the ids of messages, to which a shop does not listen. So what it
asks is asked here, of `storefront-mcp demo`, over both bindings of 1.0.
"""

import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.external.clients.programs import running
from tests.fakes.a2a_agent import A2aAgent, A2aRefusal, Json
from tests.serving import free_port

pytestmark = [pytest.mark.conformance, pytest.mark.slow]

PRODUCT = "JAR-DILL"
EXCUSED = {
    "CORE-STREAM-001": "nothing streams, and the card says so: CORE-CAP-002",
    "CORE-STREAM-002": "the same",
    "CORE-STREAM-003": "the same",
    "JSONRPC-SSE-001": "the same",
    "HTTP_JSON-SSE-001": "the same",
    "CORE-CAP-004": "the card requires no extension",
    "CORE-HIST-004": "a MAY: no history is kept",
    "CORE-HIST-005": "no history is kept",
    "CORE-HIST-006": "no history is kept",
    "CORE-MULTI-002": "a MAY: an id of the client's own is refused in 1.0, see CORE-MULTI-002a",
    "CARD-EXT-001": "there is no extended card: CORE-CAP-003",
    "CARD-EXT-002": "the card declares no extended card: CORE-CAP-003",
    "CARD-SIGN-001": "the card is not signed, which it MAY be",
    "CARD-SIGN-002": "the same",
    "CARD-SIGN-003": "the same",
    "CARD-SIGN-004": "of verifying clients",
    "CARD-CACHE-003": "a MAY: the ETag tells the same",
    "VER-CLIENT-001": "of clients",
    "HTTP_JSON-SVC-002": "of clients",
    "JSONRPC-SVC-002": "of clients",
}
"""What does not apply to the store's agent, and why."""

Check = Callable[[A2aAgent], Awaitable[None]]
CHECKS: dict[str, Check] = {}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of `storefront-mcp demo`."""
    port = free_port()
    with running("demo", "--port", str(port), port=port, cwd=tmp_path_factory.mktemp("demo")):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=["1.0 JSON-RPC", "1.0 HTTP+JSON"])
async def agent(request: pytest.FixtureRequest, demo: str) -> AsyncIterator[A2aAgent]:
    async with A2aAgent(demo, request.param) as shopping:
        yield shopping


def keeps(*ids: str) -> Callable[[Check], Check]:
    """What a check proves."""

    def kept(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(ids, check))
        return check

    return kept


async def refused(asked: Awaitable[Any]) -> str:
    """The reason of a protocol error."""
    with pytest.raises(A2aRefusal) as refusal:
        await asked
    return refusal.value.reason


async def begun(agent: A2aAgent) -> Json:
    """A task."""
    return (await agent.say(f"add {PRODUCT}")).body


async def card_of(agent: A2aAgent) -> httpx.Response:
    answer = await agent.client.get(f"{agent.url.removesuffix('/a2a')}/.well-known/agent-card.json")
    assert answer.status_code == 200
    return answer


@keeps("CORE-SEND-001", "CORE-MULTI-001", "CORE-MULTI-001a", "CORE-MULTI-003", "CORE-EXECUTION-MODE-001")
@keeps("CORE-EXECUTION-MODE-002", "DM-TASK-001", "DM-TASK-002", "DM-STATUS-001", "DM-ART-001", "DM-SERIAL-002")
async def sends_and_makes_ids(agent: A2aAgent) -> None:
    message = await agent.say("search dill", configuration={"returnImmediately": False})
    assert (message.kind, bool(message.context)) == ("message", True)
    ids = set()
    for at_once in (True, False):
        task = await agent.send(
            [{"data": {"action": "create_cart"}}], keep=False, configuration={"returnImmediately": at_once}
        )
        assert task.body["status"]["state"] == "TASK_STATE_INPUT_REQUIRED"
        assert all(one["artifactId"] and one["parts"] for one in task.body["artifacts"])
        ids |= {task.task_id, task.context}
    assert len(ids) == 4


@keeps("DM-MSG-001", "DM-MSG-002", "DM-PART-001", "DM-SERIAL-001", "DM-SERIAL-003", "DM-SERIAL-004", "DM-SERIAL-005")
async def has_the_shapes(agent: A2aAgent) -> None:
    task = (await agent.send([{"text": f"add {PRODUCT}", "unknown": 1}], unknown={"a": 1})).body
    said = task["status"]["message"]
    assert (said["role"], bool(said["messageId"]), bool(said["parts"])) == ("ROLE_AGENT", True, True)
    for part in (*said["parts"], *task["artifacts"][0]["parts"]):
        assert len({"text", "data", "url", "raw"} & part.keys()) == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", task["status"]["timestamp"])
    assert not any("_" in name for one in (task, said, task["status"]) for name in one)
    assert await refused(agent.send([])) == "INVALID_PARAMS"


@keeps("CORE-SEND-002", "CORE-CANCEL-001", "CORE-CANCEL-002")
async def ends_tasks(agent: A2aAgent) -> None:
    task = (await begun(agent))["id"]
    assert (await agent.cancel(task)).body["status"]["state"] == "TASK_STATE_CANCELED"
    assert await refused(agent.cancel(task)) == "TASK_NOT_CANCELABLE"
    assert await refused(agent.say("cart", taskId=task)) == "UNSUPPORTED_OPERATION"


@keeps("CORE-SEND-003", "CORE-GET-002", "CORE-CANCEL-003", "CORE-MULTI-002a", "CORE-MULTI-004", "CORE-ERR-001")
@keeps(
    "CORE-ERR-002", "JSONRPC-ERR-001", "JSONRPC-ERR-002", "JSONRPC-SSE-002", "HTTP_JSON-ERR-001", "HTTP_JSON-ERR-002"
)
@keeps("HTTP_JSON-STATUS-001")
async def refuses(agent: A2aAgent) -> None:
    raw = [{"raw": "dGNr", "mediaType": "application/x-unsupported-tck-type"}]
    assert await refused(agent.send(raw)) == "CONTENT_TYPE_NOT_SUPPORTED"
    assert await refused(agent.get("tck-nonexistent")) == "TASK_NOT_FOUND"
    assert await refused(agent.cancel("tck-nonexistent")) == "TASK_NOT_FOUND"
    assert await refused(agent.say("cart", taskId="tck-nonexistent")) == "TASK_NOT_FOUND"
    assert await refused(agent.say("cart", contextId=f"tck-{uuid.uuid4()}")) == "INVALID_PARAMS"
    with pytest.raises(A2aRefusal, match="no such task") as missing:
        await agent.get("tck-nonexistent")
    assert missing.value.code == (404 if agent.over_http else -32001)


@keeps("CORE-GET-001", "CORE-HIST-001", "CORE-HIST-002", "CORE-HIST-003", "CORE-MULTI-005", "CORE-MULTI-006")
async def reads_tasks(agent: A2aAgent) -> None:
    task = await begun(agent)
    for length in (0, 1, 5):
        shown = await agent.ask("get", {"id": task["id"], "historyLength": length})
        assert (shown["status"]["state"], shown.get("history")) == (task["status"]["state"], None)
    sent = await agent.say("cart", configuration={"historyLength": 0}, taskId=task["id"])
    assert sent.body.get("history") is None
    inferred = await agent.send([{"text": "cart"}], keep=False, taskId=task["id"])
    assert inferred.context == task["contextId"]
    other = (await agent.send([{"text": "help"}], keep=False)).context
    assert await refused(agent.say("cart", taskId=task["id"], contextId=other)) == "INVALID_PARAMS"


@keeps("CORE-LIST-001", "CORE-LIST-002", "CORE-LIST-003", "CORE-LIST-004", "CORE-LIST-005", "HTTP_JSON-QP-001")
async def lists_tasks(agent: A2aAgent) -> None:
    ids = [(await agent.act("create_cart")).task_id for _ in range(3)]
    first = await agent.ask("list", {"contextId": agent.context, "pageSize": 2})
    second = await agent.ask("list", {"contextId": agent.context, "pageSize": 2, "pageToken": first["nextPageToken"]})
    assert sorted(task["id"] for page in (first, second) for task in page["tasks"]) == sorted(ids)
    stamps = [task["status"]["timestamp"] for page in (first, second) for task in page["tasks"]]
    assert stamps == sorted(stamps, reverse=True)
    assert second["nextPageToken"] == ""
    assert not any("artifacts" in task for task in first["tasks"])
    assert (await agent.ask("list", {"contextId": "tck-test-context"}))["tasks"] == []


@keeps("CORE-CAP-001", "CORE-CAP-002", "CORE-CAP-003", "HTTP_JSON-URL-001", "HTTP_JSON-URL-002", "JSONRPC-SVC-001")
async def refuses_what_the_card_does_not_declare(agent: A2aAgent) -> None:
    stream, push = "UNSUPPORTED_OPERATION", "PUSH_NOTIFICATION_NOT_SUPPORTED"
    over_http = {
        ("POST", "/message:stream"): stream,
        ("POST", "/tasks/x:subscribe"): stream,
        ("GET", "/extendedAgentCard"): stream,
        ("GET", "/tasks/x/pushNotificationConfigs"): push,
        ("POST", "/tasks/x/pushNotificationConfigs"): push,
        ("DELETE", "/tasks/x/pushNotificationConfigs/y"): push,
    }
    over_rpc = {
        **dict.fromkeys(("SendStreamingMessage", "SubscribeToTask", "GetExtendedAgentCard"), stream),
        **dict.fromkeys((f"{verb}TaskPushNotificationConfig" for verb in ("Create", "Get", "Delete")), push),
        "ListTaskPushNotificationConfigs": push,
    }
    for (method, path), reason in over_http.items() if agent.over_http else ():
        told = (await agent.client.request(method, f"{agent.url}/rest{path}", json={})).json()
        assert told["error"]["details"][0]["reason"] == reason
    for method, reason in () if agent.over_http else over_rpc.items():
        told = (await agent.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}})).json()
        assert told["error"]["data"][0]["reason"] == reason


@keeps("CARD-DISC-001", "CARD-PROTO-001", "CARD-PROTO-002", "CARD-STRUCT-001", "CARD-CACHE-001", "CARD-CACHE-002")
async def has_a_card(agent: A2aAgent) -> None:
    answer = await card_of(agent)
    card = answer.json()
    wanted = ("name", "description", "version", "capabilities", "defaultInputModes", "defaultOutputModes", "skills")
    assert all(card[name] for name in wanted)
    for interface in card["supportedInterfaces"]:
        assert interface["url"].startswith(agent.url)
        assert interface["protocolBinding"] in {"JSONRPC", "HTTP+JSON"}
    assert "max-age" in answer.headers["cache-control"]
    again = await agent.client.get(answer.url, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


@keeps("VER-SERVER-001", "VER-SERVER-002", "VER-SERVER-003", "VER-CLIENT-002")
@keeps("JSONRPC-FMT-001", "JSONRPC-FMT-002", "HTTP_JSON-SVC-001")
async def tells_versions_apart(agent: A2aAgent) -> None:
    part = {"kind": "text", "text": "help"}
    older = {"message": {"kind": "message", "messageId": "m", "role": "user", "parts": [part]}}
    newer = {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "help"}]}}

    async def asked(version: str, method: str, params: Json) -> httpx.Response:
        headers = {"a2a-version": version}
        if agent.over_http:
            return await agent.client.post(f"{agent.url}/rest/message:send", json=params, headers=headers)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await agent.client.post(agent.url, json=body, headers=headers)

    for version in ("1.0", "1.0.7"):
        answer = await asked(version, "SendMessage", newer)
        media = "application/a2a+json" if agent.over_http else "application/json"
        assert (answer.headers["content-type"], "error" in answer.json()) == (media, False)
    for version in ("9.9", ""):
        told = (await asked(version, "SendMessage", newer)).json()["error"]
        assert (told.get("details") or told["data"])[0]["reason"] == "VERSION_NOT_SUPPORTED"
    if not agent.over_http:
        assert (await asked("", "message/send", older)).json()["result"]["kind"] == "message"


@pytest.mark.parametrize("check", dict.fromkeys(CHECKS.values()), ids=lambda check: check.__name__)
async def test_the_agent_keeps_what_the_kit_asks(agent: A2aAgent, check: Check) -> None:
    await check(agent)


def test_every_requirement_is_kept_or_excused_and_none_is_both() -> None:
    assert not CHECKS.keys() & EXCUSED.keys()
    known = {name.partition("-")[0] for name in (*CHECKS, *EXCUSED)}
    assert known == {"CORE", "DM", "CARD", "VER", "JSONRPC", "HTTP_JSON"}
    assert len(CHECKS) + len(EXCUSED) == 85
