"""What is a request, of which era, and which refusal comes first."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.mcp.endpoint import MAX_BATCH_MESSAGES
from storefront_mcp.mcp.message import read_routing
from storefront_mcp.web.body import first_of_each
from tests.fakes.memory_backend import MemoryBackend, roadmap
from tests.unit.mcp.requests import (
    HANDSHAKE,
    META,
    NEWEST,
    VERSIONS,
    Headers,
    asked,
    claim,
    endpoint,
    error,
    headers,
    message,
    post,
    result,
)

PARSE, INVALID, UNKNOWN, PARAMS, MISMATCH, UNSUPPORTED = -32700, -32600, -32601, -32602, -32020, -32022
MODERN_HEADERS = headers(version=NEWEST, method="tools/list")
SEARCH = {"name": "search_products", "arguments": {"query": "paddle"}}


@pytest.mark.proves("envelope.parse-error", "envelope.no-null-id")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"{'jsonrpc':'2.0'}",
        b'{"jsonrpc":"2.0","id":1,"method":"ping"} trailing',
        b'{"jsonrpc":3,"id":1,"method":"ping"',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"\xff"}}',
        b"\xff\xfe{}",
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize("sent", [[], headers(version="2025-03-26")], ids=["no header", "2025-03-26"])
async def test_what_does_not_parse_is_a_400_without_an_id(body: bytes, sent: Headers) -> None:
    status, told = await error(endpoint(), body, sent)
    assert (status, told["error"]["code"]) == (400, PARSE)
    assert "id" not in told


@pytest.mark.proves("envelope.invalid", "envelope.no-null-id")
@pytest.mark.parametrize(
    ("body", "has_id"),
    [
        ("text", False),
        (7, False),
        (None, False),
        ({}, False),
        ({"id": 1, "method": "ping"}, True),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, True),
        ({"jsonrpc": 2.0, "id": 1, "method": "ping"}, True),
        ({"jsonrpc": "2.0", "id": 1, "method": 7}, True),
        ({"jsonrpc": "2.0", "id": 1}, True),
        ({"jsonrpc": "2.0", "result": {}}, False),
        ({"jsonrpc": "2.0", "id": None, "result": {}}, False),
        *[
            ({"jsonrpc": "2.0", "id": wrong, "method": "ping"}, False)
            for wrong in (None, True, False, 1.5, 1e300, [], {}, ["a"])
        ],
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("sent", [[], MODERN_HEADERS], ids=["legacy", "modern"])
async def test_a_bad_envelope_is_a_400_in_both_eras(body: Any, has_id: bool, sent: Headers) -> None:
    status, told = await error(endpoint(), body, sent)
    assert (status, told["error"]["code"]) == (400, INVALID)
    assert ("id" in told) is has_id


@pytest.mark.proves("envelope.posted-response")
@pytest.mark.parametrize("answer", [{"result": {}}, {"error": {"code": 1, "message": "no"}}], ids=json.dumps)
async def test_a_response_is_dropped_in_the_era_whose_clients_send_some(answer: Any) -> None:
    body = {"jsonrpc": "2.0", "id": 1, **answer}
    for sent in ([], headers(version="2025-11-25")):
        dropped = await post(endpoint(), body, sent)
        assert (dropped.status, dropped.body) == (202, b"")
    status, told = await error(endpoint(), body, MODERN_HEADERS)
    assert (status, told["error"]["code"]) == (400, INVALID)


@pytest.mark.proves("envelope.id-comes-back")
@pytest.mark.parametrize("request_id", [0, 1, -7, 2**53 + 1, 10**30, "", "a", "✓", "x" * 500, '"\\\n'])
@pytest.mark.parametrize("version", VERSIONS)
async def test_an_id_comes_back_as_it_was_sent(request_id: Any, version: str) -> None:
    body, sent = asked("tools/list", version, request_id=request_id)
    assert json.loads((await post(endpoint(), body, sent)).body)["id"] == request_id
    body, sent = asked("nonsense", version, request_id=request_id)
    assert json.loads((await post(endpoint(), body, sent)).body)["id"] == request_id


@pytest.mark.proves("lifecycle.agrees")
@pytest.mark.parametrize("version", HANDSHAKE)
async def test_the_handshake_agrees_on_the_version_that_was_asked_for(version: str) -> None:
    hello = await result(endpoint(), "initialize", version, {"protocolVersion": version, "capabilities": {}})
    assert hello["protocolVersion"] == version


@pytest.mark.proves("lifecycle.counter-offer")
@pytest.mark.parametrize("requested", ["2026-07-28", "2099-01-01", "banana", "", "2024-10-07"])
async def test_an_unknown_version_gets_a_counter_offer(requested: str) -> None:
    told = json.loads((await post(endpoint(), message("initialize", {"protocolVersion": requested}))).body)
    assert told["result"]["protocolVersion"] == "2025-11-25"


@pytest.mark.proves("lifecycle.needs-a-version")
@pytest.mark.parametrize("params", [None, {}, {"protocolVersion": 7}, {"protocolVersion": None}])
async def test_a_handshake_without_a_version_is_told_so_in_band(params: Any) -> None:
    status, told = await error(endpoint(), message("initialize", params), [])
    assert (status, told["error"]["code"]) == (200, PARAMS)


@pytest.mark.proves("lifecycle.era", "lifecycle.contradiction")
@pytest.mark.parametrize(
    ("body", "sent", "expected"),
    [
        # Legacy version headers on initialize are ignored, whichever they are.
        (message("initialize", {"protocolVersion": "2025-06-18"}), headers(version="2025-11-25"), "2025-06-18"),
        # Part of a claim, or one for a version of the handshake era, does not make it modern.
        (message("initialize", {"protocolVersion": "2025-06-18", "_meta": {"progressToken": 1}}), [], "2025-06-18"),
        (
            message("initialize", {"protocolVersion": "2025-06-18", "_meta": {META + "protocolVersion": NEWEST}}),
            [],
            "2025-06-18",
        ),
        (
            message("initialize", {"protocolVersion": "2025-06-18", "_meta": claim("2025-06-18")}),
            headers(version="2025-06-18"),
            "2025-06-18",
        ),
        # A complete claim makes it modern, and there is no such method.
        (
            message("initialize", {"protocolVersion": "2025-06-18", "_meta": claim()}),
            headers(version=NEWEST, method="initialize"),
            (404, UNKNOWN),
        ),
        (message("initialize", {"_meta": claim()}), [], (400, MISMATCH)),
        # A modern header around a legacy handshake contradicts itself.
        (message("initialize", {"protocolVersion": "2025-06-18"}), headers(version=NEWEST), (400, MISMATCH)),
        (message("initialize", {"protocolVersion": "2025-06-18"}), headers(version="banana"), (400, MISMATCH)),
    ],
)
async def test_initialize_selects_the_handshake_unless_it_claims_otherwise(
    body: Any, sent: Headers, expected: str | tuple[int, int]
) -> None:
    answer = await post(endpoint(), body, sent)
    told = json.loads(answer.body)
    if isinstance(expected, str):
        assert told["result"]["protocolVersion"] == expected
    else:
        assert (answer.status, told["error"]["code"]) == expected


NOTE = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@pytest.mark.proves("http.notification-accepted", "cancel.notification")
@pytest.mark.parametrize(
    ("body", "sent", "code"),
    [
        (NOTE, [], None),
        (NOTE, headers(version="2025-06-18"), None),
        ({**NOTE, "method": "notifications/cancelled", "params": {"requestId": 1}}, [], None),
        ({**NOTE, "method": "anything at all"}, [], None),
        ({**NOTE, "method": "tools/call"}, [], None),
        (NOTE, headers(version=NEWEST), None),
        ({**NOTE, "params": {"_meta": claim()}}, [], None),
        ({**NOTE, "params": {"_meta": claim()}}, headers(version=NEWEST), None),
        (NOTE, headers(version="2099-01-01"), UNSUPPORTED),
        ({**NOTE, "params": {"_meta": claim("2099-01-01")}}, [], UNSUPPORTED),
        ({**NOTE, "params": {"_meta": claim("2025-06-18")}}, [], UNSUPPORTED),
    ],
)
async def test_a_notification_is_taken_and_dropped_if_its_version_is_served(
    body: Any, sent: Headers, code: int | None
) -> None:
    memory_backend = MemoryBackend()
    answer = await post(endpoint(memory_backend=memory_backend), body, sent)
    if code is None:
        assert (answer.status, answer.body) == (202, b"")
    else:
        assert answer.status == 400
        assert json.loads(answer.body)["error"]["code"] == code
        assert "id" not in json.loads(answer.body)
    assert memory_backend.asked == []


LADDER: list[tuple[str, Any, Headers, int, int]] = [
    (
        "1: the version header twice",
        message("tools/list", {"_meta": {}}),
        [*MODERN_HEADERS, *headers(version=NEWEST)],
        400,
        MISMATCH,
    ),
    ("1: Mcp-Method twice", message("tools/list"), [*MODERN_HEADERS, *headers(method="tools/list")], 400, MISMATCH),
    (
        "1: Mcp-Name twice",
        message("tools/call", {**SEARCH, "_meta": claim()}),
        headers(version=NEWEST, method="tools/call", name="search_products") + headers(name="search_products"),
        400,
        MISMATCH,
    ),
    ("2: no params", message("tools/list"), MODERN_HEADERS, 400, PARAMS),
    ("2: no _meta", message("tools/list", {}), MODERN_HEADERS, 400, PARAMS),
    ("2: _meta is no object", message("tools/list", {"_meta": [1]}), MODERN_HEADERS, 400, PARAMS),
    ("2: params are no object", message("tools/list", [1]), MODERN_HEADERS, 400, PARAMS),
    (
        "2: no version",
        message("tools/list", {"_meta": {META + "clientCapabilities": {}}}),
        MODERN_HEADERS,
        400,
        PARAMS,
    ),
    (
        "2: the version is no string",
        message("tools/list", {"_meta": claim() | {META + "protocolVersion": 7}}),
        MODERN_HEADERS,
        400,
        PARAMS,
    ),
    (
        "2: no capabilities",
        message("tools/list", {"_meta": {META + "protocolVersion": NEWEST}}),
        MODERN_HEADERS,
        400,
        PARAMS,
    ),
    (
        "2: capabilities are no object",
        message("tools/list", {"_meta": claim() | {META + "clientCapabilities": []}}),
        MODERN_HEADERS,
        400,
        PARAMS,
    ),
    ("3: no version header", message("tools/list", {"_meta": claim()}), headers(method="tools/list"), 400, MISMATCH),
    (
        "3: another version in the header",
        message("tools/list", {"_meta": claim()}),
        headers(version="2025-11-25", method="tools/list"),
        400,
        MISMATCH,
    ),
    (
        "3 before 6: neither is served, and they differ",
        message("tools/list", {"_meta": claim("2099-01-01")}),
        headers(version="banana", method="tools/list"),
        400,
        MISMATCH,
    ),
    ("4: no Mcp-Method", message("tools/list", {"_meta": claim()}), headers(version=NEWEST), 400, MISMATCH),
    (
        "4: another case",
        message("tools/list", {"_meta": claim()}),
        headers(version=NEWEST, method="Tools/List"),
        400,
        MISMATCH,
    ),
    (
        "5: no Mcp-Name",
        message("tools/call", {**SEARCH, "_meta": claim()}),
        headers(version=NEWEST, method="tools/call"),
        400,
        MISMATCH,
    ),
    (
        "5: another Mcp-Name",
        message("tools/call", {**SEARCH, "_meta": claim()}),
        headers(version=NEWEST, method="tools/call", name="get_product"),
        400,
        MISMATCH,
    ),
    (
        "5 before 7: also for methods that we lack",
        message("resources/read", {"uri": "shop://x", "_meta": claim()}),
        headers(version=NEWEST, method="resources/read"),
        400,
        MISMATCH,
    ),
    (
        "6: a version that we do not speak",
        message("tools/list", {"_meta": claim("2099-01-01")}),
        headers(version="2099-01-01", method="tools/list"),
        400,
        UNSUPPORTED,
    ),
    (
        "6: a version of the handshake era in a claim",
        message("tools/list", {"_meta": claim("2025-11-25")}),
        headers(version="2025-11-25", method="tools/list"),
        400,
        UNSUPPORTED,
    ),
    (
        "6 before 7: an unknown method in an unknown version",
        message("nonsense", {"_meta": claim("2099-01-01")}),
        headers(version="2099-01-01", method="nonsense"),
        400,
        UNSUPPORTED,
    ),
    *[
        (f"7: {method}", *asked(method, NEWEST, params), 404, UNKNOWN)
        for method, params in [
            ("nonsense", {}),
            ("", {}),
            ("ping", {}),
            ("initialize", {"protocolVersion": "2025-11-25"}),
            ("logging/setLevel", {"level": "info"}),
            ("resources/subscribe", {"uri": "shop://x"}),
            ("tasks/list", {}),
        ]
    ],
    (
        "7 before 8: an unknown method with an unknown log level",
        message("nonsense", {"_meta": claim() | {META + "logLevel": "loud"}}),
        headers(version=NEWEST, method="nonsense"),
        404,
        UNKNOWN,
    ),
    (
        "8: an unknown log level",
        message("tools/list", {"_meta": claim() | {META + "logLevel": "loud"}}),
        MODERN_HEADERS,
        400,
        PARAMS,
    ),
    (
        "8: a log level that is no string",
        message("tools/list", {"_meta": claim() | {META + "logLevel": 3}}),
        MODERN_HEADERS,
        400,
        PARAMS,
    ),
    ("8: a cursor that we never gave", *asked("tools/list", NEWEST, {"cursor": "c2"}), 400, PARAMS),
    ("8: the empty cursor", *asked("tools/list", NEWEST, {"cursor": ""}), 400, PARAMS),
    ("8: no tool named", *asked("tools/call", NEWEST, {"arguments": {}}), 400, PARAMS),
    ("8: a tool's name that is no string", *asked("tools/call", NEWEST, {"name": 7}), 400, PARAMS),
    ("8: an unknown tool", *asked("tools/call", NEWEST, {"name": "nope"}), 400, PARAMS),
]


@pytest.mark.proves(
    "headers.version",
    "headers.method",
    "headers.name",
    "headers.once",
    "headers.order",
    "meta.required",
    "meta.log-level",
    "errors.version",
    "errors.method",
    "errors.cursor",
    "errors.unknown-tool",
)
@pytest.mark.parametrize(
    ("body", "sent", "status", "code"), [row[1:] for row in LADDER], ids=[row[0] for row in LADDER]
)
async def test_the_first_complaint_of_the_modern_ladder_wins(body: Any, sent: Headers, status: int, code: int) -> None:
    memory_backend = MemoryBackend()
    found, told = await error(endpoint(memory_backend=memory_backend), body, sent)
    assert (found, told["error"]["code"]) == (status, code)
    assert told["id"] == 1
    assert memory_backend.asked == []
    if code == UNSUPPORTED:
        claimed = body["params"]["_meta"][META + "protocolVersion"]
        assert told["error"]["data"] == {"supported": [NEWEST], "requested": claimed}


@pytest.mark.proves("http.no-session-id")
@pytest.mark.parametrize(
    "more",
    [
        [(b"mcp-session-id", b"abc"), (b"last-event-id", b"7")],
        headers(name="extra names elsewhere are ignored"),
    ],
)
async def test_headers_that_mean_nothing_here_are_ignored(more: Headers) -> None:
    body, sent = asked("tools/list", NEWEST)
    assert (await post(endpoint(), body, [*sent, *more])).status == 200


@pytest.mark.proves("meta.log-level")
@pytest.mark.parametrize("level", ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"])
async def test_every_log_level_of_the_specification_is_welcome(level: str) -> None:
    body = message("tools/list", {"_meta": claim() | {META + "logLevel": level}})
    assert (await post(endpoint(), body, MODERN_HEADERS)).status == 200


def coated(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.proves("headers.base64", "headers.white-space")
@pytest.mark.parametrize(
    ("name", "header", "code"),
    [
        ("search_products", "  search_products\t", None),
        ("search_products", coated("search_products"), None),
        ("search_products", coated("get_product"), MISMATCH),
        ("search_products", "=?base64?c2VhcmNoX3Byb2R1Y3Rz=?=", MISMATCH),
        ("search_products", "=?base64?!!!!?=", MISMATCH),
        ("search_products", "=?base64?c2VhcmNoX3Byb2R1Y3Rz?= x", MISMATCH),
        ("search_products", "=?BASE64?c2VhcmNoX3Byb2R1Y3Rz?=", MISMATCH),
        ("search_products", "Search_Products", MISMATCH),
        ("search_products", "", MISMATCH),
        # Wrong padding, bits left over, bytes that are no UTF-8: never guessed at.
        ("ab", "=?base64?YWI?=", MISMATCH),
        ("a", "=?base64?YR==?=", MISMATCH),
        ("a", "=?base64?/w==?=", MISMATCH),
        # Both markers or it is a literal.
        ("=?base64?", "=?base64?", PARAMS),
        ("x?=", "x?=", PARAMS),
        ("=?base64?=", "=?base64?=", PARAMS),
        ("", "=?base64??=", PARAMS),
        ("gürkchen", coated("gürkchen"), PARAMS),
        ("gürkchen", "gürkchen", MISMATCH),
    ],
)
async def test_a_name_may_wear_base64_and_must_be_what_it_wraps(name: str, header: str, code: int | None) -> None:
    body = message("tools/call", {"name": name, "arguments": {}, "_meta": claim()})
    answer = await post(endpoint(), body, headers(version=NEWEST, method="tools/call", name=header))
    told = json.loads(answer.body)
    assert told.get("error", {}).get("code") == code


CAPABILITIES: dict[str, list[tuple[str, Any]]] = {
    "resources": [
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": "shop://x"}),
    ],
    "prompts": [("prompts/list", {}), ("prompts/get", {"name": "x"})],
    "completions": [("completion/complete", {})],
    "logging": [("logging/setLevel", {"level": "info"})],
    "tasks": [("tasks/list", {})],
}


@pytest.mark.proves("capabilities.kept")
@pytest.mark.parametrize("version", VERSIONS)
async def test_methods_of_what_is_not_advertised_do_not_exist(version: str) -> None:
    served = endpoint()
    hello = ("server/discover", None) if version == NEWEST else ("initialize", {"protocolVersion": version})
    advertised = (await result(served, hello[0], version, hello[1]))["capabilities"]
    assert "tools" in advertised
    # The oldest version has completion, but no word for it among its capabilities.
    known = {*advertised, "completions"} if version == "2024-11-05" else set(advertised)
    missing = [row for capability in CAPABILITIES.keys() - known for row in CAPABILITIES[capability]]
    assert missing
    for method, params in missing:
        status, told = await error(served, *asked(method, version, params))
        assert (status, told["error"]["code"]) == (404 if version == NEWEST else 200, UNKNOWN), method


LEGACY_ERRORS = [
    ("nonsense", {}, UNKNOWN),
    ("server/discover", {}, UNKNOWN),
    ("tasks/list", {}, UNKNOWN),
    ("tools/list", {"cursor": "c2"}, PARAMS),
    ("tools/call", {}, PARAMS),
    ("tools/call", {"name": 7}, PARAMS),
    ("tools/call", {"name": "nope"}, PARAMS),
    ("tools/call", [1], PARAMS),
    ("tools/call", "text", PARAMS),
]


@pytest.mark.proves("errors.in-band", "errors.cursor", "errors.unknown-tool")
@pytest.mark.parametrize(("method", "params", "code"), LEGACY_ERRORS, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("version", [None, *HANDSHAKE])
async def test_errors_of_the_handshake_era_travel_in_200(
    version: str | None, method: str, params: Any, code: int
) -> None:
    status, told = await error(endpoint(), message(method, params), headers(version=version))
    assert (status, told["error"]["code"], told["id"]) == (200, code, 1)


@pytest.mark.proves("headers.legacy")
async def test_routing_headers_of_the_modern_era_mean_nothing_on_a_legacy_request() -> None:
    sent = headers(version="2025-11-25", method="something/else", name="other") + headers(name="twice")
    assert (await post(endpoint(), message("tools/call", SEARCH), sent)).status == 200


@pytest.mark.proves("lifecycle.without-handshake")
async def test_without_a_version_header_the_first_version_without_one_is_assumed() -> None:
    tools = json.loads((await post(endpoint(), message("tools/list"))).body)["result"]["tools"]
    assert "annotations" in tools[0]
    assert "title" not in tools[0]


@pytest.mark.proves("lifecycle.ping")
async def test_pings_are_answered_with_nothing() -> None:
    for version in HANDSHAKE:
        assert await result(endpoint(), "ping", version) == {}


async def test_a_cursor_of_null_is_one_left_out() -> None:
    body, sent = asked("tools/list", "2025-11-25", {"cursor": None})
    assert "result" in json.loads((await post(endpoint(), body, sent)).body)


@pytest.mark.proves("tools.only-open")
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_closed_phases_tool_is_a_result_that_names_the_phase(version: str) -> None:
    only_browse = endpoint(roadmap("p1_browse", p2_cart="paused"))
    told = await result(only_browse, "tools/call", version, {"name": "create_cart", "arguments": {}})
    assert told["isError"] is True
    assert told["content"][0]["text"].startswith("Cart is closed for now.")


PING = message("ping")


class TestBatches:
    @pytest.mark.proves("batch.served")
    async def test_an_array_is_answered_by_an_array_in_order(self) -> None:
        batch = [
            message("ping", request_id="a"),
            NOTE,
            message("nonsense", request_id=2),
            message("tools/call", SEARCH, request_id=3),
        ]
        for sent in ([], headers(version="2025-03-26")):
            answer = await post(endpoint(), batch, sent)
            told = json.loads(answer.body)
            assert answer.status == 200
            assert [one["id"] for one in told] == ["a", 2, 3]
            assert told[0]["result"] == {}
            assert told[1]["error"]["code"] == UNKNOWN
            assert "structuredContent" not in told[2]["result"]

    @pytest.mark.proves("batch.served")
    async def test_an_array_of_notifications_is_taken_in_silence(self) -> None:
        answer = await post(endpoint(), [NOTE, NOTE])
        assert (answer.status, answer.body) == (202, b"")

    @pytest.mark.proves("batch.nowhere-else")
    @pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18", "2025-11-25", NEWEST, "2099-01-01", "banana", ""])
    async def test_no_other_version_takes_arrays(self, version: str) -> None:
        status, told = await error(endpoint(), [PING], headers(version=version))
        assert (status, told["error"]["code"]) == (400, INVALID)

    @pytest.mark.proves("batch.limits")
    @pytest.mark.parametrize(
        "batch",
        [
            [],
            [PING] * (MAX_BATCH_MESSAGES + 1),
            [PING, message("initialize", {"protocolVersion": "2025-03-26"}, request_id=2)],
            [PING, message("tools/list", {"_meta": claim()}, request_id=2)],
            [PING, {"jsonrpc": "2.0", "id": 2}],
            [PING, 7],
            [PING, [PING]],
            [PING, {**PING, "id": None}],
            [PING, {"id": 3, "method": "ping"}],
        ],
        ids=lambda batch: str(batch[1:2])[:50],
    )
    async def test_an_array_with_one_bad_message_is_refused_before_any_of_it_runs(self, batch: list[Any]) -> None:
        memory_backend = MemoryBackend()
        call = message("tools/call", {"name": "create_cart"}, request_id=0)
        status, told = await error(endpoint(memory_backend=memory_backend), [call, *batch] if batch else batch, [])
        assert (status, told["error"]["code"]) == (400, INVALID)
        assert memory_backend.asked == []

    async def test_wrong_params_in_an_array_refuse_the_array(self) -> None:
        status, told = await error(endpoint(), [PING, message("ping", [1], request_id=2)], [])
        assert (status, told["error"]["code"]) == (400, PARAMS)

    async def test_a_full_array_is_served(self) -> None:
        batch = [message("ping", request_id=number) for number in range(MAX_BATCH_MESSAGES)]
        assert len(json.loads((await post(endpoint(), batch)).body)) == MAX_BATCH_MESSAGES

    async def test_white_space_before_an_array_changes_nothing(self) -> None:
        assert (await post(endpoint(), b" \r\n\t[" + json.dumps(PING).encode() + b"]")).status == 200


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"accept"]),
            st.sampled_from([b"", b" a", b"b\t", b"\xe9"]),
        ),
        max_size=5,
    )
)
def test_headers_by_name_are_a_short_cut_and_nothing_else(sent: list[tuple[bytes, bytes]]) -> None:
    assert read_routing(sent, first_of_each(sent)) == read_routing(sent)
