"""Makes plain, visible and bounded text of what a shop sends, and harmless HTML of its pages."""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

import nh3
from selectolax.lexbor import LexborHTMLParser

INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls, apart from tab and the ends of lines
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"  # zero width, and what overrides direction
    "\ufe00-\ufe0e\ufff0-\ufffb\ufffe\uffff"  # variation selectors, annotation marks, non-characters
    "\ud800-\udfff\ue000-\uf8ff"  # halves of characters, private use
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # marks that swallow what follows them
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # layout of hieroglyphs, shorthand and music
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"  # tags, more selectors, more private use
)
"""What a reader does not see but a model reads, or what makes a text look other than it is."""

MARKUP: Final = re.compile(r"<[a-zA-Z/!?][^<]*>|&(?:[a-zA-Z][a-zA-Z0-9]*|#[0-9]+|#[xX][0-9a-fA-F]+);")
LINE_END: Final = re.compile("\r\n?|[\x85\u2028\u2029]")
SPACES: Final = re.compile(r"[^\S\n]+")
BLANK_LINES: Final = re.compile(r"\n{3,}")
DIRECTIVE: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
"""A shop's own template language, where it was not rendered."""

PLAINLY: Final = frozenset("<&{")
"""A text of printable ASCII without these has nothing in it that must be taken out."""

UNREAD: Final = ["script", "style", "template", "noscript", "iframe", "object", "svg", "head", "title"]
BLOCKS: Final = (
    "p, div, br, hr, li, ul, ol, tr, table, h1, h2, h3, h4, h5, h6, section, article, blockquote, pre, dt, dd"
)

NAME: Final = 200
DESCRIPTION: Final = 4000
PAGE: Final = 100_000
URL: Final = 2000

TAGS: Final = frozenset(
    # One string reads better than forty.
    "a abbr b blockquote br caption code dd del dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q s small span strong "
    "sub sup table tbody td tfoot th thead tr u ul".split()
)
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt"}, "td": {"colspan"}, "th": {"colspan", "scope"}}


def visible(text: str) -> str:
    r"""A text without invisible and control characters; ends of lines become newlines.

    >>> visible("pay\u202e\u200b now")
    'pay now'
    """
    if text.isascii() and text.isprintable():
        return text
    return INVISIBLE.sub("", LINE_END.sub("\n", text))


def paragraphs(source: str | None, limit: int = DESCRIPTION) -> str:
    r"""HTML or plain text as plain text with newlines, at most `limit` characters.

    >>> paragraphs("<p>Light &amp; quick.</p><ul><li>Carbon</li><li>Foam</li></ul><script>alert(1)</script>")
    'Light & quick.\nCarbon\nFoam'
    """
    text = (source or "")[: limit * 16]
    if MARKUP.search(text):
        text = _without_markup(text)
    lines = (SPACES.sub(" ", line).strip() for line in visible(text).split("\n"))
    return clipped(BLANK_LINES.sub("\n\n", "\n".join(lines)).strip(), limit)


def line(source: str | None, limit: int = NAME) -> str:
    r"""HTML or plain text as one line of at most `limit` characters.

    >>> line("Pickle\nSpear <b>XL</b>")
    'Pickle Spear XL'
    """
    # Most names are plain words, and every search is full of names.
    plain = source is not None and source.isascii() and source.isprintable() and PLAINLY.isdisjoint(source)
    text = source[: limit * 64] if plain and source else paragraphs(source, limit * 4)
    return clipped(" ".join(text.split()), limit)


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where there is a gap in the second half, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    gap = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:gap] if gap > limit // 2 else cut).rstrip() + "…"


def _without_markup(text: str) -> str:
    tree = LexborHTMLParser(text)
    tree.strip_tags(UNREAD)
    for node in tree.css(BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    for cell in tree.css("td, th"):
        cell.insert_after(" ")
    body = tree.body
    # Blank lines of the source mean nothing in HTML; one newline per block is what a reader sees.
    return "" if body is None else re.sub(r"\n\s*\n", "\n", body.text(deep=True))


def safe_html(source: str, *, site: str = "") -> str:
    """Harmless HTML (ours to republish): no scripts, styles, frames, events; links absolute against `site`."""

    def absolute(_tag: str, attribute: str, value: str) -> str | None:
        return linked(value, site=site) if attribute in {"href", "src"} else value

    return nh3.clean(
        visible(DIRECTIVE.sub("", source[:PAGE])),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        attribute_filter=absolute,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener nofollow",
    ).strip()


def markdown(html: str) -> str:
    """Clean HTML as Markdown."""
    # It brings an HTML parser of its own, which a start would wait for; few calls read a page.
    from markdownify import markdownify  # noqa: PLC0415

    text: str = markdownify(html, heading_style="ATX", bullets="-")
    return BLANK_LINES.sub("\n\n", text).strip()


def linked(reference: str, *, site: str) -> str | None:
    """A link as an absolute URL; None when it cannot be one. Fragments, mail and telephone links stay."""
    if reference.startswith(("#", "mailto:", "tel:")):
        return reference
    try:
        return web_url(urljoin(site, reference)) if site else web_url(reference)
    except ValueError:
        return None


def web_url(reference: str | None) -> str | None:
    """The text itself when it is an absolute http or https URL of reasonable length; else None."""
    if not reference or len(reference) > URL or visible(reference) != reference or " " in reference:
        return None
    try:
        parts = urlsplit(reference)
    except ValueError:
        return None
    return reference if parts.scheme in {"http", "https"} and parts.hostname else None
