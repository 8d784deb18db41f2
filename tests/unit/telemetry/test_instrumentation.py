"""Which request work is done for."""

import re

from hypothesis import given, strategies as st

from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext, request_id


def test_a_decent_id_is_kept() -> None:
    assert RequestContext([(b"x-request-id", b"01J:abc/def+9=._-")]).id == "01J:abc/def+9=._-"


def test_an_id_is_made_once_and_only_when_asked_for() -> None:
    errand, other = RequestContext([]), RequestContext([])
    assert re.fullmatch("[0-9a-f]{16}", errand.id)
    assert errand.id == errand.id != other.id


@given(st.binary(max_size=80))
def test_whatever_is_sent_the_id_can_stand_in_a_log_and_a_header(sent: bytes) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.:/+=-]{1,64}", RequestContext([(b"x-request-id", sent)]).id)


def test_of_two_ids_neither_counts() -> None:
    assert RequestContext([(b"x-request-id", b"one"), (b"x-request-id", b"two")]).id not in {"one", "two"}


def test_what_we_do_on_our_own_account_has_no_id() -> None:
    token = REQUEST_CONTEXT.set(None)
    assert request_id() == ""
    REQUEST_CONTEXT.set(RequestContext([(b"x-request-id", b"one")]))
    assert request_id() == "one"
    REQUEST_CONTEXT.reset(token)
