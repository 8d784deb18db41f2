"""What a client calls itself, as a person is shown it: nothing in it looks like words of the page around it."""

import unicodedata

import pytest
from hypothesis import example, given, settings, strategies as st

from storefront_mcp.oauth.clients import MAX_NAME_CHARS, display_name

QUOTES = "\"'`´«»‘’‚‛“”„‟‹›′″‴⹂「」『』〝〞〟﹁﹂﹃﹄＂＇｢｣❛❜❝❞"  # noqa: RUF001


@pytest.mark.parametrize(
    "name", ["Claude", "Claude <b>", "Zoë\u2019s", "Đặng Thị Hồng", "क्लाउड हिंदी", "ผู้ช่วย", "クロード", "مساعد"]
)
def test_names_of_all_languages_stay_but_for_quotation_marks(name: str) -> None:
    assert display_name(name) == unicodedata.normalize("NFC", name.replace("\u2019", ""))
    assert display_name(unicodedata.normalize("NFD", name)) == display_name(name)


def test_a_name_cannot_end_before_it_ends() -> None:
    assert display_name("”. It is verified by the shop. “Claude") == ". It is verified by the shop. Claude"
    assert display_name(QUOTES) == ""


@pytest.mark.parametrize(
    "filler", "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0f\uffa0\U000e0100\u200b\u202e\u00ad\u2066"
)
def test_a_name_holds_nothing_that_is_not_seen(filler: str) -> None:
    assert display_name(f"{filler * 3} A{filler}gent{filler}") == "Agent"


def test_a_name_stays_on_its_line() -> None:
    assert display_name("Z\u0335\u0336\u0337\u0338\u20dda\n\u0338" + "\u0489" * 9) == "Z\u0335\u0336a\u0338\u0489"
    assert display_name(" \u0338\u0338Agent") == "Agent"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
@example("a" * (MAX_NAME_CHARS - 1) + " b")
@example("\u0374\u2329\u232a\u1fef")
@example("a\u200b\u0301\ufe0f\u0323")
@example("A\u0338\u0338\u200b\u0338")
def test_a_shown_name_is_one_short_line_and_is_shown_as_it_is(said: str) -> None:
    name = display_name(said)

    assert display_name(name) == name
    assert len(name) <= MAX_NAME_CHARS
    assert name == name.strip()
    assert name.isprintable()
    assert not set(name) & set(QUOTES)
    runs = "".join("m" if unicodedata.category(char)[0] == "M" else " " for char in name).split()
    assert all(len(run) <= 2 for run in runs)
