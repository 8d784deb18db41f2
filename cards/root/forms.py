"""What the root documents have to be, by the rules that crawlers and browsers read them with."""

import datetime as dt
import html
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cards.form import LINK, OUR_LINK, OURS, TEXT, Member, complaint
from cards.prose import heading, links, mentions, prose
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Complaint
from storefront_mcp.roadmap.roadmap import Roadmap

NEEDED: Final = ("/", "/mcp", "/.well-known/mcp/server-card.json")
"""What agents must be allowed to read."""
ROBOTS_FIELDS: Final = frozenset({"user-agent", "content-signal", "allow", "disallow", "sitemap"})
SIGNALS: Final = re.compile(r"[a-z-]+=(yes|no)(, *[a-z-]+=(yes|no))*")
SIGNALS_FIX: Final = 'Set store.content_signals to one line such as "search=yes, ai-input=yes, ai-train=no".'
YEAR: Final = dt.timedelta(days=366)
"""RFC 9116 §2.5.5 asks for less."""
SITEMAP: Final = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'


def _robots(text: str, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:
    """RFC 9309, with Content-Signal."""
    fields = [tuple(part.strip() for part in line.partition(":")[::2]) for line in text.splitlines() if line.strip()]
    if ("User-agent", "*") not in fields:
        yield Complaint("No group is for every User-agent.", OURS)
    for field, value in fields:
        if field.lower() not in ROBOTS_FIELDS:
            yield Complaint(f"{field[:60]} is no line that crawlers know.", SIGNALS_FIX)
        elif field == "Content-Signal" and SIGNALS.fullmatch(value) is None:
            yield Complaint(
                f"Content-Signal is {value[:60]!r}, which says neither yes nor no to something.", SIGNALS_FIX
            )
        elif field == "Sitemap" and not OUR_LINK.holds(value, store, roadmap):
            yield complaint("Sitemap", value, OUR_LINK.words)
    shut = tuple(value for field, value in fields if field.lower() == "disallow" and value)
    closed = [path for path in NEEDED if path.startswith(shut)]
    if closed:
        yield Complaint(f"It forbids what agents need: {', '.join(closed)}.", SIGNALS_FIX)


def _llms(text: str, _store: Store, _roadmap: Roadmap) -> Iterator[Complaint]:
    """The title first, then what it is about, then sections with links (llmstxt.org)."""
    if re.match(r"# +\S.*\n+> +\S", text) is None:
        yield Complaint(
            "It does not begin with the shop's name and a sentence on it.",
            "Set store.name and store.tagline to texts that are not blank.",
        )
    if re.search(r"^## .+\n+- \[", text, re.MULTILINE) is None:
        yield Complaint("It has no section with links.", OURS)


def _sitemap(text: str, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:
    """Of sitemaps.org: each address on this origin."""
    listed = [html.unescape(one) for one in re.findall(r"<loc>([^<]*)</loc>", text)]
    if SITEMAP not in text or not listed:
        yield Complaint("It is no list of pages in the namespace of sitemaps.org.", OURS)
    for one in listed:
        if not OUR_LINK.holds(one, store, roadmap):
            yield complaint("A page", one, OUR_LINK.words)


def _security(text: str, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:
    """RFC 9116: a contact, an end that is near, and its own address."""
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    if re.fullmatch(r"(mailto:[^\s@]+@[^\s@]+|https://\S+)", fields.get("Contact", "")) is None:
        yield complaint("Contact", fields.get("Contact", ""), "a mailto: or https: address", "store.security_contact")
    try:
        ends = dt.datetime.fromisoformat(fields.get("Expires", "")).date()
    except ValueError:
        ends = roadmap.as_of
    if not roadmap.as_of < ends < roadmap.as_of + YEAR:
        yield complaint("Expires", fields.get("Expires", ""), "a moment within a year", None)
    if not OUR_LINK.holds(fields.get("Canonical"), store, roadmap):
        yield complaint("Canonical", fields.get("Canonical", ""), OUR_LINK.words)


PARTS: Final = (
    ("its language", r'<html lang="[A-Za-z][A-Za-z0-9-]*">'),
    ("a title", r"<title>\s*[^<\s]"),
    ("a description", r'<meta name="description" content="\s*[^"\s]'),
    ("a heading", r"<h1\b[^>]*>\s*\S"),
)
"""What browsers, crawlers and screen readers look for in a page."""
LINKED: Final = (
    Member("JSON-LD.name", TEXT, "store.name"),
    Member("JSON-LD.url", LINK, "store.website"),
)
"""What JSON-LD says of the shop and of this site."""


def _page(text: str, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:
    for part, pattern in PARTS:
        if re.search(pattern, text) is None:
            yield Complaint(f"The page does not have {part}.", OURS)
    canonical = re.search(r'<link rel="canonical" href="([^"]*)">', text)
    address = "" if canonical is None else html.unescape(canonical[1])
    if not OUR_LINK.holds(address, store, roadmap):
        yield complaint("The canonical link", address, OUR_LINK.words)


def _linked(text: str, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:
    """JSON-LD (schema.org) that can be read, of a shop with an address."""
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    try:
        read = msgspec.json.decode("" if block is None else block[1], type=dict[str, Any])
        graph = msgspec.convert(read["@graph"], list[dict[str, Any]])
    except (msgspec.MsgspecError, KeyError):
        yield Complaint("There is no JSON-LD that says what shop this is.", OURS)
        return
    for one in graph:
        for member in LINKED if one.get("@type") in ("OnlineStore", "WebSite") else ():
            yield from member({"JSON-LD": one}, store, roadmap)


ROBOTS: Final = prose(_robots)
LLMS: Final = prose(_llms, links, mentions(lambda store: store.endpoint))
PAGES: Final = prose(_sitemap)
SIGNING_IN: Final = prose(heading("auth.md"), links, mentions(lambda store: store.endpoint))
SECURITY: Final = prose(_security)
MARKDOWN_PAGE: Final = prose(heading(), links)
PAGE: Final = prose(_page)
FRONT_PAGE: Final = prose(_page, _linked)
