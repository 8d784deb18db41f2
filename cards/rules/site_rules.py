"""Validation rules of the site documents: llms.txt, robots.txt, sitemap, security.txt, HTML and JSON-LD."""

import datetime as dt
import html
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from storefront_mcp.cards.rules.json_rules import LINK, OUR_FAULT_TEXT, OUR_LINK, TEXT, MemberRule, issue
from storefront_mcp.cards.rules.text_rules import contains, has_heading, link_issues, text_validator
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import DocumentIssue
from storefront_mcp.roadmap.roadmap import Roadmap

REQUIRED_LINKS: Final = ("/", "/mcp", "/.well-known/mcp/server-card.json")
"""Paths that robots.txt must allow."""
ROBOTS_FIELDS: Final = frozenset({"user-agent", "content-signal", "allow", "disallow", "sitemap"})
SIGNALS: Final = re.compile(r"[a-z-]+=(yes|no)(, *[a-z-]+=(yes|no))*")
SIGNALS_FIX: Final = 'Set store.content_signals to one line such as "search=yes, ai-input=yes, ai-train=no".'
MAX_EXPIRY: Final = dt.timedelta(days=366)
"""RFC 9116 §2.5.5 asks for less."""
SITEMAP: Final = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'


def _robots(text: str, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:
    """RFC 9309, with Content-Signal."""
    fields = [tuple(part.strip() for part in line.partition(":")[::2]) for line in text.splitlines() if line.strip()]
    if ("User-agent", "*") not in fields:
        yield DocumentIssue("No group is for every User-agent.", OUR_FAULT_TEXT)
    for field, value in fields:
        if field.lower() not in ROBOTS_FIELDS:
            yield DocumentIssue(f"{field[:60]} is no line that crawlers know.", SIGNALS_FIX)
        elif field == "Content-Signal" and SIGNALS.fullmatch(value) is None:
            yield DocumentIssue(
                f"Content-Signal is {value[:60]!r}, which says neither yes nor no to something.", SIGNALS_FIX
            )
        elif field == "Sitemap" and not OUR_LINK.holds(value, store, roadmap):
            yield issue("Sitemap", value, OUR_LINK.words)
    shut = tuple(value for field, value in fields if field.lower() == "disallow" and value)
    closed = [path for path in REQUIRED_LINKS if path.startswith(shut)]
    if closed:
        yield DocumentIssue(f"It forbids what agents need: {', '.join(closed)}.", SIGNALS_FIX)


def _llms(text: str, _store: Store, _roadmap: Roadmap) -> Iterator[DocumentIssue]:
    """The title first, then what it is about, then sections with links (llmstxt.org)."""
    if re.match(r"# +\S.*\n+> +\S", text) is None:
        yield DocumentIssue(
            "It does not begin with the shop's name and a sentence on it.",
            "Set store.name and store.tagline to texts that are not blank.",
        )
    if re.search(r"^## .+\n+- \[", text, re.MULTILINE) is None:
        yield DocumentIssue("It has no section with links.", OUR_FAULT_TEXT)


def _sitemap(text: str, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:
    """Of sitemaps.org: each address on this origin."""
    listed = [html.unescape(one) for one in re.findall(r"<loc>([^<]*)</loc>", text)]
    if SITEMAP not in text or not listed:
        yield DocumentIssue("It is no list of pages in the namespace of sitemaps.org.", OUR_FAULT_TEXT)
    for one in listed:
        if not OUR_LINK.holds(one, store, roadmap):
            yield issue("A page", one, OUR_LINK.words)


def _security(text: str, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:
    """RFC 9116: a contact, an expiry within a year, and the canonical address."""
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    if re.fullmatch(r"(mailto:[^\s@]+@[^\s@]+|https://\S+)", fields.get("Contact", "")) is None:
        yield issue("Contact", fields.get("Contact", ""), "a mailto: or https: address", "store.security_contact")
    try:
        ends = dt.datetime.fromisoformat(fields.get("Expires", "")).date()
    except ValueError:
        ends = roadmap.as_of
    if not roadmap.as_of < ends < roadmap.as_of + MAX_EXPIRY:
        yield issue("Expires", fields.get("Expires", ""), "a moment within a year", None)
    if not OUR_LINK.holds(fields.get("Canonical"), store, roadmap):
        yield issue("Canonical", fields.get("Canonical", ""), OUR_LINK.words)


PARTS: Final = (
    ("its language", r'<html lang="[A-Za-z][A-Za-z0-9-]*">'),
    ("a title", r"<title>\s*[^<\s]"),
    ("a description", r'<meta name="description" content="\s*[^"\s]'),
    ("a heading", r"<h1\b[^>]*>\s*\S"),
)
"""Elements that browsers, crawlers and screen readers need in a page."""
LINKED: Final = (
    MemberRule("JSON-LD.name", TEXT, "store.name"),
    MemberRule("JSON-LD.url", LINK, "store.website"),
)
"""JSON-LD types that must be present."""


def _page(text: str, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:
    for part, pattern in PARTS:
        if re.search(pattern, text) is None:
            yield DocumentIssue(f"The page does not have {part}.", OUR_FAULT_TEXT)
    canonical = re.search(r'<link rel="canonical" href="([^"]*)">', text)
    address = "" if canonical is None else html.unescape(canonical[1])
    if not OUR_LINK.holds(address, store, roadmap):
        yield issue("The canonical link", address, OUR_LINK.words)


def _check_json_ld(text: str, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:
    """JSON-LD (schema.org) that can be read, of a shop with an address."""
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    try:
        read = msgspec.json.decode("" if block is None else block[1], type=dict[str, Any])
        graph = msgspec.convert(read["@graph"], list[dict[str, Any]])
    except (msgspec.MsgspecError, KeyError):
        yield DocumentIssue("There is no JSON-LD that says what shop this is.", OUR_FAULT_TEXT)
        return
    for one in graph:
        kinds = one.get("@type")
        linked = any(kind in ("OnlineStore", "WebSite") for kind in (kinds if isinstance(kinds, list) else [kinds]))
        for member in LINKED if linked else ():
            yield from member({"JSON-LD": one}, store, roadmap)


ROBOTS: Final = text_validator(_robots)
LLMS: Final = text_validator(_llms, link_issues, contains(lambda store: store.endpoint))
PAGES: Final = text_validator(_sitemap)
SIGNING_IN: Final = text_validator(has_heading("auth.md"), link_issues, contains(lambda store: store.endpoint))
SECURITY: Final = text_validator(_security)
MARKDOWN_PAGE: Final = text_validator(has_heading(), link_issues)
PAGE: Final = text_validator(_page)
FRONT_PAGE: Final = text_validator(_page, _check_json_ld)
