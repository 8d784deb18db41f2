"""What makes a document right that is a text: the lines it must have, the words it must say, where its links lead."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cards.form import LINK, OURS, complaint
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Complaint, Form
from storefront_mcp.roadmap.roadmap import Roadmap

TextRule = Callable[[str, Store, Roadmap], Iterable[Complaint]]
"""Looks at a document's text."""

CODE: Final = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
MARKDOWN_LINK: Final = re.compile(r"\]\(([a-z]+:[^)\s]*)\)")


def prose(*rules: TextRule) -> Form:
    """The form of a text that keeps all of these."""

    def complaints(store: Store, roadmap: Roadmap, body: bytes) -> Iterator[Complaint]:
        text = body.decode()
        for rule in rules:
            yield from rule(text, store, roadmap)

    return complaints


def heading(words: str = "") -> TextRule:
    """Markdown that has a title, with these words in it."""

    def rule(text: str, _store: Store, _roadmap: Roadmap) -> Iterator[Complaint]:
        title = re.search(r"^# +(\S.*)$", CODE.sub("", text), re.MULTILINE)
        if title is None:
            yield Complaint("It has no title: a line with # and words.", "Set store.name to a text that is not blank.")
        elif words not in title[1]:
            yield Complaint(f"Its title does not say {words}.", OURS)

    return rule


def mentions(what: Callable[[Store], str]) -> TextRule:
    """A text with an address in it that its readers come for."""

    def rule(text: str, store: Store, _roadmap: Roadmap) -> Iterator[Complaint]:
        # Other addresses may begin alike.
        if re.search(rf"{re.escape(what(store))}(?![\w/-])", text) is None:
            yield Complaint(f"It does not say {what(store)}.", OURS)

    return rule


def links(text: str, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:
    """Markdown whose absolute links an agent follows."""
    for link in dict.fromkeys(MARKDOWN_LINK.findall(CODE.sub("", text))):
        if not LINK.holds(link, store, roadmap):
            yield complaint("A link", link, LINK.words)
