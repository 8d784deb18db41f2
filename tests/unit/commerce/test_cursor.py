"""Cursors: a place in the answer to one question, and to no other."""

import base64

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.commerce.cursor import DIGEST_BYTES, decode_cursor, encode_cursor
from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.search import SearchQuery

PRICES = st.none() | st.builds(Money, st.integers(0, 10**6), st.just("AUD"))
QUESTIONS = st.builds(
    SearchQuery,
    text=st.text(max_size=20),
    category=st.none() | st.text(min_size=1, max_size=5).map(CategoryId),
    price_min=PRICES,
    price_max=PRICES,
    sort=st.sampled_from(["relevance", "price_low", "price_high", "name", "newest"]),
    size=st.integers(1, 50),
)
PLACES = st.text(min_size=1, max_size=40)


@given(PLACES, QUESTIONS)
def test_a_cursor_leads_back_to_its_place_in_its_question(after: str, question: SearchQuery) -> None:
    cursor = encode_cursor(after, question)
    assert cursor is not None
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode_cursor(cursor, question) == replace(question, after=after)


@given(PLACES, QUESTIONS)
def test_every_page_of_a_question_has_the_same_seal(after: str, question: SearchQuery) -> None:
    assert encode_cursor(after, question) == encode_cursor(after, replace(question, after="somewhere else"))


@given(PLACES, QUESTIONS, QUESTIONS)
def test_a_cursor_of_another_question_is_refused(after: str, question: SearchQuery, other: SearchQuery) -> None:
    if question == other:
        other = replace(other, text=other.text + "!")
    with pytest.raises(CursorRefused):
        decode_cursor(encode_cursor(after, question), other)


@given(st.text(max_size=80), QUESTIONS)
def test_garbage_is_refused_and_nothing_else_happens(garbage: str, question: SearchQuery) -> None:
    with pytest.raises(CursorRefused, match="does not belong to this search"):
        decode_cursor(garbage, question)


@pytest.mark.parametrize("place", [b"", b"\xff\xfe"])
def test_a_right_seal_does_not_make_up_for_a_wrong_place(place: bytes) -> None:
    genuine = encode_cursor("10", SearchQuery())
    assert genuine is not None
    seal = base64.urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))[:DIGEST_BYTES]
    with pytest.raises(CursorRefused):
        decode_cursor(base64.urlsafe_b64encode(seal + place).decode().rstrip("="), SearchQuery())


def test_there_is_no_cursor_after_the_last_page_and_none_before_the_first() -> None:
    assert encode_cursor(None, SearchQuery()) is None
    assert decode_cursor(None, SearchQuery(text="dill")) == SearchQuery(text="dill")
