"""Widgets as documents: whole in themselves, small, in the store's language, and nothing of a store is markup."""

import json
import re
from html import escape
from typing import Any

import html5lib
import pytest
from msgspec.structs import replace

from storefront_mcp.app.phases import all_phases
from storefront_mcp.cards.widgets import WIDGETS
from storefront_mcp.cards.widgets.documents import LANGUAGES, RIGHT_TO_LEFT, TEXT_PATTERN
from storefront_mcp.commerce.store import Store
from storefront_mcp.mcp.versions import APPS_VERSION
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.widget import Widget
from storefront_mcp.web import translations
from tests.fakes.memory_backend import OPEN, STORE, roadmap

MAX_WIDGET_BYTES = 20_000
EVERY = pytest.mark.parametrize("widget", WIDGETS, ids=lambda widget: widget.name)
ODD_NAME = "</script><img src=x onerror=alert(1)> & Söhne"


def document(widget: Widget, store: Store = STORE, under: Roadmap = OPEN) -> str:
    return widget.render(store, under, APPS_VERSION)


def facts(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="facts">(.*?)</script>', html)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


@EVERY
@pytest.mark.parametrize("locale", LANGUAGES)
def test_a_widget_is_small_enough_for_every_host(widget: Widget, locale: str) -> None:
    assert len(document(widget, replace(STORE, locale=locale)).encode()) < MAX_WIDGET_BYTES


@EVERY
@pytest.mark.parametrize("locale", ["en-AU", "de-AT", "ar", "xx"])
def test_a_widget_is_a_whole_document_of_good_form(widget: Widget, locale: str) -> None:
    html = document(widget, replace(STORE, locale=locale))
    parser = html5lib.HTMLParser(strict=True, tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    root = parser.parse(html)
    language = locale.partition("-")[0]
    assert root.get("lang") == (locale if language in LANGUAGES else "en")
    assert root.get("dir") == ("rtl" if language in RIGHT_TO_LEFT else "ltr")
    assert root.find("head/title").text == STORE.name
    assert [one.get("type") for one in root.iter("script")] == ["application/json", None]


@EVERY
def test_a_widget_refers_to_nothing_and_makes_no_markup_of_texts(widget: Widget) -> None:
    html = document(widget)
    assert set(re.findall(r"\b(?:https?|wss?):", html.replace(STORE.origin, "").replace('"https://"', ""))) == set()
    assert re.findall(r"\b(?:src|href|action)=|@import|url\(|<link|<base", html) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|\bfetch\(", html) == []
    assert re.findall(r"XMLHttpRequest|WebSocket|EventSource|sendBeacon|localStorage|cookie|<form", html) == []


@EVERY
def test_the_name_of_a_store_is_text(widget: Widget) -> None:
    html = document(widget, replace(STORE, name=ODD_NAME))
    assert "<img" not in html
    assert f"<title>{escape(ODD_NAME)}</title>" in html
    assert html.count("</script>") == 2


def test_the_widgets_that_phases_name_are_those_there_are() -> None:
    named = {tool.widget for phase in all_phases() for tool in phase.manifest.tools}
    assert named - {None} == {widget.name for widget in WIDGETS}


@EVERY
def test_a_widget_calls_tools_that_there_are(widget: Widget) -> None:
    named = set(re.findall(r"(?:offers|callTool|change)\(\"([a-z_]+)\"", document(widget)))
    assert named <= {tool.name for phase in all_phases() for tool in phase.manifest.tools}


@EVERY
def test_a_widget_knows_which_of_its_tools_are_open(widget: Widget) -> None:
    for under in (OPEN, roadmap("p1_browse")):
        html = document(widget, under=under)
        called = [tool.name for tool in under.open_tools() if f'"{tool.name}"' in html.rpartition("<script>")[2]]
        assert facts(html)["tools"] == called


@EVERY
def test_a_widget_is_there_as_long_as_a_tool_of_it_is_open(widget: Widget) -> None:
    for phase in all_phases():
        names = {tool.widget for tool in phase.manifest.tools}
        assert widget.is_open(roadmap(phase.name)) is (widget.name in names)


@EVERY
def test_prices_have_the_digits_of_the_currency(widget: Widget) -> None:
    assert facts(document(widget, replace(STORE, currency="JPY")))["digits"] == 0
    assert facts(document(widget, replace(STORE, currency="KWD")))["digits"] == 3


@EVERY
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_text_of_a_widget_is_in_every_language(widget: Widget, language: str) -> None:
    html = document(widget, replace(STORE, locale=language))
    texts = facts(html)["texts"]
    assert texts.keys() == set(TEXT_PATTERN.findall(html))
    for english, told in texts.items():
        assert set(re.findall(r"\{\w+\}", told)) == set(re.findall(r"\{\w+\}", english)), english


def test_the_languages_are_those_of_the_buyers_pages() -> None:
    assert LANGUAGES == translations.LANGUAGES
    assert RIGHT_TO_LEFT == translations.RIGHT_TO_LEFT
