"""Texts of buyer pages in the languages we have, by their English text."""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
from markupsafe import Markup, escape

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "de", "fr", "es", "ja", "ar")
RIGHT_TO_LEFT: Final = frozenset({"ar"})


class PageTexts:
    """The texts of one page, in one language."""

    def __init__(self, locale: str) -> None:
        """In the language of a locale, where we have it, else in English."""
        language = locale.split("-", maxsplit=1)[0].lower()
        self.language = language if language in LANGUAGES else ENGLISH
        self.tag = locale if self.language == language else ENGLISH
        """The language tag of the page: with the store's region where the language is the store's."""
        self.direction = "rtl" if self.language in RIGHT_TO_LEFT else "ltr"
        self._texts = _texts(self.language)

    def __call__(self, english: str, **values: object) -> Markup:
        """A text, with its `{values}` escaped; English where it has no translation."""
        text = self._texts.get(english, english)
        return Markup(escape(text)).format(**values)  # noqa: S704 -- it is escaped


@cache
def _texts(language: str) -> dict[str, str]:
    if language == ENGLISH:
        return {}
    body = files(__package__).joinpath("buyer_texts", f"{language}.json").read_bytes()
    return msgspec.json.decode(body, type=dict[str, str])
