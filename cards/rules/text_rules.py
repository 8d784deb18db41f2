"""Validation rules for text documents: required headings, words and links."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from storefront_mcp.cards.rules.json_rules import LINK, OUR_FAULT_TEXT, issue
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import DocumentIssue, DocumentValidator
from storefront_mcp.roadmap.roadmap import Roadmap

TextRule = Callable[[str, Store, Roadmap], Iterable[DocumentIssue]]
"""(text, store, roadmap) → its issues."""

CODE: Final = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
MARKDOWN_LINK: Final = re.compile(r"\]\(([a-z]+:[^)\s]*)\)")


def text_validator(*rules: TextRule) -> DocumentValidator:
    """A validator that applies all of these rules to a text."""

    def complaints(store: Store, roadmap: Roadmap, body: bytes) -> Iterator[DocumentIssue]:
        text = body.decode()
        for rule in rules:
            yield from rule(text, store, roadmap)

    return complaints


def has_heading(words: str = "") -> TextRule:
    """Require a Markdown title that contains these words."""

    def rule(text: str, _store: Store, _roadmap: Roadmap) -> Iterator[DocumentIssue]:
        title = re.search(r"^# +(\S.*)$", CODE.sub("", text), re.MULTILINE)
        if title is None:
            yield DocumentIssue(
                "It has no title: a line with # and words.", "Set store.name to a text that is not blank."
            )
        elif words not in title[1]:
            yield DocumentIssue(f"Its title does not say {words}.", OUR_FAULT_TEXT)

    return rule


def contains(what: Callable[[Store], str]) -> TextRule:
    """Require an address of the store in the text."""

    def rule(text: str, store: Store, _roadmap: Roadmap) -> Iterator[DocumentIssue]:
        # Other addresses may begin alike.
        if re.search(rf"{re.escape(what(store))}(?![\w/-])", text) is None:
            yield DocumentIssue(f"It does not say {what(store)}.", OUR_FAULT_TEXT)

    return rule


def link_issues(text: str, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:
    """Require absolute Markdown links that an agent may follow."""
    for link in dict.fromkeys(MARKDOWN_LINK.findall(CODE.sub("", text))):
        if not LINK.holds(link, store, roadmap):
            yield issue("A link", link, LINK.words)
