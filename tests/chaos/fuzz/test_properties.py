"""Laws that hold for whatever is sent, piece by piece."""

import asyncio
import base64
import contextlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import assume, example, given, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule
from msgspec import UNSET, Raw

from storefront_mcp.access.stream_quota import StreamQuota
from storefront_mcp.mcp.header_arguments import (
    BASE64_PREFIX,
    BASE64_SUFFIX,
    HeaderArgument,
    check_header_arguments,
    decode_value,
)
from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError
from storefront_mcp.mcp.message import read_message, read_routing
from storefront_mcp.mcp.results import response_bytes
from storefront_mcp.mcp.subscriptions import (
    CHANGE_NOTIFICATIONS,
    MAX_BACKLOG_MESSAGES,
    StreamListener,
    StreamSubscriptions,
)
from storefront_mcp.mcp.tool_context import ClientToolContext
from storefront_mcp.web.body import MAX_BODY_BYTES, BodyRefused, read_body
from tests.fakes.memory_backend import OPEN
from tests.unit.mcp.requests import HANDSHAKE, VERSIONS, asked, endpoint, headers, message, post

SERVED = endpoint()
GIVEN = {one.name for phase in OPEN.phases for one in (*phase.manifest.tools, *phase.manifest.prompts)}
IDS = st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def coated(raw: bytes) -> str:
    return f"{BASE64_PREFIX}{base64.b64encode(raw).decode()}{BASE64_SUFFIX}"


@pytest.mark.proves("headers.base64")
@given(st.text())
def test_what_was_put_into_a_coat_comes_out_of_it(text: str) -> None:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raw = b""
    assert decode_value(coated(raw)) == raw.decode()


@pytest.mark.proves("headers.base64")
@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_coat_fits_one_text_only(raw: bytes) -> None:
    """Whatever stands between the markers: the one spelling of a text, or nothing."""
    value = BASE64_PREFIX + raw.decode("latin-1") + BASE64_SUFFIX
    try:
        text = decode_value(value)
    except JsonRpcError as refused:
        assert refused.code is ErrorCode.HEADER_MISMATCH  # noqa: PT017 -- either is fine
    else:
        assert coated(text.encode()) == value


@given(st.text(max_size=40).filter(lambda text: not (text.startswith(BASE64_PREFIX) and text.endswith(BASE64_SUFFIX))))
def test_without_both_markers_a_value_is_what_it_is(value: str) -> None:
    assert decode_value(value) == value


@pytest.mark.proves("headers.once", "headers.white-space")
@given(st.lists(st.tuples(st.sampled_from([b"mcp-method", b"mcp-name", b"x"]), st.sampled_from([b"a", b" b\t", b""]))))
def test_routing_is_trimmed_and_what_comes_twice_is_noticed(sent: list[tuple[bytes, bytes]]) -> None:
    routing = read_routing(sent)
    for name, found in ((b"mcp-method", routing.method), (b"mcp-name", routing.name)):
        values = [value for key, value in sent if key == name]
        assert found == (values[-1].decode().strip() if values else None)
    names = [name for name, _ in sent if name != b"x"]
    assert (routing.repeated is not None) is (len(names) > len(set(names)))


PLAIN = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", categories=["L"]), min_size=1)


@pytest.mark.proves("headers.parameters", "headers.absent-parameters")
@given(PLAIN, PLAIN)
def test_a_header_passes_only_for_the_argument_that_it_repeats(argument: Any, said: Any) -> None:
    def written(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    sent = [] if said is None else [(b"mcp-param-x", written(said).encode())]
    arguments = Raw(json.dumps({"x": argument}).encode())
    same = (argument is None) is (said is None) and written(argument) == written(said)
    with contextlib.nullcontext() if same else pytest.raises(JsonRpcError, match="Mcp-Param-X"):
        check_header_arguments([HeaderArgument("mcp-param-x", ("x",))], sent, arguments)


@pytest.mark.proves("envelope.id-comes-back")
@given(IDS)
def test_an_id_survives_the_way_there_and_back(request_id: Any) -> None:
    read = read_message(json.dumps(message("ping", request_id=request_id)).encode()).id
    assert read is not UNSET
    back = json.loads(response_bytes(read, b"{}"))["id"]
    assert (type(back), back) == (type(request_id), request_id)


@pytest.mark.proves("batch.served")
@given(
    st.lists(st.tuples(IDS | st.none(), st.sampled_from(["ping", "tools/list", "nonsense"])), min_size=1, max_size=20)
)
def test_an_array_is_what_its_requests_would_be_one_by_one(batch: list[tuple[Any, str]]) -> None:
    def one(request_id: Any, method: str) -> Any:
        whole = message(method, request_id=request_id)
        return {key: value for key, value in whole.items() if value is not None}

    async def together_and_alone() -> tuple[bytes, list[Any]]:
        sent = headers(version="2025-03-26")
        together = await post(SERVED, [one(*entry) for entry in batch], sent)
        alone = [await post(SERVED, one(*entry), sent) for entry in batch]
        return together.body, [json.loads(answer.body) for answer in alone if answer.body]

    together, alone = asyncio.run(together_and_alone())
    assert (json.loads(together) if together else []) == alone


@pytest.mark.proves("lifecycle.agrees", "lifecycle.counter-offer")
@given(st.sampled_from(VERSIONS) | st.text(max_size=12))
def test_the_handshake_agrees_on_what_was_asked_or_offers_the_newest(requested: str) -> None:
    body = message("initialize", {"protocolVersion": requested.encode("utf-8", "replace").decode()})
    told = json.loads(asyncio.run(post(SERVED, body)).body)["result"]["protocolVersion"]
    assert told == (requested if requested in HANDSHAKE else HANDSHAKE[-1])


@pytest.mark.proves("errors.unknown-tool", "errors.unknown-prompt", "errors.unknown-resource")
@given(
    st.sampled_from(VERSIONS),
    st.sampled_from([("tools/call", "name"), ("prompts/get", "name"), ("resources/read", "uri")]),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=80),
)
@example(VERSIONS[0], ("tools/call", "name"), "get_shipping_methods")
def test_no_name_that_we_never_gave_leads_anywhere(version: str, subject: tuple[str, str], name: str) -> None:
    method, member = subject
    # Hypothesis also tries words of the code.
    assume(name not in GIVEN and "://" not in name)
    told = json.loads(asyncio.run(post(SERVED, *asked(method, version, {member: name}))).body)
    assert told["error"]["code"] in {-32602, -32002}


@pytest.mark.proves("progress.grows")
@given(st.lists(st.floats(min_value=-10, max_value=1e9) | st.integers(-10, 100)))
def test_whatever_a_tool_tells_progress_only_grows(steps: list[float]) -> None:
    async def told() -> list[float]:
        context = ClientToolContext(
            can_ask=True, capabilities={}, answers={}, state=None, progress_token="t", log_level=None
        )
        for done in steps:
            await context.progress(done)
        context.finish()
        return [json.loads(said)["params"]["progress"] async for said in context.messages()]

    heard = asyncio.run(told())
    assert all(before < after for before, after in itertools.pairwise(heard))
    assert set(heard) <= set(steps)
    assert max(heard, default=-1.0) == max([step for step in steps if step > -1], default=-1.0)


@pytest.mark.proves("http.too-large")
@given(st.lists(st.integers(0, MAX_BODY_BYTES), max_size=5), st.booleans())
def test_a_body_is_taken_whole_or_not_at_all(sizes: list[int], ends: bool) -> None:
    pieces = [{"type": "http.request", "body": bytes(size), "more_body": True} for size in sizes]
    pieces.append({"type": "http.request", "body": b"", "more_body": False} if ends else {"type": "http.disconnect"})

    async def receive() -> Any:
        return pieces.pop(0)

    if ends and sum(sizes) <= MAX_BODY_BYTES:
        assert len(asyncio.run(read_body([], receive))) == sum(sizes)
        return
    with pytest.raises(BodyRefused) as refused:
        asyncio.run(read_body([], receive))
    assert refused.value.status == (413 if sum(sizes) > MAX_BODY_BYTES else 0)


class Timeless:
    """A timer that never ends anything."""

    def cancel(self) -> None:
        pass


class Listening(RuleBasedStateMachine):
    """Any order of joining, changing, reading and leaving: each hears what it asked for, and no stream is lost."""

    MOST = 3
    joined = Bundle("joined")

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions = StreamSubscriptions(StreamQuota(at_most=self.MOST, later=lambda *_: Timeless()))
        self.expected: dict[StreamListener, list[str]] = {}
        self.number = 0

    @rule(target=joined, wanted=st.sets(st.sampled_from([*CHANGE_NOTIFICATIONS, "nonsense"])))
    def join(self, wanted: set[str]) -> Any:
        self.number += 1
        open_now = len(self.subscriptions._listeners)
        listener = self.subscriptions.join(self.number, wanted)
        assert (listener is None) is (open_now == self.MOST)
        if listener is None:
            return None
        assert listener.kinds == wanted & CHANGE_NOTIFICATIONS.keys()
        self.expected[listener] = []
        return listener

    @rule(kind=st.sampled_from([*CHANGE_NOTIFICATIONS]), times=st.integers(1, MAX_BACKLOG_MESSAGES + 2))
    def publish(self, kind: str, times: int) -> None:
        for _ in range(times):
            self.subscriptions.publish(lambda _: [kind])
            for listener, waiting in self.expected.items():
                if kind in listener.kinds and len(waiting) < MAX_BACKLOG_MESSAGES + 1:
                    waiting.append("" if len(waiting) == MAX_BACKLOG_MESSAGES else kind)

    @rule(listener=consumes(joined))
    @precondition(lambda self: self.expected)
    def read_to_the_end(self, listener: StreamListener | None) -> None:
        if listener is None:
            return
        waiting = self.expected.pop(listener)
        if "" not in waiting:
            self.subscriptions._leave(listener)

        async def heard() -> list[Any]:
            return [json.loads(told) async for told in self.subscriptions.messages(listener)]

        first, *told, last = asyncio.run(heard())
        assert first["params"]["notifications"].keys() == listener.kinds
        assert [one["method"] for one in told] == [CHANGE_NOTIFICATIONS[kind] for kind in waiting if kind]
        assert last["id"] == listener.id

    @invariant()
    def no_more_than_allowed(self) -> None:
        assert len(self.subscriptions._listeners) <= self.MOST
        assert all(listener.queue.qsize() <= MAX_BACKLOG_MESSAGES + 1 for listener in self.expected)


TestListening = Listening.TestCase
