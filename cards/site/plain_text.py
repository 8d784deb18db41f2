"""The plain documents for crawlers and agents: llms.txt, robots.txt, sitemap.xml, auth.md and security.txt."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from storefront_mcp.cards.site.linked_documents import LinkedDocument, links_of
from storefront_mcp.cards.site.templating import render_template
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

CONTACT_LIFETIME: Final = dt.timedelta(days=180)
"""RFC 9116 §2.5.5 asks for less than a year."""


def llms_txt(store: Store, roadmap: Roadmap, *, documents: Sequence[LinkedDocument]) -> bytes:
    """llms.txt: a summary, then links to Markdown."""
    return render_template("llms.txt.j2", store, roadmap, documents=links_of(store, roadmap, documents))


def robots_txt(store: Store, roadmap: Roadmap) -> bytes:
    """robots.txt (RFC 9309): all is allowed but `/pay/`; the operator's Content-Signal says for which use."""
    groups = (("*",), AGENTS)
    rules = "\n\n".join(
        "\n".join(
            (
                *(f"User-agent: {agent}" for agent in group),
                f"Content-Signal: {store.content_signals}",
                "Allow: /",
                # Its addresses hold pay tokens.
                "Disallow: /pay/",
            )
        )
        for group in groups
    )
    return f"{rules}\n\nSitemap: {store.url('/sitemap.xml')}\n".encode()


def sitemap_xml(store: Store, roadmap: Roadmap) -> bytes:
    """The HTML pages of this origin (sitemaps.org 0.9); when the shop changed its own pages is not known."""
    ours = [(store.url(path), roadmap.as_of.isoformat()) for path in ("/", "/api/docs")]
    theirs = [(store.url(f"/{page}"), None) for page in store.pages]
    return render_template("sitemap.xml.j2", store, None, urls=[*ours, *theirs])


def auth_md(store: Store, roadmap: Roadmap) -> bytes:
    """auth.md: which tools need a credential, and how to get one."""
    return render_template("auth.md.j2", store, roadmap)


def security_txt(store: Store, roadmap: Roadmap) -> bytes | None:
    """security.txt (RFC 9116); None without a contact."""
    if store.security_contact is None:
        return None
    expires = dt.datetime.combine(roadmap.as_of + CONTACT_LIFETIME, dt.time(), dt.UTC)
    return (
        f"Contact: {store.security_contact}\n"
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}\n"
        f"Preferred-Languages: {store.locale}\n"
        f"Canonical: {store.url('/.well-known/security.txt')}\n"
    ).encode()
