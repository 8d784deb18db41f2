"""`/` and `/index.md`: what agents can do here today and what comes next, for people and for agents."""

import json
from typing import Any, Final

from cards.root.documents import DOCUMENTS
from cards.root.icon import hue
from cards.root.rendering import rendered, trusted
from cards.root.shown import phases, reading_tools, summary
from cards.root.snippets import snippets
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


def landing(store: Store, roadmap: Roadmap) -> bytes:
    """The landing page as HTML."""
    return rendered(
        "landing.html.j2", store, roadmap, **_facts(store, roadmap), linked=trusted(_linked(store, roadmap))
    )


def landing_markdown(store: Store, roadmap: Roadmap) -> bytes:
    """The same page as Markdown."""
    return rendered("landing.md.j2", store, roadmap, **_facts(store, roadmap))


def landing_links(store: Store, roadmap: Roadmap) -> str:
    """The `Link` header of `/`: what a client should find from the front door (RFC 8288, RFC 9727)."""
    return ", ".join(LINKS)


def landing_css(store: Store, roadmap: Roadmap) -> bytes:
    """The style of every HTML page here, in the shop's own hue."""
    return rendered("landing.css.j2", store, None, hue=hue(store))


def landing_js(store: Store, roadmap: Roadmap) -> bytes:
    """Copy buttons, where the browser can copy; the page is whole without them."""
    return rendered("landing.js.j2", store, None)


def _facts(store: Store, roadmap: Roadmap) -> dict[str, Any]:
    promised = sum(len(phase.tools) for phase in phases(roadmap))
    return {
        "snippets": snippets(store),
        "documents": DOCUMENTS,
        "open_count": len(roadmap.open_tools()),
        "promised_count": promised,
        "reading": reading_tools(roadmap),
    }


def _linked(store: Store, roadmap: Roadmap) -> str:
    """JSON-LD (schema.org) of the shop, this site and its API, safe inside a script element."""
    shop = {
        "@type": "OnlineStore",
        "@id": store.url("/#store"),
        "name": store.name,
        "url": store.website or store.url("/"),
    }
    if store.tagline:
        shop["slogan"] = store.tagline
    api: dict[str, Any] = {
        "@type": "WebAPI",
        "@id": store.url("/#mcp"),
        "name": store.title,
        "description": summary(store, roadmap),
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
