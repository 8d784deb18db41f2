"""Whatever is asked over HTTP: an answer below 500, with the headers that every answer carries."""

import asyncio

import pytest
from hypothesis import given, settings, strategies as st

from tests.often import often
from tests.unit.web.serving import CARDS, ServedStore, nothing, raw

HOUSE = ServedStore()
METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "x"])
PATHS = st.sampled_from([path for card in CARDS for path in card.paths] + ["/mcp", "/healthz", "/shipping", "/media/x"])
NAMES = st.sampled_from(
    [b"accept", b"accept-encoding", b"if-none-match", b"origin", b"content-type", b"content-length", b"cookie", b"x"]
)
VALUES = st.one_of(
    st.binary(max_size=20), st.sampled_from([b"application/json", b"gzip", b"*", b"0", b"text/markdown;q=0.5"])
)


@pytest.mark.proves("envelope.hostile")
@settings(max_examples=often(400), deadline=None)
@given(
    METHODS,
    PATHS | st.text(max_size=12).map(lambda text: "/" + text),
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
)
def test_any_request_gets_an_answer_that_is_nobodys_fault(
    method: str, path: str, headers: list[tuple[bytes, bytes]]
) -> None:
    status, fields, body = asyncio.run(raw(HOUSE.app, method, path, [(b"host", b"pickle.example"), *headers], nothing))
    assert 200 <= status < 500
    assert fields["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in fields
    if status >= 400 and path != "/mcp":
        assert fields["content-type"] == "application/problem+json"
    if method == "HEAD":
        assert body == b""
