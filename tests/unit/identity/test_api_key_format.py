"""What a key looks like, and how typos and guesses are told from it."""

import datetime as dt

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.access.credentials import IssuedKey
from storefront_mcp.access.secret_format import BASE62_ALPHABET, MalformedSecret, secret_digest
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.identity.api_key_format import (
    KEY_PATTERN,
    KEY_PREFIX,
    mint_key,
    public_id,
)

NOW = dt.datetime(2026, 1, 1, 12, 0, 0, 7, tzinfo=dt.UTC)


def minted(**changes: object) -> IssuedKey:
    plain = {"store": StoreId("pickle"), "label": "till", "scopes": frozenset({"read:orders"}), "by": "ada", "now": NOW}
    return mint_key(**(plain | changes))  # type: ignore[arg-type]


def test_a_label_has_nothing_that_cannot_be_seen() -> None:
    assert minted(label="till\x1b[31m\r\n9999\u202e").key.label == "till[31m 9999"


def test_a_key_is_recognisable_and_names_itself() -> None:
    new = minted()
    text = new.secret.reveal()
    assert text.startswith(KEY_PREFIX)
    assert len(text) == 65
    assert public_id(text) == new.key.id
    assert new.digest == secret_digest(text)
    assert new.key.expires_at == dt.datetime(2027, 1, 1, 12, 0, 0, tzinfo=dt.UTC)


def test_a_key_has_256_random_bits() -> None:
    asked: list[int] = []

    def random(length: int) -> bytes:
        asked.append(length)
        return b"\xff" * length

    text = minted(random=random).secret.reveal()
    assert asked == [8, 32]
    letters = text.split("_")[2][:-6]
    number = 0
    for letter in letters:
        number = number * 62 + BASE62_ALPHABET.index(letter)
    assert number == 2**256 - 1, "not one of them is lost"


def test_no_two_keys_are_alike() -> None:
    assert len({minted().secret.reveal() for _ in range(100)}) == 100


def test_a_secret_is_not_seen_by_accident() -> None:
    new = minted()
    assert new.secret.reveal() not in f"{new!r} {new} {new.secret!r} {new.secret} {[new.secret]}"


@given(st.data())
def test_one_wrong_letter_is_told_without_a_database(data: st.DataObject) -> None:
    text = minted().secret.reveal()
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters().filter(lambda letter: letter != text[at]))
    with pytest.raises(MalformedSecret):
        public_id(text[:at] + letter + text[at + 1 :])


@given(st.text() | st.from_regex(KEY_PATTERN, fullmatch=True).filter(lambda text: len(text) < 60))
def test_any_other_text_is_no_key(text: str) -> None:
    with pytest.raises(MalformedSecret):
        public_id(text)


@given(st.integers(0, 64))
def test_a_key_that_was_cut_off_is_none(length: int) -> None:
    with pytest.raises(MalformedSecret):
        public_id(minted().secret.reveal()[:length])
