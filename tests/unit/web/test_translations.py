"""Texts of buyer pages: each that a template shows is there in every language, with the same values in it."""

import re
from pathlib import Path

import pytest

from storefront_mcp import web
from storefront_mcp.web.translations import ENGLISH, LANGUAGES, PageTexts, _texts

TEMPLATES = Path(web.__file__).parent / "buyer_templates"
TEXTS = {
    text
    for template in TEMPLATES.glob("*.html.j2")
    for text in re.findall(r'\b(?:t|said)\((?:[\w.]+, )?"([^"]+)"', template.read_text(encoding="utf-8"))
}
VALUE = re.compile(r"\{\w+\}")


def test_the_templates_have_texts() -> None:
    assert len(TEXTS) > 70


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != ENGLISH])
def test_every_text_is_translated_with_the_values_that_it_has(language: str) -> None:
    found = _texts(language)

    assert set(found) == TEXTS
    for english, text in found.items():
        assert sorted(VALUE.findall(text)) == sorted(VALUE.findall(english)), english
        assert text.strip()
        assert text != english or language != "ar"


def test_a_language_that_we_do_not_have_is_english() -> None:
    texts = PageTexts("nl-NL")

    assert (texts.tag, texts.direction, texts("Total")) == ("en", "ltr", "Total")
    assert PageTexts("AR-eg").direction == "rtl"
    assert PageTexts("en-AU").tag == "en-AU"


def test_a_value_is_escaped() -> None:
    assert PageTexts("de")("Pay {total}", total="<b>") == "&lt;b&gt; bezahlen"
