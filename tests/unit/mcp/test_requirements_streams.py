"""Clients that listen for changes, and input that is built to break readers."""

import asyncio
import json
from typing import Any

import pytest
from mcp_types.methods import parse_server_notification, validate_server_result

from storefront_mcp.access.caller import GUEST
from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.dispatch import ResponseStream, publish_list_changes
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.subscriptions import MAX_BACKLOG_MESSAGES, StreamSubscriptions
from tests.external.conformance.serving import fixture_roadmap
from tests.fakes.memory_backend import OPEN, STORE, roadmap
from tests.unit.mcp.requests import (
    HANDSHAKE,
    META,
    NEWEST,
    Headers,
    Json,
    asked,
    check_error,
    endpoint,
    error,
    headers,
    message,
)

SUBSCRIPTION_META_KEY = META + "subscriptionId"
LISTS = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
PARAMS, UNKNOWN = -32602, -32601


async def listening(to: JsonRpcEndpoint, notifications: Any, *, request_id: Any = "l-1") -> ResponseStream:
    body, sent = asked("subscriptions/listen", NEWEST, {"notifications": notifications}, request_id=request_id)
    answer = await to.post(RequestOrigin(headers=sent), json.dumps(body).encode(), GUEST)
    assert isinstance(answer, ResponseStream)
    return answer


async def following(stream: ResponseStream) -> Json:
    """The next message, valid if it is a notification."""
    async with asyncio.timeout(60):
        told: Json = json.loads(await anext(stream.messages))
    if "method" in told:
        parse_server_notification(told["method"], NEWEST, told["params"])
    return told


def flip(to: JsonRpcEndpoint, before: Any, after: Any) -> None:
    told = PreparedResponses(STORE, after)
    for listener in to._shared.subscriptions._listeners:
        listener.names = PreparedResponses(STORE, before).contents
    publish_list_changes(lambda _: told, to._shared)


@pytest.mark.proves("subscriptions.acknowledged")
@pytest.mark.parametrize(
    ("wanted", "honoured"),
    [
        ({}, []),
        ({"toolsListChanged": True}, ["toolsListChanged"]),
        (dict.fromkeys(LISTS, True), sorted(LISTS)),
        ({"toolsListChanged": False, "promptsListChanged": True}, ["promptsListChanged"]),
        ({"toolsListChanged": 1, "resourceSubscriptions": ["shop://store"], "nonsense": True}, []),
    ],
    ids=str,
)
async def test_what_will_be_told_is_acknowledged_first_and_nothing_else(wanted: Json, honoured: list[str]) -> None:
    stream = await listening(endpoint(), wanted)
    first = await following(stream)
    assert first["method"] == "notifications/subscriptions/acknowledged"
    assert list(first["params"]["notifications"]) == honoured
    await stream.messages.aclose()


@pytest.mark.proves("subscriptions.id", "subscriptions.end")
@pytest.mark.parametrize("request_id", [0, 7, -1, "7", "", "✓"])
async def test_every_message_carries_the_id_of_the_request_and_the_last_is_its_result(request_id: Any) -> None:
    to = endpoint()
    stream = await listening(to, {"toolsListChanged": True}, request_id=request_id)
    told = [await following(stream)]
    flip(to, roadmap("p1_browse"), OPEN)
    told.append(await following(stream))
    to._shared.subscriptions.close()
    last = await following(stream)
    assert told[1]["method"] == "notifications/tools/list_changed"
    for about in (*(one["params"]["_meta"] for one in told), last["result"]["_meta"]):
        assert about[SUBSCRIPTION_META_KEY] == request_id
        assert type(about[SUBSCRIPTION_META_KEY]) is type(request_id)
    assert last["id"] == request_id
    validate_server_result("subscriptions/listen", NEWEST, last["result"])
    with pytest.raises(StopAsyncIteration):
        await anext(stream.messages)


@pytest.mark.proves("subscriptions.only-asked", "subscriptions.flips")
async def test_listeners_hear_of_what_they_asked_for_and_of_what_is_different() -> None:
    to = endpoint()
    everything = await listening(to, dict.fromkeys(LISTS, True))
    prompts = await listening(to, {"promptsListChanged": True})
    nothing = await listening(to, {})
    for stream in (everything, prompts, nothing):
        await following(stream)
    # The cart brings tools and a prompt, and no resource.
    flip(to, roadmap("p1_browse"), OPEN)
    flip(to, OPEN, OPEN)
    to._shared.subscriptions.close()
    heard = []
    for stream in (everything, prompts, nothing):
        told = [json.loads(one) async for one in stream.messages]
        heard.append(sorted(one["method"] for one in told if "method" in one))
        assert "result" in told[-1]
    assert heard == [
        ["notifications/prompts/list_changed", "notifications/tools/list_changed"],
        ["notifications/prompts/list_changed"],
        [],
    ]


@pytest.mark.proves("subscriptions.bounded")
async def test_streams_are_few_and_who_leaves_makes_room() -> None:
    subscriptions = StreamSubscriptions(StreamQuota(at_most=2))
    joined = subscriptions.join(1, LISTS)
    assert joined is not None
    first = subscriptions.messages(joined)
    await anext(first)
    subscriptions.join(2, LISTS)
    assert subscriptions.join(3, LISTS) is None
    await first.aclose()
    assert subscriptions.join(3, LISTS) is not None
    subscriptions.close()


@pytest.mark.proves("subscriptions.bounded", "subscriptions.end")
async def test_who_lags_too_far_behind_is_let_go_with_the_result() -> None:
    subscriptions = StreamSubscriptions()
    joined = subscriptions.join(1, LISTS)
    assert joined is not None
    stream = subscriptions.messages(joined)
    await anext(stream)
    for _ in range(MAX_BACKLOG_MESSAGES * 3):
        subscriptions.publish(lambda _: LISTS[:1])
    async with asyncio.timeout(60):
        told = [json.loads(one) async for one in stream]
    assert len(told) == MAX_BACKLOG_MESSAGES + 1
    assert "result" in told[-1]


@pytest.mark.proves("subscriptions.not-then")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_the_handshake_era_cannot_listen(version: str) -> None:
    body = message("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    status, told = await error(endpoint(), body, headers(version=version))
    assert (status, told["error"]["code"]) == (200, UNKNOWN)


@pytest.mark.proves("http.refused-before-streams")
@pytest.mark.parametrize("notifications", [[], "all", 7, None])
async def test_listening_for_something_of_another_form_is_refused_as_json(notifications: Any) -> None:
    body, sent = asked("subscriptions/listen", NEWEST, {"notifications": notifications})
    status, told = await error(endpoint(), body, sent)
    assert (status, told["error"]["code"], told["id"]) == (400, PARAMS, 1)


# Input that is built to break readers --------------------------------------------------------------------------------

SHAPES = {
    "_meta": ("tools/list", '{"_meta":@}'),
    "a claim": ("tools/list", f'{{"_meta":{{"{META}protocolVersion":@}}}}'),
    "a progress token": ("tools/list", '{"_meta":{"progressToken":@}}'),
    "a log level": ("tools/list", f'{{"_meta":{{"{META}logLevel":@}}}}'),
    "capabilities": ("tools/list", f'{{"_meta":{{"{META}clientCapabilities":{{"x":@}}}}}}'),
    "a name": ("tools/call", '{"name":@}'),
    "arguments": ("tools/call", '{"name":"get_product","arguments":@}'),
    "a member of arguments": ("tools/call", '{"name":"get_product","arguments":{"sku":@}}'),
    "a header's argument": ("tools/call", '{"name":"test_x_mcp_header","arguments":{"region":@}}'),
    "answers": ("tools/call", '{"name":"test_input_required_result_elicitation","inputResponses":{"user_name":@}}'),
    "a prompt's argument": ("prompts/get", '{"name":"test_simple_prompt","arguments":{"x":@}}'),
    "an address": ("resources/read", '{"uri":@}'),
    "a reference": ("completion/complete", '{"ref":@,"argument":{"name":"x","value":""}}'),
    "what was typed": ("completion/complete", '{"ref":{"type":"ref/prompt","name":"x"},"argument":{"name":@}}'),
    "notifications": ("subscriptions/listen", '{"notifications":{"toolsListChanged":@}}'),
}
HARD = ("9" * 400, "9" * 5000, "1e999", "-1e-999", "-0", '"\\ud800"', '"\\u0000"', f'"{"x" * 90_000}"')
DEPTHS = (*range(700, 1000, 3), 5_000, 100_000)


def hostile(method: str, params: str, value: str, *, modern: bool) -> tuple[bytes, Headers]:
    """A request that is right but for one value."""
    sent: Headers = []
    if modern:
        name = json.loads(params.replace("@", "1")).get("name")
        sent = headers(version=NEWEST, method=method, name=name if isinstance(name, str) else None)
        if '"_meta"' not in params:
            claimed = f'"_meta":{{"{META}protocolVersion":"{NEWEST}","{META}clientCapabilities":{{}}}},'
            params = params.replace("{", "{" + claimed, 1)
    return f'{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params.replace("@", value)}}}'.encode(), sent


@pytest.mark.proves("envelope.depth", "envelope.hostile")
@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
@pytest.mark.parametrize("place", SHAPES)
async def test_nesting_that_is_too_deep_for_the_second_reader_is_no_fault_of_ours(place: str, modern: bool) -> None:
    """What the first reader skips, a later one may find too deep, as it stands higher on the stack."""
    to = endpoint(fixture_roadmap())
    for depth in DEPTHS:
        for value in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            await answered(to, *hostile(*SHAPES[place], value, modern=modern))


@pytest.mark.proves("envelope.hostile")
@pytest.mark.parametrize("modern", [False, True], ids=["legacy", "modern"])
@pytest.mark.parametrize("place", SHAPES)
@pytest.mark.parametrize("value", HARD, ids=lambda value: value[:8])
async def test_values_that_are_hard_to_hold_are_no_fault_of_ours(place: str, value: str, modern: bool) -> None:
    await answered(endpoint(fixture_roadmap()), *hostile(*SHAPES[place], value, modern=modern))


async def answered(to: JsonRpcEndpoint, body: bytes, sent: Headers) -> None:
    """Answered, and not as a failure of ours."""
    answer = await to.post(RequestOrigin(headers=sent), body, GUEST)
    if isinstance(answer, ResponseStream):
        await answer.messages.aclose()
        return
    assert answer.status in {200, 400, 404}
    told = json.loads(answer.body)
    if "error" in told:
        assert "on our side" not in told["error"]["message"]
        if len(answer.body) < 10_000:
            check_error(told)


@pytest.mark.proves("batch.refused-as-a-whole")
@pytest.mark.parametrize(
    "wrong",
    [{"id": 3, "method": "ping"}, {"jsonrpc": "2.0", "id": 3, "method": 7}, message("ping", [1], request_id=3)],
    ids=str,
)
async def test_the_refusal_of_an_array_answers_none_of_its_requests(wrong: Json) -> None:
    _, told = await error(endpoint(), [message("ping", request_id=2), wrong], headers(version="2025-03-26"))
    assert "id" not in told


@pytest.mark.proves("headers.parameters", "envelope.hostile")
@pytest.mark.parametrize("argument", [10**400, -(10**400), 1e308])
async def test_numbers_beyond_any_measure_do_not_match_a_header(argument: float) -> None:
    to = endpoint(fixture_roadmap())
    body, sent = asked("tools/call", NEWEST, {"name": "test_x_mcp_header", "arguments": {"region": argument}})
    status, told = await error(to, body, [*sent, (b"mcp-param-region", b"7")])
    assert (status, told["error"]["code"]) == (400, -32020)
