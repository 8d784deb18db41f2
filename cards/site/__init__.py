"""Documents of the whole site (`/`, llms.txt, robots.txt, sitemap, docs), where the shop does not serve them itself."""

from collections.abc import Iterable
from functools import partial
from typing import Final

from storefront_mcp.cards.rules.site_rules import (
    FRONT_PAGE,
    LLMS,
    MARKDOWN_PAGE,
    PAGE,
    PAGES,
    ROBOTS,
    SECURITY,
    SIGNING_IN,
)
from storefront_mcp.cards.site.docs import docs_links, docs_markdown, docs_page
from storefront_mcp.cards.site.icon import LOGO_PATH, favicon_ico, favicon_svg, logo_png
from storefront_mcp.cards.site.landing import landing_css, landing_js, landing_links, landing_markdown, landing_page
from storefront_mcp.cards.site.linked_documents import canonical_link, linked_documents
from storefront_mcp.cards.site.plain_text import auth_md, llms_txt, robots_txt, security_txt, sitemap_xml
from storefront_mcp.cards.site.webmcp import webmcp_js
from storefront_mcp.roadmap.card import Card

HTML: Final = "text/html; charset=utf-8"
MARKDOWN: Final = "text/markdown; charset=utf-8"
PLAIN: Final = "text/plain; charset=utf-8"
SCRIPT: Final = "text/javascript; charset=utf-8"


def site_documents(documents: Iterable[Card]) -> tuple[Card, ...]:
    """The cards of the root group, whose pages link to those of `documents` that have a `page_entry`."""
    linked = linked_documents(documents)
    front_page, front_page_markdown = (
        partial(landing_page, documents=linked),
        partial(landing_markdown, documents=linked),
    )
    return (
        Card(
            name="landing",
            paths=("/",),
            media_type=HTML,
            render=front_page,
            validate=FRONT_PAGE,
            group="root",
            alternates={MARKDOWN: front_page_markdown},
            links=landing_links,
        ),
        Card(
            name="landing-markdown",
            paths=("/index.md",),
            media_type=MARKDOWN,
            render=front_page_markdown,
            validate=MARKDOWN_PAGE,
            group="root",
            links=canonical_link("/"),
        ),
        Card(
            name="llms-txt",
            paths=("/llms.txt",),
            media_type=PLAIN,
            render=partial(llms_txt, documents=linked),
            validate=LLMS,
            group="root",
        ),
        Card(
            name="robots-txt",
            paths=("/robots.txt",),
            media_type=PLAIN,
            render=robots_txt,
            validate=ROBOTS,
            group="root",
        ),
        Card(
            name="sitemap",
            paths=("/sitemap.xml",),
            media_type="application/xml; charset=utf-8",
            render=sitemap_xml,
            validate=PAGES,
            group="root",
        ),
        Card(
            name="auth",
            paths=("/auth.md", "/.well-known/auth.md"),
            media_type=MARKDOWN,
            render=auth_md,
            validate=SIGNING_IN,
            group="root",
        ),
        Card(
            name="security-txt",
            paths=("/.well-known/security.txt",),
            media_type=PLAIN,
            render=security_txt,
            validate=SECURITY,
            group="root",
        ),
        Card(
            name="docs",
            paths=("/api/docs",),
            media_type=HTML,
            render=docs_page,
            validate=PAGE,
            group="root",
            alternates={MARKDOWN: docs_markdown},
            links=docs_links,
        ),
        Card(
            name="docs-markdown",
            paths=("/api/docs.md",),
            media_type=MARKDOWN,
            render=docs_markdown,
            validate=MARKDOWN_PAGE,
            group="root",
            links=canonical_link("/api/docs"),
        ),
        Card(name="favicon", paths=("/favicon.ico",), media_type="image/x-icon", render=favicon_ico, group="root"),
        Card(name="favicon-svg", paths=("/favicon.svg",), media_type="image/svg+xml", render=favicon_svg, group="root"),
        Card(name="logo", paths=(LOGO_PATH,), media_type="image/png", render=logo_png, group="root"),
        Card(
            name="style",
            paths=("/landing.css",),
            media_type="text/css; charset=utf-8",
            render=landing_css,
            group="root",
        ),
        Card(name="copy-buttons", paths=("/landing.js",), media_type=SCRIPT, render=landing_js, group="root"),
        Card(name="webmcp", paths=("/webmcp.js",), media_type=SCRIPT, render=webmcp_js, group="root"),
    )
