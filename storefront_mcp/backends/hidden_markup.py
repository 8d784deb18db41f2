"""Follows the tags of HTML and tells which of them its own markup hides from people."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

HIDDEN_ELEMENTS: Final = frozenset({"template", "object", "svg", "head", "audio", "video", "canvas", "datalist"})
"""Elements whose content is markup, and not shown."""
VOID_ELEMENTS: Final = frozenset("area base br col embed hr img input link meta source track wbr".split())
PARAGRAPH_ENDS: Final = frozenset(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 "
    "h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre section table ul".split()
)
"""Elements that end an open `p` by starting (WHATWG HTML §13.1.2.4)."""
SIBLINGS: Final = {
    "li": (("li",), ("ul", "ol", "menu")),
    "dt": (("dt", "dd"), ("dl",)),
    "dd": (("dt", "dd"), ("dl",)),
    "td": (("td", "th", "tr"), ("table",)),
    "th": (("td", "th", "tr"), ("table",)),
    "tr": (("tr",), ("table",)),
    "option": (("option", "optgroup"), ("select",)),
}
"""Elements that others end by starting, unless they are in a container between them (as above)."""
ATTRIBUTE: Final = re.compile(r"""([^\s=/>"']++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>]++))?+""")
STYLE_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
"""Not by a possessive group with a lookahead in it, which Python before 3.11.5 misreads (CPython gh-106052)."""
STYLE_ESCAPE: Final = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.IGNORECASE)
LONG_REFERENCE: Final = re.compile(r"&#[0-9a-fA-FxX]{9,}+;?")
"""A reference to no character; `html.unescape` refuses numbers of thousands of digits."""
HIDING_STYLES: Final = {
    "display": re.compile("none"),
    "visibility": re.compile("hidden|collapse"),
    "content-visibility": re.compile("hidden"),
    "opacity": re.compile(r"[+-]?0*\.?0*%?"),
    "font-size": re.compile(r"[+-]?0*\.?0*(?:px|pt|r?em|ex|ch|%)?"),
}
"""Values of a style's properties with which nothing is seen (CSS)."""
MAX_STYLE_CHARS: Final = 2000


class HiddenContent:
    """Where in a document its tags are, as far as hiding goes; fed with each tag in order, in linear time."""

    def __init__(self) -> None:
        """At the start of a document, where all is shown."""
        self._outer: Counter[str] = Counter()
        """Open elements outside the hidden one."""
        self._opened: list[str] = []
        """The hidden element and what is open in it."""
        self._inner: Counter[str] = Counter()

    @property
    def inside(self) -> bool:
        """Whether what comes next is hidden."""
        return bool(self._opened)

    def takes(self, name: str, attributes: str, *, closes: bool) -> bool:
        """Whether this tag is hidden, by itself or by an element around it. An empty name is the end of a text."""
        if self._opened and self._is_left(name, closes=closes):
            self._opened.clear()
            self._inner.clear()
        if not name:
            return False
        if self._opened:
            self._follow(name, closes=closes)
            return True
        if closes:
            self._outer[name] = max(self._outer[name] - 1, 0)
            return False
        hidden = _is_hidden(name, attributes)
        if name not in VOID_ELEMENTS:
            if hidden:
                self._follow(name, closes=False)
            else:
                self._outer[name] += 1
        return hidden

    def _is_left(self, name: str, *, closes: bool) -> bool:
        """Whether a tag ends the hidden element from outside: an element around it ends, or the next one begins."""
        root = self._opened[0]
        if closes:
            return not self._inner[name] and self._outer[name] > 0
        if root == "head":
            return name == "body"
        if root == "p":
            return name in PARAGRAPH_ENDS
        ends, containers = SIBLINGS.get(root, ((), ()))
        return name in ends and not any(self._inner[one] for one in containers)

    def _follow(self, name: str, *, closes: bool) -> None:
        if not closes:
            if name not in VOID_ELEMENTS:
                self._opened.append(name)
                self._inner[name] += 1
        elif self._inner[name]:
            while True:
                last = self._opened.pop()
                self._inner[last] -= 1
                if last == name:
                    return


def _is_hidden(name: str, attributes: str) -> bool:
    if name in HIDDEN_ELEMENTS:
        return not attributes.endswith("/")
    closed = name == "dialog"
    for given, value in _attributes(attributes):
        if given == "hidden" or (given == "style" and _hides(value)):
            return True
        closed = closed and given != "open"
    return closed


def _attributes(written: str) -> Iterator[tuple[str, str]]:
    for found in ATTRIBUTE.finditer(written):
        value = (found[2] or "").strip("\"'")
        yield found[1].lower(), value


def _hides(style: str) -> bool:
    plain = html.unescape(LONG_REFERENCE.sub("", style[:MAX_STYLE_CHARS]))
    plain = STYLE_ESCAPE.sub(_unescape, STYLE_COMMENT.sub(" ", plain)).lower()
    for declaration in plain.split(";"):
        named, _, value = declaration.partition(":")
        hiding = HIDING_STYLES.get(named.strip())
        given = value.partition("!")[0].strip()
        if hiding is not None and given and hiding.fullmatch(given):
            return True
    return False


def _unescape(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else 0
    return found[2] or (chr(number) if number < 0x110000 else "")  # noqa: PLR2004 -- Unicode ends there
