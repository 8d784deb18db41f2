"""Sanitizes what a shop sends: bounded amounts, plain visible text without foreign addresses, safe HTML of pages."""

import re
from collections.abc import Callable
from decimal import Decimal
from html import escape
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import nh3

from storefront_mcp.backends.links import (
    MAX_URL_CHARS,
    NO_ORIGINS,
    SUSPECT,
    KnownOrigins,
    markdown_safe,
    without_foreign_links,
)
from storefront_mcp.backends.markup import depth_of, shown_markup, text_of
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.plain_text import visible_text

MARKUP: Final = re.compile(r"<!--|<[a-zA-Z/!?][^<]*>|&(?:[a-zA-Z][a-zA-Z0-9]*|#[0-9]+|#[xX][0-9a-fA-F]+);")
SPACES: Final = re.compile(r"[^\S\n]+")
BLANK_LINES: Final = re.compile(r"\n{3,}")

COLSPAN: Final = re.compile("[1-9][0-9]?")
"""Markdown repeats a cell's border so often."""
BACKTICKS: Final = re.compile("`+")
MIN_FENCE_CHARS: Final = 3
OPENS_IN_MARKDOWN: Final = str.maketrans({char: f"\\{char}" for char in "\\`[~"})
"""What opens code, a link or a picture, escaped (CommonMark §2.4), besides what markdownify escapes."""
PICTURE_MARK: Final = "\0"
"""Stands where a picture begins until the whole is written; clean HTML has no such character."""

PLAINLY: Final = frozenset("<&{")
"""Printable ASCII without these characters needs no sanitizing."""

FORMATTING_START: Final = re.compile(
    r"<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/]+[^\s/>]", re.IGNORECASE
)
"""A formatting element with attributes: parsers repeat each that differs in every later block (WHATWG §13.2.4.3)."""

MAX_PRICE: Final = Decimal(10) ** 12
"""Bound of an amount, in major units."""
MAX_NAME_CHARS: Final = 200
MAX_CODE_CHARS: Final = 64
MAX_DESCRIPTION_CHARS: Final = 4000
MAX_PAGE_CHARS: Final = 100_000
"""Of a page's source, and of each form of it."""
MAX_PAGE_TAGS: Final = 6_000
MAX_PAGE_DEPTH: Final = 16
"""Of the elements that are kept; Markdown repeats a list's indent in each of its lines."""
MAX_FORMATTING_TAGS: Final = 200
"""Of those with attributes."""
SOURCE_RATIO: Final = 16
"""Characters of markup that are read for each one of text."""

TAGS: Final = frozenset(
    # One string reads better than forty.
    "a abbr b blockquote br caption code dd del dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre q s small span strong "
    "sub sup table tbody td tfoot th thead tr u ul".split()
)
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt"}, "td": {"colspan"}, "th": {"colspan", "scope"}}


def paragraphs(source: str | None, limit: int = MAX_DESCRIPTION_CHARS, *, known: KnownOrigins = NO_ORIGINS) -> str:
    r"""HTML or plain text as plain text with newlines, at most `limit` characters, and no address that is not `known`.

    >>> paragraphs("<p>Light &amp; quick.</p><ul><li>Carbon</li><li>Foam</li></ul><script>alert(1)</script>")
    'Light & quick.\nCarbon\nFoam'
    """
    text = (source or "")[: limit * SOURCE_RATIO]
    if MARKUP.search(text):
        text = text_of(text)
    lines = (SPACES.sub(" ", line).strip() for line in visible_text(text).split("\n"))
    shown = without_foreign_links(BLANK_LINES.sub("\n\n", "\n".join(lines)).strip(), known.has)
    return clip(shown, limit)


def line(source: str | None, limit: int = MAX_NAME_CHARS) -> str:
    r"""HTML or plain text as one line of at most `limit` characters, without addresses.

    >>> line("Pickle\nSpear <b>XL</b>")
    'Pickle Spear XL'
    """
    # Fast path: most names are plain ASCII, and a search result has many.
    text = (source or "")[: limit * SOURCE_RATIO]
    if not (text.isascii() and text.isprintable() and PLAINLY.isdisjoint(text) and SUSPECT.search(text) is None):
        text = paragraphs(text, limit * 4)
    return clip(" ".join(text.split()), limit)


def code(source: str | int | None, limit: int = MAX_CODE_CHARS) -> str:
    """An id or code as the shop knows it, cut to `limit` characters, so long as it is no address."""
    text = str(source if source is not None else "")[:limit]
    if text.isascii() and text.isprintable() and SUSPECT.search(text) is None:
        return text
    return without_foreign_links(visible_text(text), NO_ORIGINS.has)


def shop_money(amount: Decimal | None, currency: str) -> Money:
    """An amount in major units as Money; None is zero. Raises ShopDown above `MAX_PRICE` or if not finite.

    >>> shop_money(Decimal("19.949999999999996"), "AUD").minor
    1995
    """
    if amount is None:
        return Money(0, currency)
    if not amount.is_finite() or abs(amount) > MAX_PRICE:
        raise ShopDown(internal=f"not an amount of money: {amount:.20}")
    return Money.of(amount, currency)


def clip(text: str, limit: int) -> str:
    """A text cut to `limit` characters with an ellipsis, between words if there is a space in the second half."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    gap = max(cut.rfind(" "), cut.rfind("\n"))
    return (cut[:gap] if gap > limit // 2 else cut).rstrip() + "…"


def without_directives(text: str) -> str:
    """A page's text without template directives (`{{...}}`) that the shop did not render.

    >>> without_directives("Hello {{customer.name}}, {{unclosed")
    'Hello , {{unclosed'
    """
    shown, at = [], 0
    # No regular expression: it would search for `}}` anew from each `{{`, which is quadratic.
    while (begins := text.find("{{", at)) >= 0 and (ends := text.find("}}", begins + 2)) >= 0:
        shown.append(text[at:begins])
        at = ends + 2
    return "".join((*shown, text[at:]))


def safe_html(source: str, *, known: KnownOrigins = NO_ORIGINS) -> str:
    """HTML safe to republish: no scripts, styles, frames or event handlers, and no address but those of `known`.

    Links are made absolute against its website. What would cost a parser too much is reduced to its text.
    """

    def kept(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return _link(value, known, known.may_link)
        if attribute == "src":
            return _link(value, known, known.has)
        if attribute == "colspan":
            return value if COLSPAN.fullmatch(value) else None
        return without_foreign_links(value, known.has) if attribute in {"title", "alt"} else value

    text = visible_text(shown_markup(without_directives(source[:MAX_PAGE_CHARS])))
    if text.count("<") <= MAX_PAGE_TAGS and len(FORMATTING_START.findall(text)) <= MAX_FORMATTING_TAGS:
        clean = nh3.clean(
            text,
            tags=set(TAGS),
            attributes=ATTRIBUTES,
            attribute_filter=kept,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel="noopener nofollow",
        ).strip()
        if len(clean) <= MAX_PAGE_CHARS and clean.count("<") <= MAX_PAGE_TAGS and depth_of(clean) <= MAX_PAGE_DEPTH:
            return clean
    return escape(paragraphs(text, MAX_PAGE_CHARS, known=known)).replace("\n", "<br>\n")


def markdown(html: str, *, known: KnownOrigins = NO_ORIGINS) -> str:
    """Clean HTML as Markdown of at most `MAX_PAGE_CHARS`; what its text says in Markdown stays text."""
    # Imported late: it loads an HTML parser of its own, and few calls read a page.
    from markdownify import MarkdownConverter  # noqa: PLC0415

    class PageConverter(MarkdownConverter):
        """Looks at code once it is whole, as markdownify escapes none of it and elements in it join their texts."""

        def escape(self, text: str, parent_tags: set[str]) -> str:
            plain = without_foreign_links(text, known.may_link).translate(OPENS_IN_MARKDOWN)
            # The text of the next element could make a tag or a target of it.
            plain = f"{plain[:-1]}\\{plain[-1]}" if plain.endswith(("<", "]")) else plain
            return str(super().escape(plain, parent_tags))  # type: ignore[misc]

        def convert_a(self, el: Any, text: str, parent_tags: set[str]) -> str:  # noqa: ANN401 -- untyped
            if el.get("title"):
                el["title"] = self.escape(_one_line(el["title"]), parent_tags)
            return str(super().convert_a(el, text, parent_tags))  # type: ignore[misc]

        def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:  # noqa: ANN401, ARG002 -- untyped
            said = _one_line(el.get("alt") or "")
            if "_noformat" in parent_tags:
                return said
            said = self.escape(said, parent_tags)
            return f"{PICTURE_MARK}[{said}]({el['src']})" if el.get("src") and "_inline" not in parent_tags else said

        def convert_code(self, el: Any, text: str, parent_tags: set[str]) -> str:  # noqa: ANN401 -- untyped
            if "_noformat" in parent_tags:
                return text
            # A blank line would end the paragraph, and the code with it.
            plain = without_foreign_links(" ".join(f".{text}.".split())[1:-1], known.may_link)
            return str(super().convert_code(el, plain, parent_tags))  # type: ignore[misc]

        convert_kbd = convert_samp = convert_code

        def convert_pre(self, el: Any, text: str, parent_tags: set[str]) -> str:  # noqa: ANN401, ARG002 -- untyped
            if "_noformat" in parent_tags:
                return text
            plain = without_foreign_links(text.strip("\n").rstrip(), known.may_link)
            fence = "`" * max(MIN_FENCE_CHARS, *(len(run) + 1 for run in BACKTICKS.findall(plain)), 0)
            return f"\n\n{fence}\n{plain}\n{fence}\n\n" if plain else ""

    # With a line end it is never taken for a file's name or an address, which would be warned of.
    text: str = PageConverter(heading_style="ATX", bullets="-").convert(f"{html}\n")
    # An exclamation mark of the text makes a picture of the link behind it.
    text = text.replace("![", "\\![").replace(PICTURE_MARK, "!")
    return clip(BLANK_LINES.sub("\n\n", text).strip(), MAX_PAGE_CHARS)


def _link(reference: str, known: KnownOrigins, may: Callable[[str], bool]) -> str | None:
    """A link as an absolute URL that Markdown can hold; None when it leads where it may not."""
    if reference.startswith(("#", "mailto:", "tel:")):
        return markdown_safe(reference)
    url = absolute_link(reference, site=known.website)
    return markdown_safe(url) if url is not None and may(url) else None


def absolute_link(reference: str, *, site: str) -> str | None:
    """A reference as an absolute URL; None when it cannot be one."""
    try:
        return web_url(urljoin(site, reference)) if site else web_url(reference)
    except ValueError:
        return None


def web_url(reference: str | None) -> str | None:
    """The text if it is an absolute http(s) URL of at most `MAX_URL_CHARS`; else None."""
    if not reference or len(reference) > MAX_URL_CHARS or visible_text(reference) != reference or " " in reference:
        return None
    try:
        parts = urlsplit(reference)
    except ValueError:
        return None
    return reference if parts.scheme in {"http", "https"} and parts.hostname else None


def _one_line(text: str) -> str:
    return " ".join(text.split())
