"""Cursors: a place in the answer to one question, and to no other."""

import base64

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from storefront_mcp.commerce.cursor import DIGEST, opened, sealed
from storefront_mcp.commerce.errors import CursorRefused
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CategoryId
from storefront_mcp.commerce.search import Search

PRICES = st.none() | st.builds(Money, st.integers(0, 10**6), st.just("AUD"))
QUESTIONS = st.builds(
    Search,
    text=st.text(max_size=20),
    category=st.none() | st.text(min_size=1, max_size=5).map(CategoryId),
    price_min=PRICES,
    price_max=PRICES,
    sort=st.sampled_from(["relevance", "price_low", "price_high", "name", "newest"]),
    size=st.integers(1, 50),
)
PLACES = st.text(min_size=1, max_size=40)


@given(PLACES, QUESTIONS)
def test_a_cursor_leads_back_to_its_place_in_its_question(after: str, question: Search) -> None:
    cursor = sealed(after, question)
    assert cursor is not None
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert opened(cursor, question) == replace(question, after=after)


@given(PLACES, QUESTIONS)
def test_every_page_of_a_question_has_the_same_seal(after: str, question: Search) -> None:
    assert sealed(after, question) == sealed(after, replace(question, after="somewhere else"))


@given(PLACES, QUESTIONS, QUESTIONS)
def test_a_cursor_of_another_question_is_refused(after: str, question: Search, other: Search) -> None:
    if question == other:
        other = replace(other, text=other.text + "!")
    with pytest.raises(CursorRefused):
        opened(sealed(after, question), other)


@given(st.text(max_size=80), QUESTIONS)
def test_garbage_is_refused_and_nothing_else_happens(garbage: str, question: Search) -> None:
    with pytest.raises(CursorRefused, match="does not belong to this search"):
        opened(garbage, question)


@pytest.mark.parametrize("place", [b"", b"\xff\xfe"])
def test_a_right_seal_does_not_make_up_for_a_wrong_place(place: bytes) -> None:
    genuine = sealed("10", Search())
    assert genuine is not None
    seal = base64.urlsafe_b64decode(genuine + "=" * (-len(genuine) % 4))[:DIGEST]
    with pytest.raises(CursorRefused):
        opened(base64.urlsafe_b64encode(seal + place).decode().rstrip("="), Search())


def test_there_is_no_cursor_after_the_last_page_and_none_before_the_first() -> None:
    assert sealed(None, Search()) is None
    assert opened(None, Search(text="dill")) == Search(text="dill")
