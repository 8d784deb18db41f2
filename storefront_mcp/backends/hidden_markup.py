"""Follows the tags of HTML and tells which of them its own markup hides from people."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

from msgspec import Struct, field

from storefront_mcp.backends.hidden_styles import ALL, NOTHING, hidden_by

HIDDEN_ELEMENTS: Final = frozenset(
    "annotation annotation-xml audio canvas datalist head mphantom object rp svg template video".split()
)
"""Elements whose content is markup, and not shown."""
HIDING_ATTRIBUTES: Final = frozenset({"hidden", "popover"})
VOID_ELEMENTS: Final = frozenset(
    "area base basefont bgsound br col embed frame hr image img input keygen link meta param source track wbr".split()
)
PARAGRAPH_ENDS: Final = frozenset(
    "address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 "
    "h2 h3 h4 h5 h6 header hgroup hr li main menu nav ol p pre section table ul".split()
)
"""Elements that end an open `p` by starting (WHATWG HTML §13.1.2.4)."""
SECTIONS: Final = ("tbody", "thead", "tfoot")
BLOCKS: Final = tuple(
    "article aside blockquote button caption center details dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 "
    "h6 header hgroup main menu nav ol pre search section summary table td th ul".split()
)
"""Elements in which the next item is another list's."""
SIBLINGS: Final[dict[str, tuple[Collection[str], tuple[str, ...]]]] = {
    "p": (PARAGRAPH_ENDS, ("button", "marquee", "object", "applet", "template", "caption", "td", "th")),
    "li": (("li",), BLOCKS),
    "dt": (("dt", "dd"), BLOCKS),
    "dd": (("dt", "dd"), BLOCKS),
    "rp": (("rp", "rt", "rb", "rtc"), ("ruby",)),
    "td": (("td", "th", "tr", *SECTIONS), ("table",)),
    "th": (("td", "th", "tr", *SECTIONS), ("table",)),
    "tr": (("tr", *SECTIONS), ("table",)),
    **dict.fromkeys(SECTIONS, (SECTIONS, ("table",))),
    "option": (("option", "optgroup"), ("select",)),
}
"""Elements that others end by starting, unless they are in a container between them (as above)."""
ATTRIBUTE: Final = re.compile(r"""([^\s=/>"']++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s>]++))?+""")
SELF_CLOSING: Final = frozenset({"svg", "annotation", "annotation-xml", "mphantom"})
"""Elements of other languages, which a slash ends (WHATWG HTML §13.1.2.1); of HTML's it means nothing."""
FORMATTING: Final = frozenset("a b big code em font i nobr s small strike strong tt u".split())
"""Elements that go on behind the block they were opened in, until their own end or that of a cell (WHATWG HTML)."""
FORMATTING_ENDS: Final = frozenset("applet caption marquee object table tbody td template tfoot th thead tr".split())


class _Scope(Struct):
    """An element that hides its text in another way than those around it, and what is open in it."""

    hides: frozenset[str]
    opened: list[str] = field(default_factory=list)
    inner: Counter[str] = field(default_factory=Counter)


class HiddenContent:
    """Where in a document its tags are, as far as hiding goes; fed with each tag in order, in linear time."""

    def __init__(self) -> None:
        """At the start of a document, where all is shown."""
        self._open: Counter[str] = Counter()
        """Open elements, in whichever scope."""
        self._scopes: list[_Scope] = []

    @property
    def inside(self) -> bool:
        """Whether the text that comes next is hidden."""
        return bool(self._hides)

    @property
    def _hides(self) -> frozenset[str]:
        return self._scopes[-1].hides if self._scopes else NOTHING

    def takes(self, name: str, attributes: str, *, closes: bool) -> bool:
        """Whether this tag is hidden, by itself or by an element around it. An empty name is the end of a text."""
        while self._scopes and self._is_left(self._scopes[-1], name, closes=closes):
            for one in self._scopes.pop().opened:
                self._open[one] -= 1
        if not name:
            return False
        before = self._hides
        if closes:
            self._close(name)
            return before == ALL
        hides = before if before == ALL else _hidden_by(name, attributes, before)
        if name not in VOID_ELEMENTS:
            self._start(name, hides)
        return hides == ALL

    def _is_left(self, scope: _Scope, name: str, *, closes: bool) -> bool:
        """Whether a tag ends a scope from outside: an element around it ends, or the next one begins."""
        root = scope.opened[0]
        if closes:
            from_outside = scope.inner[name] <= 0 < self._open[name]
            return from_outside and (root not in FORMATTING or name in FORMATTING_ENDS)
        if root == "head":
            return name == "body"
        ends, containers = SIBLINGS.get(root, ((), ()))
        return name in ends and not any(scope.inner[one] > 0 for one in containers)

    def _start(self, name: str, hides: frozenset[str]) -> None:
        if name in PARAGRAPH_ENDS and not (self._scopes and self._scopes[-1].opened[0] == "p"):
            # An open paragraph has ended; its end tag no longer ends anything.
            self._open["p"] = 0
            if self._scopes:
                self._scopes[-1].inner["p"] = 0
        if hides != self._hides:
            self._scopes.append(_Scope(hides))
        if self._scopes:
            self._scopes[-1].opened.append(name)
            self._scopes[-1].inner[name] += 1
        self._open[name] += 1

    def _close(self, name: str) -> None:
        if not self._scopes or self._scopes[-1].inner[name] <= 0:
            self._open[name] = max(self._open[name] - 1, 0)
            return
        scope = self._scopes[-1]
        last = ""
        while last != name:
            last = scope.opened.pop()
            scope.inner[last] -= 1
            self._open[last] -= 1
        if not scope.opened:
            self._scopes.pop()


def _hidden_by(name: str, attributes: str, before: frozenset[str]) -> frozenset[str]:
    """What hides the text of an element, of which `before` is by those around it."""
    if name in HIDDEN_ELEMENTS:
        return before if name in SELF_CLOSING and attributes.endswith("/") else ALL
    hides, closed = before, name == "dialog"
    for given, value in _attributes(attributes):
        if given in HIDING_ATTRIBUTES:
            return ALL
        if given == "style":
            hides = hidden_by(value, before)
        closed = closed and given != "open"
    return ALL if closed else hides


def _attributes(written: str) -> Iterator[tuple[str, str]]:
    """Attributes with their values; of two of one name the first counts (WHATWG HTML §13.2.5.33)."""
    seen: set[str] = set()
    for found in ATTRIBUTE.finditer(written):
        name = found[1].lower()
        if name not in seen:
            seen.add(name)
            yield name, (found[2] or "").strip("\"'")
