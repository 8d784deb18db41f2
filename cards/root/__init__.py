"""The root documents: what a whole site says of itself, where the shop does not say it already."""

from typing import Final

from cards.root.docs import docs, docs_links, docs_markdown
from cards.root.forms import FRONT_PAGE, LLMS, MARKDOWN_PAGE, PAGE, PAGES, ROBOTS, SECURITY, SIGNING_IN
from cards.root.icon import favicon_ico, favicon_svg
from cards.root.landing import landing, landing_css, landing_js, landing_links, landing_markdown
from cards.root.texts import auth_md, llms_txt, robots_txt, security_txt, sitemap_xml
from cards.root.webmcp import webmcp_js
from storefront_mcp.roadmap.card import Card

HTML: Final = "text/html; charset=utf-8"
MARKDOWN: Final = "text/markdown; charset=utf-8"
PLAIN: Final = "text/plain; charset=utf-8"
SCRIPT: Final = "text/javascript; charset=utf-8"

ROOT: Final[tuple[Card, ...]] = (
    Card(
        name="landing",
        paths=("/",),
        media_type=HTML,
        render=landing,
        form=FRONT_PAGE,
        group="root",
        alternates={MARKDOWN: landing_markdown},
        links=landing_links,
    ),
    Card(
        name="landing-markdown",
        paths=("/index.md",),
        media_type=MARKDOWN,
        render=landing_markdown,
        form=MARKDOWN_PAGE,
        group="root",
    ),
    Card(name="llms-txt", paths=("/llms.txt",), media_type=PLAIN, render=llms_txt, form=LLMS, group="root"),
    Card(name="robots-txt", paths=("/robots.txt",), media_type=PLAIN, render=robots_txt, form=ROBOTS, group="root"),
    Card(
        name="sitemap",
        paths=("/sitemap.xml",),
        media_type="application/xml; charset=utf-8",
        render=sitemap_xml,
        form=PAGES,
        group="root",
    ),
    Card(
        name="auth",
        paths=("/auth.md", "/.well-known/auth.md"),
        media_type=MARKDOWN,
        render=auth_md,
        form=SIGNING_IN,
        group="root",
    ),
    Card(
        name="security-txt",
        paths=("/.well-known/security.txt",),
        media_type=PLAIN,
        render=security_txt,
        form=SECURITY,
        group="root",
    ),
    Card(
        name="docs",
        paths=("/api/docs",),
        media_type=HTML,
        render=docs,
        form=PAGE,
        group="root",
        alternates={MARKDOWN: docs_markdown},
        links=docs_links,
    ),
    Card(
        name="docs-markdown",
        paths=("/api/docs.md",),
        media_type=MARKDOWN,
        render=docs_markdown,
        form=MARKDOWN_PAGE,
        group="root",
    ),
    Card(name="favicon", paths=("/favicon.ico",), media_type="image/x-icon", render=favicon_ico, group="root"),
    Card(name="favicon-svg", paths=("/favicon.svg",), media_type="image/svg+xml", render=favicon_svg, group="root"),
    Card(name="style", paths=("/landing.css",), media_type="text/css; charset=utf-8", render=landing_css, group="root"),
    Card(name="copy-buttons", paths=("/landing.js",), media_type=SCRIPT, render=landing_js, group="root"),
    Card(name="webmcp", paths=("/webmcp.js",), media_type=SCRIPT, render=webmcp_js, group="root"),
)
"""Every document of the root group."""
