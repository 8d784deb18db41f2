"""The plain documents for crawlers and agents: llms.txt, robots.txt, sitemap.xml, auth.md and security.txt."""

import datetime as dt
from typing import Final

from cards.root.documents import DOCUMENTS
from cards.root.rendering import rendered
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

AGENTS: Final = (
    "Amazonbot",
    "Applebot",
    "Applebot-Extended",
    "Bingbot",
    "CCBot",
    "ChatGPT-User",
    "Claude-SearchBot",
    "Claude-User",
    "ClaudeBot",
    "DuckAssistBot",
    "Google-Extended",
    "Googlebot",
    "GPTBot",
    "Meta-ExternalAgent",
    "MistralAI-User",
    "OAI-SearchBot",
    "Perplexity-User",
    "PerplexityBot",
)
"""Crawlers and agents that look for a group of their own (RFC 9309 product tokens)."""

CONTACT_HOLDS_FOR: Final = dt.timedelta(days=180)
"""RFC 9116 §2.5.5 asks for less than a year."""


def llms_txt(store: Store, roadmap: Roadmap) -> bytes:
    """The site for language models: one summary, then links to Markdown."""
    return rendered("llms.txt.j2", store, roadmap, documents=DOCUMENTS)


def robots_txt(store: Store, roadmap: Roadmap) -> bytes:
    """Everybody is welcome; what may be done with what they read is the operator's Content-Signal."""
    groups = (("*",), AGENTS)
    rules = "\n\n".join(
        "\n".join(
            (
                *(f"User-agent: {agent}" for agent in group),
                f"Content-Signal: {store.content_signals}",
                "Allow: /",
                # Addresses under it are secrets of buyers.
                "Disallow: /pay/",
            )
        )
        for group in groups
    )
    return f"{rules}\n\nSitemap: {store.url('/sitemap.xml')}\n".encode()


def sitemap_xml(store: Store, roadmap: Roadmap) -> bytes:
    """The HTML pages of this origin (sitemaps.org 0.9)."""
    paths = ("/", "/api/docs", *(f"/{page}" for page in store.pages))
    return rendered("sitemap.xml.j2", store, None, urls=[store.url(path) for path in paths])


def auth_md(store: Store, roadmap: Roadmap) -> bytes:
    """Who has to sign in, for what, and how."""
    return rendered("auth.md.j2", store, roadmap)


def security_txt(store: Store, roadmap: Roadmap) -> bytes | None:
    """Where to report a vulnerability (RFC 9116); None without a contact."""
    if store.security_contact is None:
        return None
    expires = dt.datetime.combine(roadmap.as_of + CONTACT_HOLDS_FOR, dt.time(), dt.UTC)
    return (
        f"Contact: {store.security_contact}\n"
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}\n"
        f"Preferred-Languages: {store.locale}\n"
        f"Canonical: {store.url('/.well-known/security.txt')}\n"
    ).encode()
