"""What happens while a call runs: progress, log messages, questions to the client, and calls that are taken back."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from mcp_types.methods import parse_server_notification

from storefront_mcp.access.caller import GUEST
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.dispatch import ResponseStream, endpoint_context
from storefront_mcp.mcp.endpoint import JsonRpcEndpoint
from storefront_mcp.mcp.jsonrpc import JsonRpcError
from storefront_mcp.mcp.prepared import PreparedResponses
from storefront_mcp.mcp.request_state import REQUEST_STATE_TTL_SECONDS, RequestStateSigner
from storefront_mcp.tools.content import ContentBlocks
from storefront_mcp.tools.tool import tool
from storefront_mcp.tools.tool_context import ToolContext
from tests.external.conformance.fixtures.saying import Nothing, says
from tests.external.conformance.serving import fixture_roadmap
from tests.fakes.memory_backend import MemoryBackend, shop_on
from tests.unit.mcp.requests import (
    HANDSHAKE,
    META,
    MODERN,
    NEWEST,
    VERSIONS,
    Json,
    asked,
    endpoint,
    error,
    headers,
    message,
    post,
)

PARAMS, CAPABILITY = -32602, -32021


@tool()
async def back_and_forth(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
    """Tell progress that does not always grow, and log at every level."""
    for done in (0, 10, 10, 5, 20, -1):
        await context.progress(done, 20, f"{done} of 20")
    for level in ("debug", "info", "warning", "emergency"):
        await context.log(level, level)  # type: ignore[arg-type]
    return says("Done.")


def fixtures() -> JsonRpcEndpoint:
    return endpoint(fixture_roadmap(back_and_forth))


def call(
    name: str, version: str = NEWEST, *, about: Json | None = None, method: str = "tools/call", **params: Any
) -> tuple[Json, list[tuple[bytes, bytes]]]:
    """A call with more in its `_meta`."""
    params = {"name": name, "arguments": {}, **params}
    if version in MODERN:
        body, sent = asked(method, version, params, request_id="c-1")
        body["params"]["_meta"] |= about or {}
        return body, sent
    return message(method, params | ({"_meta": about} if about else {}), request_id="c-1"), headers(version=version)


async def heard(to: JsonRpcEndpoint, body: Json, sent: list[tuple[bytes, bytes]]) -> list[Json]:
    """All messages of an answer, one when it is no stream."""
    answer = await to.post(RequestOrigin(headers=sent), json.dumps(body).encode(), GUEST)
    if isinstance(answer, ResponseStream):
        return [json.loads(one) async for one in answer.messages]
    return [json.loads(answer.body)]


@pytest.mark.proves("progress.asked-for", "progress.grows", "http.stream-ends-with-answer")
@pytest.mark.parametrize("token", ["t", 0, 7, ""])
@pytest.mark.parametrize("version", VERSIONS)
async def test_progress_grows_under_its_token_and_ends_before_the_answer(version: str, token: Any) -> None:
    *told, last = await heard(fixtures(), *call("back_and_forth", version, about={"progressToken": token}))
    assert [one["method"] for one in told] == ["notifications/progress"] * 3
    assert [one["params"]["progress"] for one in told] == [0, 10, 20]
    for one in told:
        assert one["params"]["progressToken"] == token
        assert type(one["params"]["progressToken"]) is type(token)
        assert "id" not in one
        parse_server_notification(one["method"], version, one["params"])
    assert (last["id"], last["result"]["content"][0]["text"]) == ("c-1", "Done.")


@pytest.mark.proves("progress.asked-for", "http.stream-when-needed")
@pytest.mark.parametrize("version", VERSIONS)
async def test_without_a_token_nothing_is_told_and_the_answer_is_plain(version: str) -> None:
    body, sent = call("back_and_forth", version)
    assert json.loads((await post(fixtures(), body, sent)).body)["result"]["isError"] is False
    spoken = await fixtures().post(*_posted(*call("back_and_forth", version, about={"progressToken": 1})), GUEST)
    assert isinstance(spoken, ResponseStream)
    await spoken.messages.aclose()


def _posted(body: Json, sent: list[tuple[bytes, bytes]]) -> tuple[RequestOrigin, bytes]:
    return RequestOrigin(headers=sent), json.dumps(body).encode()


@pytest.mark.proves("progress.token")
@pytest.mark.parametrize("token", [None, {}, [], True, 1.5, {"a": [1]}])
@pytest.mark.parametrize("version", ["2025-11-25", NEWEST])
async def test_what_is_no_token_is_none(version: str, token: Any) -> None:
    body, sent = call("back_and_forth", version, about={"progressToken": token})
    assert json.loads((await post(fixtures(), body, sent)).body)["result"]["isError"] is False


@pytest.mark.proves("logging.asked-for")
@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, []),
        ("debug", ["debug", "info", "warning", "emergency"]),
        ("warning", ["warning", "emergency"]),
        ("emergency", ["emergency"]),
    ],
)
async def test_log_messages_come_from_the_level_that_was_named(level: str | None, expected: list[str]) -> None:
    about = {} if level is None else {META + "logLevel": level}
    *told, last = await heard(fixtures(), *call("back_and_forth", about=about))
    assert [one["params"]["level"] for one in told] == expected
    for one in told:
        parse_server_notification("notifications/message", NEWEST, one["params"])
    assert "result" in last


@pytest.mark.proves("logging.asked-for")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_nobody_is_logged_to_who_cannot_have_asked(version: str) -> None:
    (only,) = await heard(fixtures(), *call("back_and_forth", version, about={META + "logLevel": "debug"}))
    assert only["result"]["isError"] is False


class Long:
    """A tool that tells when it has begun, and whether it came to its end."""

    def __init__(self) -> None:
        self.may_end, self.ended = asyncio.Event(), asyncio.Event()
        self.stopped = asyncio.Event()

        @tool()
        async def long_work(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
            """Work for as long as it takes."""
            await context.progress(0)
            try:
                await self.may_end.wait()
            except asyncio.CancelledError:
                self.stopped.set()
                raise
            self.ended.set()
            return says("Done.")

        self.endpoint = endpoint(fixture_roadmap(long_work))

    async def hung_up_on(self, version: str) -> None:
        """Call it, hear its first word, and hang up."""
        answer = await self.endpoint.post(*_posted(*call("long_work", version, about={"progressToken": 1})), GUEST)
        assert isinstance(answer, ResponseStream)
        assert json.loads(await anext(answer.messages))["method"] == "notifications/progress"
        await answer.messages.aclose()


@pytest.mark.proves("cancel.hanging-up")
async def test_hanging_up_takes_a_call_back_in_the_modern_form() -> None:
    long = Long()
    await long.hung_up_on(NEWEST)
    async with asyncio.timeout(60):
        await long.stopped.wait()
    assert not long.ended.is_set()


@pytest.mark.proves("cancel.not-by-hanging-up")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_hanging_up_is_no_cancellation_in_the_handshake_era(version: str) -> None:
    long = Long()
    await long.hung_up_on(version)
    long.may_end.set()
    async with asyncio.timeout(60):
        await long.ended.wait()
    assert not long.stopped.is_set()


# Multi round-trip requests -------------------------------------------------------------------------------------------

ASKING = {META + "clientCapabilities": {"elicitation": {}, "sampling": {}, "roots": {}}}
STATEFUL = "test_input_required_result_request_state"


async def asked_back(to: JsonRpcEndpoint, name: str, **params: Any) -> Json:
    """One round: the result, whichever kind it is."""
    (told,) = await heard(to, *call(name, about=ASKING, **params))
    result: Json = told["result"]
    return result


def form(**content: Any) -> Json:
    return {"action": "accept", "content": content}


@pytest.mark.proves("rounds.ask", "caching.nothing-else", "results.envelope")
async def test_a_call_asks_and_is_completed_by_a_retry() -> None:
    to = fixtures()
    first = await asked_back(to, "test_input_required_result_multi_round")
    assert first["resultType"] == "input_required"
    assert first["inputRequests"]["step1"]["method"] == "elicitation/create"
    assert first["_meta"][META + "serverInfo"]["name"]
    assert first.keys().isdisjoint({"ttlMs", "cacheScope", "content"})
    second = await asked_back(
        to,
        "test_input_required_result_multi_round",
        inputResponses={"step1": form(name="Ada")},
        requestState=first["requestState"],
    )
    assert list(second["inputRequests"]) == ["step2"]
    assert second["requestState"] != first["requestState"]
    # Nothing is remembered here: another process completes it as well, if it has the key.
    third = await asked_back(
        fixtures(),
        "test_input_required_result_multi_round",
        inputResponses={"step2": form(color="green")},
        requestState=second["requestState"],
    )
    assert (third["resultType"], third["content"][0]["text"]) == ("complete", "Ada likes green.")


@pytest.mark.proves("rounds.only-declared", "errors.capability")
@pytest.mark.parametrize(
    ("name", "declared", "needed"),
    [
        ("test_input_required_result_elicitation", {}, {"elicitation": {}}),
        ("test_input_required_result_elicitation", {"elicitation": {"url": {}}}, {"elicitation": {}}),
        ("test_input_required_result_sampling", {"elicitation": {}}, {"sampling": {}}),
        ("test_input_required_result_list_roots", {"elicitation": {}}, {"roots": {}}),
        ("test_missing_capability", {}, {"sampling": {}}),
    ],
)
async def test_nobody_is_asked_what_they_did_not_declare(name: str, declared: Json, needed: Json) -> None:
    status, told = await error(fixtures(), *call(name, about={META + "clientCapabilities": declared}))
    assert (status, told["error"]["code"]) == (400, CAPABILITY)
    assert told["error"]["data"] == {"requiredCapabilities": needed}


@pytest.mark.proves("errors.codes", "rounds.not-then")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_the_code_for_a_missing_capability_is_unknown_to_older_clients(version: str) -> None:
    status, told = await error(fixtures(), *call("test_missing_capability", version))
    assert (status, told["error"]["code"]) == (200, -32603)
    assert "sampling" in told["error"]["message"]
    assert told["error"]["data"] == {"code": "missing_client_capability"}


@pytest.mark.proves("rounds.only-declared")
async def test_what_was_declared_may_be_asked() -> None:
    body, sent = call("test_input_required_result_capabilities", about={META + "clientCapabilities": {"sampling": {}}})
    (told,) = await heard(fixtures(), body, sent)
    assert [one["method"] for one in told["result"]["inputRequests"].values()] == ["sampling/createMessage"]


@pytest.mark.proves("rounds.again")
@pytest.mark.parametrize(
    "answers",
    [{}, {"wrong": form(name="Ada")}, {"user_name": "Ada"}, {"user_name": form()}, {"user_name": None}, [], 7],
)
async def test_an_answer_that_is_missing_or_of_another_form_is_asked_for_again(answers: Any) -> None:
    told = await asked_back(fixtures(), "test_input_required_result_elicitation", inputResponses=answers)
    assert (told["resultType"], list(told["inputRequests"])) == ("input_required", ["user_name"])


@pytest.mark.proves("rounds.again")
async def test_answers_to_nothing_are_ignored() -> None:
    answers = {"user_name": form(name="Ada"), "another": form(x=1), "third": 7}
    told = await asked_back(fixtures(), "test_input_required_result_elicitation", inputResponses=answers)
    assert told["content"][0]["text"] == "Hello, Ada!"


async def refused(state: Any, name: str = STATEFUL, **params: Any) -> None:
    body, sent = call(name, about=ASKING, requestState=state, inputResponses={"confirm": form(ok=True)}, **params)
    status, told = await error(fixtures(), body, sent)
    assert (status, told["error"]["code"]) == (400, PARAMS)


@pytest.mark.proves("rounds.sealed")
@pytest.mark.parametrize(
    "change", [lambda state: state[:-1], lambda state: "x" + state, str.swapcase, lambda _: "", str]
)
async def test_state_that_was_touched_is_refused(change: Any) -> None:
    state = (await asked_back(fixtures(), STATEFUL))["requestState"]
    if change is str:
        told = await asked_back(fixtures(), STATEFUL, requestState=state, inputResponses={"confirm": form(ok=True)})
        assert told["content"][0]["text"] == "state-ok"
    else:
        await refused(change(state))


@pytest.mark.proves("rounds.sealed")
@pytest.mark.parametrize("state", [7, None, {}, [], "v1.opaque", "a.b.c", "\x00", "💥"])
async def test_state_that_was_made_up_is_refused(state: Any) -> None:
    await refused(state)


@pytest.mark.proves("rounds.sealed")
@given(st.text(max_size=80))
def test_no_made_up_state_opens(sealed: str) -> None:
    with pytest.raises(JsonRpcError):
        RequestStateSigner(b"a key").verify(sealed, bound_to="x")


@pytest.mark.proves("rounds.sealed")
def test_state_is_good_for_a_while_and_under_its_key_only() -> None:
    now = 1_000.0
    signer = RequestStateSigner(b"a key", now=lambda: now)
    sealed = signer.sign({"a": 1}, bound_to="x")
    now += REQUEST_STATE_TTL_SECONDS
    assert signer.verify(sealed, bound_to="x") == {"a": 1}
    with pytest.raises(JsonRpcError):
        RequestStateSigner(b"another key", now=lambda: now).verify(sealed, bound_to="x")
    now += 1
    with pytest.raises(JsonRpcError):
        signer.verify(sealed, bound_to="x")


@pytest.mark.proves("rounds.bound")
async def test_state_belongs_to_one_call_with_one_set_of_arguments() -> None:
    state = (await asked_back(fixtures(), STATEFUL))["requestState"]
    await refused(state, name="test_input_required_result_tampered_state")
    await refused(state, arguments={"more": 1})
    await refused(state, arguments=None)


@pytest.mark.proves("rounds.bound", "envelope.depth")
@pytest.mark.parametrize("arguments", [b"[" * 965 + b"]" * 965, b'{"a":' + b"9" * 5000 + b"}"], ids=["deep", "large"])
async def test_arguments_that_cannot_be_read_belong_to_no_state(arguments: bytes) -> None:
    body, sent = call(STATEFUL, about=ASKING, requestState="x", arguments="@")
    status, told = await error(fixtures(), json.dumps(body).encode().replace(b'"@"', arguments), sent)
    assert (status, told["error"]["code"]) in {(400, PARAMS), (400, -32700)}


@pytest.mark.proves("rounds.prompts")
async def test_a_prompt_asks_as_tools_do() -> None:
    name = "test_input_required_result_prompt"
    first = await asked_back(fixtures(), name, method="prompts/get")
    assert (first["resultType"], list(first["inputRequests"])) == ("input_required", ["user_context"])
    answers = {"user_context": form(context="a wedding")}
    second = await asked_back(fixtures(), name, method="prompts/get", inputResponses=answers)
    assert "a wedding" in second["messages"][0]["content"]["text"]


@pytest.mark.proves("rounds.not-then")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_who_cannot_be_asked_gets_no_question(version: str) -> None:
    body, sent = call("test_input_required_result_elicitation", version)
    (told,) = await heard(fixtures(), body, sent)
    assert "inputRequests" not in json.dumps(told)
    assert told["error"]["code"] == -32603


@pytest.mark.proves("errors.internal")
async def test_a_call_that_breaks_after_its_first_word_says_so_at_the_end_of_the_stream() -> None:
    @tool()
    async def half_way(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
        """Break in the middle."""
        await context.progress(1)
        raise RuntimeError("password=hunter2")

    shop = shop_on(MemoryBackend())
    to = JsonRpcEndpoint(endpoint_context(shop, b"a key"), PreparedResponses(shop.store, fixture_roadmap(half_way)))
    *told, last = await heard(to, *call("half_way", about={"progressToken": 1}))
    assert len(told) == 1
    assert (last["id"], last["error"]["code"]) == ("c-1", -32603)
    assert "hunter2" not in json.dumps(last)
