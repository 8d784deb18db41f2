"""`/` and `/index.md`: the landing page, for people and for agents."""

import json
from collections.abc import Sequence
from typing import Any, Final

from storefront_mcp.cards.site.icon import brand_hue, picture_url
from storefront_mcp.cards.site.linked_documents import LinkedDocument, links_of
from storefront_mcp.cards.site.roadmap_view import phases, reading_tools, roadmap_summary
from storefront_mcp.cards.site.snippets import snippets
from storefront_mcp.cards.site.templating import render_template, trusted_html
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

LINKS: Final = (
    '</.well-known/api-catalog>; rel="api-catalog"; type="application/linkset+json"',
    '</openapi.json>; rel="service-desc"',
    '</api/docs>; rel="service-doc"',
    '</llms.txt>; rel="describedby"; type="text/plain"',
    '</index.md>; rel="alternate"; type="text/markdown"',
    '</.well-known/ai-catalog.json>; rel="ai-catalog"',
)


def landing_page(store: Store, roadmap: Roadmap, *, documents: Sequence[LinkedDocument]) -> bytes:
    """The landing page as HTML."""
    facts = _facts(store, roadmap, documents)
    return render_template("landing.html.j2", store, roadmap, **facts, linked=trusted_html(_json_ld(store, roadmap)))


def landing_markdown(store: Store, roadmap: Roadmap, *, documents: Sequence[LinkedDocument]) -> bytes:
    """The same page as Markdown."""
    return render_template("landing.md.j2", store, roadmap, **_facts(store, roadmap, documents))


def landing_links(store: Store, roadmap: Roadmap) -> str:
    """The `Link` header of `/`: what a client finds from there (RFC 8288, RFC 9727)."""
    return ", ".join(LINKS)


def landing_css(store: Store, roadmap: Roadmap) -> bytes:
    """The style of every HTML page here, in the shop's own hue."""
    return render_template("landing.css.j2", store, None, hue=brand_hue(store))


def landing_js(store: Store, roadmap: Roadmap) -> bytes:
    """The script of the copy buttons, without which the page works too."""
    return render_template("landing.js.j2", store, None)


def _facts(store: Store, roadmap: Roadmap, documents: Sequence[LinkedDocument]) -> dict[str, Any]:
    promised = sum(len(phase.tools) for phase in phases(roadmap))
    return {
        "snippets": snippets(store),
        "documents": links_of(store, roadmap, documents),
        "open_count": len(roadmap.open_tools()),
        "promised_count": promised,
        "reading": reading_tools(roadmap),
        "picture": picture_url(store),
    }


def _json_ld(store: Store, roadmap: Roadmap) -> str:
    """JSON-LD (schema.org) of the shop, this site and its API, safe inside a script element."""
    shop = {
        # By both names, as some readers know no subclass.
        "@type": ["Organization", "OnlineStore"],
        "@id": store.url("/#store"),
        "name": store.name,
        "url": store.website_url,
        "logo": picture_url(store),
    }
    if store.tagline:
        shop["slogan"] = store.tagline
    api: dict[str, Any] = {
        "@type": "WebAPI",
        "@id": store.url("/#mcp"),
        "name": store.title,
        "description": roadmap_summary(store, roadmap),
        "documentation": store.url("/api/docs"),
        "provider": {"@id": store.url("/#store")},
    }
    if roadmap.open:
        api["potentialAction"] = {
            "@type": "ConsumeAction",
            "target": {
                "@type": "EntryPoint",
                "urlTemplate": store.endpoint,
                "httpMethod": "POST",
                "contentType": "application/json",
            },
        }
    site = {
        "@type": "WebSite",
        "@id": store.url("/#site"),
        "name": store.name,
        "url": store.url("/"),
        "inLanguage": store.locale,
        "publisher": {"@id": store.url("/#store")},
    }
    graph = {"@context": "https://schema.org", "@graph": [shop, site, api]}
    return json.dumps(graph, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
