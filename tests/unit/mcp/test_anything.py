"""Whatever is posted: an answer, of a form that the schemas know, with a status that says whose fault it is."""

import asyncio
import json
import logging
from typing import Any

import mcp_types._v2026_07_28 as modern_schema
import pytest
from hypothesis import given, settings, strategies as st

from storefront_mcp.mcp.endpoint import EndpointResponse
from tests.often import often
from tests.unit.mcp.requests import META, VERSIONS, Headers, asked, check_error, claim, endpoint, headers, post

SERVED = endpoint()
METHODS = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "notifications/initialized",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)
VERSION = st.sampled_from([*VERSIONS, "2099-01-01", ""])
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"content-type"]),
        st.one_of(
            st.sampled_from([version.encode() for version in VERSIONS]),
            st.sampled_from([method.encode() for method in METHODS]),
            st.sampled_from([b"search_products", b"=?base64?YQ==?=", b"=?base64?YQ=?="]),
            st.binary(max_size=12),
        ),
    ),
    max_size=5,
)
META_MEMBER = st.dictionaries(
    st.sampled_from([META + name for name in ("protocolVersion", "clientCapabilities", "logLevel")])
    | st.text(max_size=4),
    VERSION | st.just({}) | JSON,
    max_size=4,
)
PARAMS = st.dictionaries(
    st.sampled_from(["name", "arguments", "cursor", "protocolVersion", "uri", "ref", "argument"]) | st.text(max_size=4),
    st.sampled_from(
        ["search_products", "get_product", "add_to_cart", "nope", "find_a_gift", "shop://store", "product://PAD-2"]
    )
    | VERSION
    | JSON,
    max_size=4,
)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "id": st.integers() | st.text(max_size=5) | JSON,
        "method": st.sampled_from(METHODS) | JSON,
        "params": st.builds(lambda params, meta: {**params, "_meta": meta}, PARAMS, META_MEMBER) | PARAMS | JSON,
        "result": JSON,
        "error": JSON,
        "extra": JSON,
    },
)


def check_answered(body: Any, sent: Headers = []) -> EndpointResponse:  # noqa: B006 -- never changed
    answer = asyncio.run(post(SERVED, body, sent))
    check(answer)
    return answer


def check(answer: EndpointResponse) -> None:
    assert answer.status in {200, 202, 400, 404}
    if answer.status == 202:
        assert answer.body == b""
        return
    told = json.loads(answer.body)
    for one in told if isinstance(told, list) else [told]:
        if "error" in one:
            check_error(one)
            # An unexpected exception would be one of these: nothing that a client sends may cause it.
            assert one["error"]["code"] != -32603
        else:
            assert answer.status == 200
            modern_schema.JSONRPCResultResponse.model_validate({**one, "result": {"resultType": "x"} | one["result"]})


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)


@pytest.mark.proves("envelope.hostile")
@settings(max_examples=often(300))
@given(st.binary(max_size=200), HEADERS)
def test_any_bytes_get_an_answer(body: bytes, sent: Headers) -> None:
    check_answered(body, sent)


@pytest.mark.proves("envelope.hostile")
@given(JSON, HEADERS)
def test_any_json_gets_an_answer(body: Any, sent: Headers) -> None:
    check_answered(body, sent)


@pytest.mark.proves("envelope.hostile")
@settings(max_examples=often(500))
@given(MESSAGES, HEADERS)
def test_anything_like_a_message_gets_an_answer(body: Any, sent: Headers) -> None:
    check_answered(body, sent)


@pytest.mark.proves("envelope.hostile")
@given(st.lists(MESSAGES, max_size=4), st.sampled_from([[], headers(version="2025-03-26")]))
def test_any_array_gets_an_answer(body: Any, sent: Headers) -> None:
    check_answered(body, sent)


@settings(max_examples=often(300))
@given(
    st.sampled_from(VERSIONS),
    st.sampled_from(["tools/list", "tools/call"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_good_request_with_a_few_wrong_bytes_gets_an_answer(
    version: str, method: str, wrong: list[tuple[int, int]]
) -> None:
    body, sent = asked(method, version, {"name": "search_products", "arguments": {"query": "paddle"}})
    garbled = bytearray(json.dumps(body).encode())
    for place, byte in wrong:
        garbled[place % len(garbled)] = byte
    check_answered(bytes(garbled), sent)


@settings(max_examples=often(300))
@given(st.data(), st.sampled_from(METHODS))
def test_a_good_modern_request_with_one_wrong_member_gets_an_answer(data: st.DataObject, method: str) -> None:
    body, sent = asked(method, VERSIONS[-1], {"name": "get_product", "arguments": {"sku": "PAD-2"}})
    where = data.draw(st.sampled_from([body, body["params"], body["params"]["_meta"], body["params"]["arguments"]]))
    member = data.draw(st.sampled_from(sorted(where)) | st.text(max_size=5))
    if data.draw(st.booleans()):
        where.pop(member, None)
    else:
        where[member] = data.draw(JSON)
    check_answered(body, sent)


@given(JSON)
def test_any_arguments_are_a_result_in_the_modern_form(arguments: Any) -> None:
    for tool in ("add_to_cart", "get_product", "search_products", "get_shipping_methods"):
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": claim()},
        }
        answer = check_answered(body, headers(version=VERSIONS[-1], method="tools/call", name=tool))
        assert answer.status == 200
        assert isinstance(json.loads(answer.body)["result"]["isError"], bool)
