"""A message is read in one pass where every member has the type we expect, else one by one: the same comes out."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET, Raw

from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError
from storefront_mcp.mcp.message import (
    META_PREFIX,
    NO_META,
    JsonRpcMessage,
    RequestMeta,
    RequestParams,
    Text,
    _read_leniently,
    meta_of,
    read_message,
)

TEXTS = [field.encode_name for field in msgspec.structs.fields(RequestParams) if field.type == Text]
META_TEXTS = [field.encode_name for field in msgspec.structs.fields(RequestMeta) if field.type == Text]
OTHER = [5, 1.5, True, None, [], {}, ["a"], {"b": "c"}]


def posted(params: Any, **more: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params, **more}).encode()


def plain(message: JsonRpcMessage) -> Any:
    """A message as values that can be compared: what was left unread is shown as it was sent."""
    return msgspec.json.decode(msgspec.json.encode(message))


def test_every_member_that_is_to_be_a_string_is_known() -> None:
    assert TEXTS == ["name", "uri", "protocolVersion", "requestState"]
    assert [f"{META_PREFIX}protocolVersion", f"{META_PREFIX}logLevel", "traceparent", "tracestate"] == META_TEXTS


@pytest.mark.parametrize("wrong", OTHER, ids=str)
@pytest.mark.parametrize("member", TEXTS)
def test_a_member_of_another_type_is_as_none_and_the_others_stay(member: str, wrong: Any) -> None:
    params = {**dict.fromkeys(TEXTS, "there"), "arguments": {"a": 1}, "_meta": {f"{META_PREFIX}protocolVersion": "x"}}
    read = read_message(posted({**params, member: wrong})).params
    assert isinstance(read, RequestParams)
    names = {field.encode_name: field.name for field in msgspec.structs.fields(RequestParams)}
    assert {name: getattr(read, names[name]) for name in TEXTS} == {**dict.fromkeys(TEXTS, "there"), member: None}
    assert read.arguments == Raw(b'{"a": 1}')
    assert read.meta == RequestMeta(protocol_version="x")


@pytest.mark.parametrize("wrong", OTHER, ids=str)
@pytest.mark.parametrize("member", META_TEXTS)
def test_a_claim_of_another_type_is_none_and_yet_a_claim(member: str, wrong: Any) -> None:
    read = read_message(posted({"name": "a", "_meta": {**dict.fromkeys(META_TEXTS, "b"), member: wrong}}))
    names = {field.encode_name: field.name for field in msgspec.structs.fields(RequestMeta)}
    found = {name: getattr(meta_of(read), names[name]) for name in META_TEXTS}
    assert found == {**dict.fromkeys(META_TEXTS, "b"), member: None}


@pytest.mark.parametrize("meta", [5, None, "text", [], [1]], ids=str)
def test_a_meta_that_is_no_object_is_as_none(meta: Any) -> None:
    read = read_message(posted({"name": "a", "_meta": meta}))
    assert meta_of(read) == NO_META
    assert read.params is not UNSET
    assert read.params.name == "a"


@pytest.mark.parametrize("rest", [b"", b'}},"x":', b'"}', b'\xff"}}'])
def test_what_comes_after_a_member_of_another_type_must_still_be_json(rest: bytes) -> None:
    with pytest.raises(JsonRpcError, match="Parse error"):
        read_message(b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"name":5,"uri":"' + rest)


@pytest.mark.parametrize("params", [5, "text", [1]])
def test_params_that_are_no_object_are_refused_with_the_id(params: Any) -> None:
    with pytest.raises(JsonRpcError, match="params") as caught:
        read_message(posted(params))
    assert (caught.value.code, caught.value.answers) == (ErrorCode.INVALID_PARAMS, 7)


@given(
    params=st.dictionaries(
        st.sampled_from([*TEXTS, "arguments", "cursor", "ref", "unknown"]), st.text(max_size=5) | st.integers(0, 9)
    ),
    meta=st.none() | st.dictionaries(st.sampled_from([*META_TEXTS, "progressToken"]), st.text(max_size=5)),
)
def test_both_ways_of_reading_agree(params: dict[str, Any], meta: dict[str, Any] | None) -> None:
    body = posted(params if meta is None else {**params, "_meta": meta})
    assert plain(read_message(body)) == plain(_read_leniently(body))
