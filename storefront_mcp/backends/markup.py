"""Reads HTML by its tags alone, in time linear to its length and without a tree: its text, and how deep it nests."""

import html
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends.hidden_markup import VOID_ELEMENTS, HiddenContent
from storefront_mcp.backends.hidden_styles import LONG_REFERENCE

TAG: Final = re.compile(
    r"""<(/?)([a-zA-Z][^\s/>]*+)((?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+)>""",
)
"""Possessive, so that a tag without an end is given up at once."""
RAW_ELEMENTS: Final = ("script", "style", "iframe", "noembed", "noframes", "noscript", "title")
"""Elements whose content is no markup, and not shown."""
RAW_END: Final = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW_ELEMENTS}
BLOCK_ELEMENTS: Final = frozenset(
    # One string reads better than thirty.
    "p div br hr li ul ol tr table h1 h2 h3 h4 h5 h6 section article blockquote pre dt dd".split()
)
CELL_ELEMENTS: Final = frozenset({"td", "th"})
BLANK_LINE: Final = re.compile(r"\n\s*\n")


class MarkupTag(Struct, frozen=True):
    """A tag, with the text between it and the one before."""

    text: str
    name: str
    """In lower case; empty after the last tag."""
    closes: bool = False
    attributes: str = ""
    """As they are written."""


def tags(source: str) -> Iterator[MarkupTag]:
    """The tags of HTML, and the text before each; comments, declarations and what stands in raw elements are left out.

    A tag or comment that does not end takes the rest with it, as in browsers (WHATWG HTML §13.2.5).
    """
    start = look = 0
    before = ""
    while (at := source.find("<", look)) >= 0:
        if source.startswith(("<!", "<?"), at):
            comment = source.startswith("<!--", at)
            end = source.find("-->" if comment else ">", at + 2)
            before += source[start:at]
            if end < 0:
                yield MarkupTag(before, "")
                return
            start = look = end + (3 if comment else 1)
            continue
        if not source[at + 1 : at + 3].removeprefix("/")[:1].isalpha():
            look = at + 1
            continue
        found = TAG.match(source, at)
        before += source[start:at]
        if found is None:
            yield MarkupTag(before, "")
            return
        name, closes = found[2].lower(), bool(found[1])
        yield MarkupTag(before, name, closes, found[3])
        before, start = "", found.end()
        if name in RAW_END and not closes:
            ends = RAW_END[name].search(source, start)
            if ends is None:
                return
            start = ends.start()
        look = start
    yield MarkupTag(before + source[start:], "")


def text_of(source: str) -> str:
    """The text that people see of HTML: a line per block, a space per cell, entities resolved."""
    parts: list[str] = []
    for tag in shown_tags(source):
        parts.append(tag.text)
        if tag.name in BLOCK_ELEMENTS:
            parts.append("\n")
        elif tag.name in CELL_ELEMENTS:
            parts.append(" ")
    # Blank lines of the source have no meaning in HTML; one newline per block remains.
    return BLANK_LINE.sub("\n", html.unescape(LONG_REFERENCE.sub("", "".join(parts))))


def shown_markup(source: str) -> str:
    """HTML without what its own markup hides, and without comments."""
    return "".join(
        tag.text.replace("<", "&lt;") + (f"<{'/' * tag.closes}{tag.name}{tag.attributes}>" if tag.name else "")
        for tag in shown_tags(source)
    )


def shown_tags(source: str) -> Iterator[MarkupTag]:
    """The tags of HTML with the text before each, without hidden elements and what is in them."""
    hidden = HiddenContent()
    for tag in tags(source):
        text = "" if hidden.inside else tag.text
        if hidden.takes(tag.name, tag.attributes, closes=tag.closes):
            yield MarkupTag(text, "")
        else:
            yield replace(tag, text=text)


def depth_of(source: str) -> int:
    """How deep the elements of well-formed HTML nest."""
    depth = deepest = 0
    for tag in tags(source):
        if tag.name and tag.name not in VOID_ELEMENTS:
            depth += -1 if tag.closes else 1
            deepest = max(deepest, depth)
    return deepest
