"""What travels through a client comes back as it was, in time, to the request it belongs to, or not at all."""

from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET, Raw, Struct

from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError
from storefront_mcp.mcp.request_state import REQUEST_STATE_TTL_SECONDS, RequestStateSigner, binding_digest

KEY = b"one key"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


class Ticker(Struct):
    """Seconds since 1970, moved by hand."""

    now: float = 1_000_000.5

    def __call__(self) -> float:
        return self.now


def refused(signer: RequestStateSigner, sealed: str, bound_to: str = "here") -> bool:
    with pytest.raises(JsonRpcError) as caught:
        signer.verify(sealed, bound_to=bound_to)
    assert caught.value.code is ErrorCode.INVALID_PARAMS
    return True


@given(JSON, st.text(max_size=40))
def test_what_is_sealed_comes_back_to_its_own_request_from_any_worker(state: Any, bound_to: str) -> None:
    sealed = RequestStateSigner(KEY).sign(state, bound_to=bound_to)
    assert RequestStateSigner(KEY).verify(sealed, bound_to=bound_to) == state
    assert sealed.isascii()


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_state_opens_for_no_other_request(one: str, other: str) -> None:
    sealed = RequestStateSigner(KEY).sign(1, bound_to=one)
    assert one == other or refused(RequestStateSigner(KEY), sealed, other)


@given(st.text(max_size=60))
def test_nothing_that_we_did_not_seal_opens(forged: str) -> None:
    assert refused(RequestStateSigner(KEY), forged)


@given(st.data(), JSON)
def test_a_seal_that_was_touched_does_not_open(data: st.DataObject, state: Any) -> None:
    sealed = RequestStateSigner(KEY).sign(state, bound_to="here")
    place = data.draw(st.integers(0, len(sealed) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda letter: letter != sealed[place]))
    assert refused(RequestStateSigner(KEY), sealed[:place] + other + sealed[place + 1 :])


def test_another_stores_key_opens_nothing() -> None:
    assert refused(RequestStateSigner(b"another key"), RequestStateSigner(KEY).sign(1, bound_to="here"))


@pytest.mark.parametrize(
    ("later", "opens"),
    [(0, True), (REQUEST_STATE_TTL_SECONDS - 1, True), (REQUEST_STATE_TTL_SECONDS + 1, False), (-5, False)],
)
def test_a_state_lasts_as_long_as_a_person_may_take(later: float, opens: bool) -> None:
    clock = Ticker()
    signer = RequestStateSigner(KEY, now=clock)
    sealed = signer.sign("state", bound_to="here")
    clock.now += later
    assert signer.verify(sealed, bound_to="here") == "state" if opens else refused(signer, sealed)


def test_the_order_and_spacing_of_arguments_do_not_matter_and_all_else_does() -> None:
    same = {
        binding_digest("tools/call", "a", Raw(text), "guest")
        for text in (b'{"x":1,"y":{"a":1,"b":2}}', b'{ "y": {"b":2, "a":1}, "x":1 }')
    }
    assert len(same) == 1
    others = {
        binding_digest("prompts/get", "a", Raw(b'{"x":1}'), "guest"),
        binding_digest("tools/call", "b", Raw(b'{"x":1}'), "guest"),
        binding_digest("tools/call", "a", Raw(b'{"x":2}'), "guest"),
        binding_digest("tools/call", "a", Raw(b'{"x":"1"}'), "guest"),
        binding_digest("tools/call", "a", Raw(b'{"x":1}'), "customer"),
        binding_digest("tools/call", "a", UNSET, "guest"),
        binding_digest("tools/call", "a", Raw(b"{}"), "guest"),
    }
    assert len(others | same) == 8


def test_arguments_nested_at_any_depth_have_a_digest_or_are_refused() -> None:
    outcomes = set()
    # How deep is too deep differs between versions of Python.
    for depth in (*range(50, 3_000, 10), 10_000, 50_000, 100_000):
        try:
            binding_digest("tools/call", "a", Raw(b"[" * depth + b"]" * depth), "guest")
            outcomes.add("digest")
        except JsonRpcError:
            outcomes.add("refused")
    assert outcomes == {"digest", "refused"}


def test_arguments_without_a_bottom_are_wrong_params_and_no_crash() -> None:
    with pytest.raises(JsonRpcError) as caught:
        binding_digest("tools/call", "a", Raw(b"[" * 100_000 + b"]" * 100_000), "guest")
    assert caught.value.code is ErrorCode.INVALID_PARAMS
