"""The AI catalog, `/.well-known/ai-catalog.json` and `/.well-known/ard.json`: resources of this origin."""

import re
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from storefront_mcp.cards.endpoint.endpoint_card import ENDPOINT_CARD
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import advertised_tools, phases_summary
from storefront_mcp.cards.rules.json_rules import (
    OUR_LINK,
    TEXT,
    MemberRule,
    ValueConstraint,
    equals,
    json_validator,
    matches_pattern,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Roadmap

CATALOG_TYPE: Final = "application/ai-catalog+json"

MIN_QUERIES, MAX_QUERIES = 2, 5
"""Of `representativeQueries`; registries want two to five or none."""


class CatalogPublisher(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who publishes the catalog."""

    display_name: str
    identifier: str
    """A `did:web` of this origin's host; a port is written as `%3A8000`."""


class CatalogEntry(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One thing that agents can use."""

    identifier: str
    """`urn:air:<host>:<kind>:<name>`."""
    type: str
    url: str
    display_name: str
    description: str
    representative_queries: tuple[str, ...] = ()


class AiCatalog(Struct, frozen=True, kw_only=True, rename="camel"):
    """The document (AI Catalog 1.0)."""

    spec_version: str
    host: CatalogPublisher
    entries: tuple[CatalogEntry, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    authority = re.sub(r"[^a-zA-Z0-9.-]", "-", store.hostname)
    server = CatalogEntry(
        identifier=f"urn:air:{authority}:mcp:storefront",
        type=ENDPOINT_CARD.media_type,
        url=store.url(ENDPOINT_CARD.paths[0]),
        display_name=f"{store.name} storefront MCP server",
        description=phases_summary(store, roadmap),
        representative_queries=_queries(store, roadmap),
    )
    host = CatalogPublisher(display_name=store.name, identifier=f"did:web:{quote(store.host, safe='')}")
    return pretty_json(AiCatalog(spec_version="1.0", host=host, entries=(server,)))


def _queries(store: Store, roadmap: Roadmap) -> tuple[str, ...]:
    templates = [promise.words.query for promise in advertised_tools(roadmap) if promise.words.query]
    queries = tuple(query.format(name=store.name, currency=store.currency) for query in templates)
    return queries[:MAX_QUERIES] if len(queries) >= MIN_QUERIES else ()


QUERY_COUNT: Final = ValueConstraint(
    f"{MIN_QUERIES} to {MAX_QUERIES} questions",
    lambda value, *_: isinstance(value, list) and MIN_QUERIES <= len(value) <= MAX_QUERIES,
)
AI_CATALOG: Final = Card(
    name="ai-catalog",
    paths=("/.well-known/ai-catalog.json", "/.well-known/ard.json"),
    media_type=JSON_TYPE,
    page_entry=PageEntry("AI catalog", "what this origin offers to agents"),
    render=_render,
    alternates={CATALOG_TYPE: _render},
    validate=json_validator(
        MemberRule("specVersion", equals("1.0")),
        MemberRule("host.displayName", TEXT, "store.name"),
        MemberRule("host.identifier", matches_pattern(r"did:web:[a-zA-Z0-9.%-]+", "a did:web of this host")),
        MemberRule("entries[].identifier", matches_pattern(r"urn:air:[a-zA-Z0-9.-]+(:[a-zA-Z0-9._-]+)+", "a urn:air")),
        MemberRule("entries[].type", equals(ENDPOINT_CARD.media_type)),
        MemberRule("entries[].url", OUR_LINK),
        MemberRule("entries[].displayName", TEXT, "store.name"),
        MemberRule("entries[].description", TEXT),
        MemberRule("entries[].representativeQueries", QUERY_COUNT, optional=True),
    ),
)
