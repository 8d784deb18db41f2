"""Listening for changes: acknowledged first, told only what was asked for, and always ended with a result."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Iterable
from typing import Any

import mcp_types._v2026_07_28 as modern_schema
import pytest
from hypothesis import given, strategies as st

from storefront_mcp.access.caller import GUEST
from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.dispatch import ResponseStream, publish_list_changes
from storefront_mcp.mcp.endpoint import EndpointResponse, JsonRpcEndpoint
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.subscriptions import (
    CHANGE_NOTIFICATIONS,
    MAX_BACKLOG_MESSAGES,
    SUBSCRIPTION_META_KEY,
    StreamSubscriptions,
)
from storefront_mcp.roadmap.roadmap import Roadmap
from tests.fakes.memory_backend import OPEN, STORE, roadmap
from tests.unit.mcp.environment import check_note, line_of
from tests.unit.mcp.requests import HANDSHAKE, META, NEWEST, Json, asked, error, post

ALL = dict.fromkeys(CHANGE_NOTIFICATIONS, True)
TOOLS, PROMPTS, RESOURCES = CHANGE_NOTIFICATIONS
LISTS = {"tools/list", "prompts/list", "resources/list", "resources/templates/list"}


def served(subscriptions: StreamSubscriptions) -> JsonRpcEndpoint:
    return JsonRpcEndpoint(line_of(subscriptions=subscriptions), PreparedResponses(STORE, OPEN))


async def listening(
    subscriptions: StreamSubscriptions, wanted: Any = ALL, *, request_id: Any = 1
) -> AsyncGenerator[bytes, None]:
    body, sent = asked("subscriptions/listen", NEWEST, {"notifications": wanted}, request_id=request_id)
    answer = await served(subscriptions).post(RequestOrigin(headers=sent), json.dumps(body).encode(), GUEST)
    assert isinstance(answer, ResponseStream)
    return answer.messages


async def heard(messages: AsyncGenerator[bytes, None]) -> Json:
    async with asyncio.timeout(60):
        told: Json = json.loads(await anext(messages))
    if "method" in told:
        check_note(told, NEWEST)
    return told


async def rest(messages: AsyncGenerator[bytes, None]) -> list[Json]:
    async with asyncio.timeout(60):
        return [json.loads(message) async for message in messages]


@pytest.mark.parametrize("request_id", [0, 7, "seven", ""])
async def test_a_stream_is_acknowledged_told_and_ended_under_its_own_id(request_id: Any) -> None:
    subscriptions = StreamSubscriptions()
    messages = await listening(subscriptions, request_id=request_id)
    about = {SUBSCRIPTION_META_KEY: request_id}
    assert await heard(messages) == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": ALL, "_meta": about},
    }
    subscriptions.publish(lambda _: [PROMPTS])
    assert await heard(messages) == {
        "jsonrpc": "2.0",
        "method": "notifications/prompts/list_changed",
        "params": {"_meta": about},
    }
    subscriptions.close()
    (last,) = await rest(messages)
    assert last == {"jsonrpc": "2.0", "id": request_id, "result": {"resultType": "complete", "_meta": about}}
    assert type(last["id"]) is type(request_id)
    modern_schema.SubscriptionsListenResult.model_validate(last["result"])


@pytest.mark.parametrize(
    ("wanted", "honoured"),
    [
        (ALL, {*CHANGE_NOTIFICATIONS}),
        ({}, set()),
        ({TOOLS: True}, {TOOLS}),
        ({TOOLS: True, PROMPTS: False}, {TOOLS}),
        ({TOOLS: True, "resourceSubscriptions": ["product://PAD-2"]}, {TOOLS}),
        ({TOOLS: 1, PROMPTS: "true", RESOURCES: None, "other": True}, set()),
    ],
)
async def test_only_what_was_asked_for_and_can_be_honoured_is_acknowledged_and_told(
    wanted: Json, honoured: set[str]
) -> None:
    subscriptions = StreamSubscriptions()
    messages = await listening(subscriptions, wanted)
    assert (await heard(messages))["params"]["notifications"] == dict.fromkeys(honoured, True)
    subscriptions.publish(lambda _: CHANGE_NOTIFICATIONS)
    subscriptions.close()
    told = await rest(messages)
    assert {note["method"] for note in told[:-1]} == {CHANGE_NOTIFICATIONS[kind] for kind in honoured}
    assert len(told) == len(honoured) + 1


@pytest.mark.parametrize("wanted", [None, [], "all", 5])
async def test_what_is_wanted_is_an_object(wanted: Any) -> None:
    subscriptions = StreamSubscriptions()
    params = {"notifications": wanted}
    status, told = await error(served(subscriptions), *asked("subscriptions/listen", NEWEST, params))
    assert (status, told["error"]["code"]) == (400, -32602)


async def test_what_is_wanted_must_be_said() -> None:
    status, told = await error(served(StreamSubscriptions()), *asked("subscriptions/listen", NEWEST, {}))
    assert (status, told["error"]["code"]) == (400, -32602)


async def test_a_bad_log_level_is_refused_here_too() -> None:
    body, sent = asked("subscriptions/listen", NEWEST, {"notifications": ALL})
    body["params"]["_meta"][META + "logLevel"] = "loud"
    status, told = await error(served(StreamSubscriptions()), body, sent)
    assert (status, told["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_older_versions_have_no_such_method(version: str) -> None:
    status, told = await error(
        served(StreamSubscriptions()), *asked("subscriptions/listen", version, {"notifications": ALL})
    )
    assert (status, told["error"]["code"]) == (200, -32601)


async def test_nothing_is_lost_between_joining_and_the_acknowledgement() -> None:
    subscriptions = StreamSubscriptions()
    messages = await listening(subscriptions)
    subscriptions.publish(lambda _: [TOOLS])
    assert (await heard(messages))["method"] == "notifications/subscriptions/acknowledged"
    assert (await heard(messages))["method"] == CHANGE_NOTIFICATIONS[TOOLS]


async def test_a_slow_reader_is_let_go_and_hears_that_it_was() -> None:
    subscriptions = StreamSubscriptions()
    slow, quick = await listening(subscriptions, {TOOLS: True}), await listening(subscriptions)
    assert "acknowledged" in (await heard(slow))["method"]
    assert "acknowledged" in (await heard(quick))["method"]
    for _ in range(MAX_BACKLOG_MESSAGES + 5):
        subscriptions.publish(lambda _: [TOOLS])
        assert (await heard(quick))["method"] == CHANGE_NOTIFICATIONS[TOOLS]
    told = await rest(slow)
    assert len(told) == MAX_BACKLOG_MESSAGES + 1
    assert told[-1]["result"]["resultType"] == "complete"
    await quick.aclose()


async def test_streams_are_counted_and_come_free_again() -> None:
    subscriptions = StreamSubscriptions(StreamQuota(at_most=2))
    first, second = await listening(subscriptions), await listening(subscriptions)
    body, sent = asked("subscriptions/listen", NEWEST, {"notifications": ALL})
    answer = await post(served(subscriptions), body, sent)
    assert isinstance(answer, EndpointResponse)
    assert (answer.status, answer.retry_after) == (429, 30)
    refusal = json.loads(answer.body)["error"]
    assert "poll the lists" in refusal["message"]
    assert refusal["data"] == {"code": "rate_limited", "retry_after": 30, "limit": "streams"}
    await heard(first)
    await first.aclose()
    third = await listening(subscriptions)
    subscriptions.close()
    assert [len(await rest(each)) for each in (second, third)] == [2, 2]
    assert len(await rest(await _closed(subscriptions))) == 2


async def _closed(subscriptions: StreamSubscriptions) -> AsyncGenerator[bytes, None]:
    messages = await listening(subscriptions)
    subscriptions.close()
    return messages


STATES = {
    "browse and cart": OPEN,
    "browse": roadmap("p1_browse"),
    "none": roadmap(p1_browse="paused"),
    "account besides": roadmap("p1_browse", "p2_cart", "p4_account"),
}


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("browse", "browse and cart", {TOOLS, PROMPTS}),
        ("browse and cart", "browse", {TOOLS, PROMPTS}),
        ("browse", "none", {TOOLS, PROMPTS, RESOURCES}),
        ("none", "browse and cart", {TOOLS, PROMPTS, RESOURCES}),
        ("browse", "browse", set()),
        ("browse and cart", "account besides", {TOOLS}),
    ],
)
async def test_a_flip_tells_exactly_of_the_lists_that_it_changed(before: str, after: str, kinds: set[str]) -> None:
    subscriptions = StreamSubscriptions()
    shared = line_of(subscriptions=subscriptions)
    messages = await listening(subscriptions)
    one, other = (PreparedResponses(STORE, STATES[name]) for name in (before, after))
    for listener in subscriptions._listeners:
        listener.names = one.contents
    publish_list_changes(lambda _: other, shared)
    subscriptions.close()
    told = await rest(messages)
    assert {note["method"] for note in told[1:-1]} == {CHANGE_NOTIFICATIONS[kind] for kind in kinds}
    if kinds:
        assert any(one.lists[method] != other.lists[method] for method in LISTS)


@given(st.lists(st.sampled_from([*CHANGE_NOTIFICATIONS, "leave", "join"]), max_size=30))
def test_whatever_happens_every_stream_ends_with_a_result(events: list[str]) -> None:
    asyncio.run(_lived(events))


async def _lived(events: Iterable[str]) -> None:
    subscriptions = StreamSubscriptions()
    streams = [await listening(subscriptions)]
    for event in events:
        if event == "join":
            streams.append(await listening(subscriptions, request_id=len(streams)))
        elif event == "leave":
            with contextlib.suppress(StopAsyncIteration):
                await anext(streams[0])
            await streams.pop(0).aclose()
            streams.append(await listening(subscriptions))
        else:
            subscriptions.publish(lambda _, kind=event: [kind])
    subscriptions.close()
    for each in streams:
        told = await rest(each)
        assert told[0]["method"] == "notifications/subscriptions/acknowledged"
        assert "result" in told[-1]
        assert len(told) <= MAX_BACKLOG_MESSAGES + 2


def test_a_roadmap_is_compared_by_names_not_by_order_of_flips() -> None:
    def contents(under: Roadmap) -> Any:
        return PreparedResponses(STORE, under).contents

    assert contents(OPEN).changes(contents(roadmap("p2_cart", "p1_browse"))) == []


async def test_a_stream_ends_with_its_result_when_its_time_is_over() -> None:
    subscriptions = StreamSubscriptions(StreamQuota(seconds=0.01))
    told = await rest(await listening(subscriptions))
    assert [one.get("method") for one in told] == ["notifications/subscriptions/acknowledged", None]
    assert told[-1]["result"]["resultType"] == "complete"
    assert len(subscriptions.quota) == 0


async def test_one_address_takes_no_more_than_its_share_and_others_still_listen() -> None:
    subscriptions = StreamSubscriptions(StreamQuota(at_most=5, per_caller=2))
    body, sent = asked("subscriptions/listen", NEWEST, {"notifications": ALL})
    post_from = lambda address: served(subscriptions).post(  # noqa: E731 -- one request of one address
        RequestOrigin(headers=sent, address=address), json.dumps(body).encode(), GUEST
    )
    answers = [await post_from("203.0.113.7") for _ in range(3)]
    assert [isinstance(answer, ResponseStream) for answer in answers] == [True, True, False]
    assert isinstance(await post_from("203.0.113.8"), ResponseStream)
    subscriptions.close()
    for answer in answers[:2]:
        assert isinstance(answer, ResponseStream)
        await rest(answer.messages)
