"""Calls that say something before they are done: streams that begin with the first word, and end with the answer."""

import asyncio
import contextlib
import json
from typing import Any

import mcp_types._v2026_07_28 as modern_schema
import pytest
from msgspec import Struct

from storefront_mcp.access.caller import GUEST
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.tool_context import LOG_LEVELS
from storefront_mcp.tools.content import ContentBlocks, TextBlock
from storefront_mcp.tools.prompt import prompt
from storefront_mcp.tools.tool import tool
from storefront_mcp.tools.tool_context import (
    FormElicitation,
    InputRequired,
    MissingClientCapability,
    Question,
    RootsRequest,
    SamplingRequest,
    ToolContext,
    UrlElicitation,
)
from tests.unit.mcp.environment import call, check_note, said, stage, streamed
from tests.unit.mcp.requests import HANDSHAKE, META, NEWEST, VERSIONS, asked, error, message, post

LAST = HANDSHAKE[-1]
QUESTIONS: dict[str, Question] = {
    "form": FormElicitation("Name?", {"type": "object", "properties": {"name": {"type": "string"}}}),
    "url": UrlElicitation("Pay", "https://pickle.example/pay"),
    "sample": SamplingRequest(({"role": "user", "content": {"type": "text", "text": "Hi"}},), 10),
    "roots": RootsRequest(),
}
DECLARED: dict[str, Any] = {
    "form": {"elicitation": {}},
    "url": {"elicitation": {"url": {}}},
    "sample": {"sampling": {}},
    "roots": {"roots": {}},
}


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do."""

    what: str


@tool()
async def count(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
    """Count, now and then backwards."""
    await context.progress(0, 3)
    await context.progress(0, 3)
    await context.progress(2, message="two")
    await context.progress(1, 3)
    await context.progress(3, 3, "done")
    return ContentBlocks((TextBlock("counted"),))


@tool()
async def report(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
    """Log once at every level."""
    for level in LOG_LEVELS:
        await context.log(level, {"level": level})  # type: ignore[arg-type]
    return ContentBlocks((TextBlock("reported"),))


@tool()
async def stumble(args: Wish, shop: Shop, context: ToolContext) -> ContentBlocks:
    """Say something, then fail as wished."""
    await context.progress(1)
    match args.what:
        case "down":
            raise ShopDown("a wire was cut")
        case "broken":
            raise RuntimeError("password=hunter2")
    raise MissingClientCapability({"sampling": {}})


@tool()
async def question(args: Wish, shop: Shop, context: ToolContext) -> ContentBlocks | InputRequired:
    """Ask until there is an answer."""
    if context.can_ask and args.what not in context.answers:
        return InputRequired(questions={args.what: QUESTIONS[args.what]}, state={"asked": args.what})
    return ContentBlocks(
        (TextBlock(json.dumps([context.can_ask, context.state, context.answers, context.capabilities])),)
    )


@tool()
async def insist(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks | InputRequired:
    """Ask even those that cannot be asked."""
    return InputRequired(questions={"form": QUESTIONS["form"]})


SERVED = stage(count, report, stumble, question, insist)


@pytest.mark.parametrize("token", [0, 7, "", "a token"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_progress_is_told_with_the_token_and_only_grows(version: str, token: Any) -> None:
    heard = await said(SERVED, *call("count", version, meta={"progressToken": token}), version)
    assert [note["params"] for note in heard[:-1]] == [
        {"progressToken": token, "progress": 0, "total": 3},
        {"progressToken": token, "progress": 2, "message": "two"},
        {"progressToken": token, "progress": 3, "total": 3, "message": "done"},
    ]
    assert {note["method"] for note in heard[:-1]} == {"notifications/progress"}
    assert heard[-1]["result"]["content"] == [{"type": "text", "text": "counted"}]


@pytest.mark.parametrize("token", [None, {}, [], True, 1.5])
@pytest.mark.parametrize("version", VERSIONS)
async def test_without_a_token_that_can_be_repeated_the_answer_is_plain(version: str, token: Any) -> None:
    meta = {} if token is None else {"progressToken": token}
    answer = await post(SERVED, *call("count", version, meta=meta))
    assert json.loads(answer.body)["result"]["content"][0]["text"] == "counted"


@pytest.mark.parametrize("level", LOG_LEVELS)
async def test_logs_come_from_the_level_that_was_asked_for(level: str) -> None:
    heard = await said(SERVED, *call("report", NEWEST, meta={META + "logLevel": level}), NEWEST)
    assert [note["params"]["level"] for note in heard[:-1]] == list(LOG_LEVELS[LOG_LEVELS.index(level) :])
    assert all(note["params"]["data"] == {"level": note["params"]["level"]} for note in heard[:-1])


@pytest.mark.parametrize("version", VERSIONS)
async def test_nobody_who_did_not_ask_hears_logs(version: str) -> None:
    answer = await post(SERVED, *call("report", version))
    assert json.loads(answer.body)["result"]["content"][0]["text"] == "reported"


async def test_an_unknown_log_level_is_refused_before_anything_runs() -> None:
    status, told = await error(SERVED, *call("report", NEWEST, meta={META + "logLevel": "loud"}))
    assert (status, told["error"]["code"]) == (400, -32602)


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        (None, True),
        (b"application/json, text/event-stream", True),
        (b"*/*", True),
        (b"Text/Event-Stream", True),
        (b"application/json", False),
    ],
)
@pytest.mark.parametrize("version", [LAST, NEWEST])
async def test_who_takes_json_alone_gets_json(version: str, accept: bytes | None, streams: bool) -> None:
    body, sent = call("count", version, meta={"progressToken": 1})
    sent = [*sent, *([] if accept is None else [(b"accept", accept)])]
    if streams:
        assert len(await said(SERVED, body, sent, version)) == 4
    else:
        answer = await post(SERVED, body, sent)
        assert json.loads(answer.body)["result"]["content"][0]["text"] == "counted"


async def test_a_talking_tool_in_an_array_answers_without_a_word() -> None:
    params = {"name": "count", "arguments": {}, "_meta": {"progressToken": 1}}
    answer = await post(SERVED, [message("tools/call", params), message("ping", request_id=2)])
    first, second = json.loads(answer.body)
    assert first["result"]["content"][0]["text"] == "counted"
    assert second["result"] == {}


@pytest.mark.parametrize("version", [LAST, NEWEST])
@pytest.mark.parametrize(("what", "code"), [("broken", -32603), ("capability", -32021)])
async def test_a_failure_after_the_first_word_ends_the_stream_as_an_error(version: str, what: str, code: int) -> None:
    heard = await said(SERVED, *call("stumble", version, {"what": what}, meta={"progressToken": 1}), version)
    assert heard[-1]["error"]["code"] == (code if version == NEWEST else -32603)
    assert "hunter2" not in json.dumps(heard)


async def test_a_refusal_after_the_first_word_is_a_result_that_the_model_reads() -> None:
    heard = await said(SERVED, *call("stumble", NEWEST, {"what": "down"}, meta={"progressToken": 1}), NEWEST)
    assert heard[0]["method"] == "notifications/progress"
    assert heard[-1]["result"]["isError"] is True


async def test_wrong_arguments_of_a_talking_tool_are_a_result() -> None:
    answer = await post(SERVED, *call("stumble", NEWEST, {"nope": 1}, meta={"progressToken": 1}))
    assert json.loads(answer.body)["result"]["isError"] is True


class Hanging:
    """The tool waits until the test lets it go on, so that nothing depends on time."""

    def __init__(self) -> None:
        self.go_on, self.ended = asyncio.Event(), asyncio.Event()
        self.outcome = ""

        @tool()
        async def wait(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
            """Say a word, wait, and note how it ended."""
            await context.progress(1)
            try:
                await self.go_on.wait()
                self.outcome = "finished"
            except asyncio.CancelledError:
                self.outcome = "cancelled"
                raise
            finally:
                self.ended.set()
            return ContentBlocks((TextBlock("late"),))

        self.served = stage(wait)


@pytest.mark.parametrize(("version", "outcome"), [(LAST, "finished"), (NEWEST, "cancelled")])
async def test_only_in_the_modern_form_does_hanging_up_take_the_call_back(version: str, outcome: str) -> None:
    house = Hanging()
    messages = await streamed(house.served, *call("wait", version, meta={"progressToken": 1}))
    check_note(json.loads(await anext(messages)), version)
    await messages.aclose()
    house.go_on.set()
    async with asyncio.timeout(60):
        await house.ended.wait()
    assert house.outcome == outcome


@pytest.mark.parametrize("version", [LAST, NEWEST])
async def test_a_request_that_is_dropped_before_the_first_word_stops(version: str) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    @tool()
    async def brood(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks:
        """Say nothing, for ever."""
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return ContentBlocks(())

    body, sent = call("brood", version)
    waiting = asyncio.create_task(stage(brood).post(RequestOrigin(headers=sent), json.dumps(body).encode(), GUEST))
    await started.wait()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(60):
        await stopped.wait()


class TestAsking:
    @pytest.mark.parametrize("kind", QUESTIONS)
    async def test_a_question_goes_out_sealed_and_comes_back_with_its_answer(self, kind: str) -> None:
        able = {META + "clientCapabilities": DECLARED[kind]}
        body, sent = call("question", NEWEST, {"what": kind}, meta=able)
        told = json.loads((await post(SERVED, body, sent)).body)["result"]
        modern_schema.InputRequiredResult.model_validate(told)
        assert told["resultType"] == "input_required"
        assert list(told["inputRequests"]) == [kind]
        assert "ttlMs" not in told

        again = {"inputResponses": {kind: {"action": "accept"}}, "requestState": told["requestState"]}
        body, sent = call("question", NEWEST, {"what": kind}, meta=able, **again)
        done = json.loads((await post(SERVED, body, sent)).body)["result"]
        assert json.loads(done["content"][0]["text"]) == [
            True,
            {"asked": kind},
            {kind: {"action": "accept"}},
            DECLARED[kind],
        ]

    @pytest.mark.parametrize("kind", QUESTIONS)
    @pytest.mark.parametrize("declared", [{}, {"sampling": 1, "roots": [], "elicitation": None}, {"other": {}}])
    async def test_who_did_not_declare_it_is_told_what_is_missing(self, kind: str, declared: Any) -> None:
        body, sent = call("question", NEWEST, {"what": kind}, meta={META + "clientCapabilities": declared})
        status, told = await error(SERVED, body, sent)
        assert (status, told["error"]["code"]) == (400, -32021)
        assert told["error"]["data"] == {"requiredCapabilities": DECLARED[kind]}
        modern_schema.MissingRequiredClientCapabilityError.model_validate(told)

    @pytest.mark.parametrize("version", HANDSHAKE)
    async def test_a_tool_that_looks_before_it_asks_answers_older_clients_at_once(self, version: str) -> None:
        answer = await post(SERVED, *call("question", version, {"what": "form"}))
        told = json.loads(answer.body)["result"]
        assert json.loads(told["content"][0]["text"]) == [False, None, {}, {}]

    @pytest.mark.parametrize("version", HANDSHAKE)
    async def test_a_tool_that_insists_fails_for_older_clients(self, version: str) -> None:
        status, told = await error(SERVED, *call("insist", version))
        assert (status, told["error"]["code"]) == (200, -32603)
        assert "protocol version" in told["error"]["message"]

    @pytest.mark.parametrize("state", ["nonsense", "", 5, None, {"a": 1}, "W10.x"])
    async def test_a_state_that_is_not_ours_is_refused(self, state: Any) -> None:
        status, told = await error(SERVED, *call("question", NEWEST, {"what": "form"}, requestState=state))
        assert (status, told["error"]["code"]) == (400, -32602)
        assert "requestState" in told["error"]["message"]

    @pytest.mark.parametrize(
        ("tool_name", "arguments"), [("question", {"what": "roots"}), ("insist", {}), ("count", {"what": "form"})]
    )
    async def test_a_state_of_another_request_is_refused(self, tool_name: str, arguments: Any) -> None:
        able = {META + "clientCapabilities": DECLARED["form"]}
        first = json.loads((await post(SERVED, *call("question", NEWEST, {"what": "form"}, meta=able))).body)["result"]
        again = {"requestState": first["requestState"]}
        status, told = await error(SERVED, *call(tool_name, NEWEST, arguments, meta=able, **again))
        assert (status, told["error"]["code"]) == (400, -32602)

    async def test_a_tool_may_leave_a_state_without_a_question(self) -> None:
        @tool()
        async def pause(args: Nothing, shop: Shop, context: ToolContext) -> ContentBlocks | InputRequired:
            """Come back later, twice."""
            rounds = context.state or 0
            return InputRequired(state=rounds + 1) if rounds < 2 else ContentBlocks((TextBlock(f"{rounds} rounds"),))

        served, again = stage(pause), {}
        for _ in range(2):
            told = json.loads((await post(served, *call("pause", NEWEST, **again))).body)["result"]
            modern_schema.InputRequiredResult.model_validate(told)
            assert "inputRequests" not in told
            again = {"requestState": told["requestState"]}
        done = json.loads((await post(served, *call("pause", NEWEST, **again))).body)["result"]
        assert done["content"][0]["text"] == "2 rounds"

    async def test_answers_of_another_shape_are_no_answers(self) -> None:
        able = {META + "clientCapabilities": DECLARED["form"]}
        answer = await post(SERVED, *call("question", NEWEST, {"what": "form"}, meta=able, inputResponses=[1]))
        assert json.loads(answer.body)["result"]["resultType"] == "input_required"


class TestPrompts:
    @prompt()
    @staticmethod
    async def ask_first(args: Wish, shop: Shop, context: ToolContext) -> str | InputRequired:  # noqa: ARG004 -- a prompt's form
        """Ask, then speak."""
        if args.what == "need":
            raise MissingClientCapability({"sampling": {}})
        return "Spoken." if context.answers else InputRequired(questions={"form": QUESTIONS["form"]})

    async def test_a_prompt_may_ask_and_need_as_a_tool_does(self) -> None:
        served = stage(count, prompts=[self.ask_first])
        for arguments, declared, code in (
            ({"what": "form"}, {}, -32021),
            ({"what": "need"}, {"elicitation": {}}, -32021),
        ):
            body, sent = asked("prompts/get", NEWEST, {"name": "ask_first", "arguments": arguments})
            body["params"]["_meta"][META + "clientCapabilities"] = declared
            status, told = await error(served, body, sent)
            assert (status, told["error"]["code"]) == (400, code)
        body, sent = asked("prompts/get", NEWEST, {"name": "ask_first", "arguments": {"what": "form"}})
        body["params"]["_meta"][META + "clientCapabilities"] = {"elicitation": {}}
        told = json.loads((await post(served, body, sent)).body)["result"]
        assert told["inputRequests"]["form"]["method"] == "elicitation/create"
        body["params"]["inputResponses"] = {"form": {"action": "decline"}}
        told = json.loads((await post(served, body, sent)).body)["result"]
        assert told["messages"] == [{"role": "user", "content": {"type": "text", "text": "Spoken."}}]
