"""Puts a widget together: style, script and the store's words in one HTML document that refers to nothing outside."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

import msgspec

from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.money import currency_exponent
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "de", "fr", "es", "ja", "ar")
RIGHT_TO_LEFT: Final = frozenset({"ar"})
TEXT_PATTERN: Final = re.compile(r'\bsay\(\s*"((?:[^"\\]|\\.)+)"')
"""A text in a script, which is its own key."""
UNSENT_PATTERN: Final = re.compile(r"^\s*//.*\n|^\s+", re.MULTILINE)
"""Comments, indentation and empty lines: hosts and buyers do without."""


def widget_document(name: str, parts: Sequence[str], store: Store, roadmap: Roadmap, version: str) -> str:
    """The document of the widget `name` for a store, of these styles and scripts, in the store's language and colour.

    It knows which tools are open, so that it offers nothing that does not work.
    """
    language = store.locale.partition("-")[0].lower()
    known = language if language in LANGUAGES else ENGLISH
    tag = store.locale if known == language else ENGLISH
    style = "".join(_part(part) for part in ("widget.css", *parts) if part.endswith(".css"))
    script = "".join(_part(part) for part in ("bridge.js", *parts) if part.endswith(".js"))
    said = set(TEXT_PATTERN.findall(script))
    facts = {
        "widget": name,
        "version": version,
        "host": store.hostname,
        "origin": store.origin,
        "lang": tag,
        "currency": store.currency,
        "digits": currency_exponent(store.currency),
        "tools": [tool for tool in roadmap.open_items if f'"{tool}"' in script],
        "texts": {text: told for text, told in _texts(known).items() if text in said},
    }
    return (
        f'<!doctype html>\n<html lang="{escape(tag)}" dir="{"rtl" if known in RIGHT_TO_LEFT else "ltr"}">\n'
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(store.name)}</title>\n"
        f"<style>\n:root {{ --hue: {brand_hue(store)}; }}\n{style}</style>\n"
        f'<main aria-busy="true"></main>\n<p id="told" role="status"></p>\n'
        f'<script type="application/json" id="facts">{_json_in_html(facts)}</script>\n'
        f"<script>\n{script}</script>\n</html>\n"
    )


def _json_in_html(value: object) -> str:
    """JSON that ends no script element, whatever is in it."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


@cache
def _part(name: str) -> str:
    return UNSENT_PATTERN.sub("", files(__package__).joinpath("parts", name).read_text(encoding="utf-8"))


@cache
def _texts(language: str) -> Mapping[str, str]:
    """By their English text; of English none, as they are their own."""
    if language == ENGLISH:
        return {}
    return msgspec.json.decode(
        files(__package__).joinpath("texts", f"{language}.json").read_bytes(), type=dict[str, str]
    )
