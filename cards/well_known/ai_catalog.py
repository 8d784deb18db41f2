"""The AI catalog, `/.well-known/ai-catalog.json` and `/.well-known/ard.json`: resources of this origin."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from storefront_mcp.agent_protocols.a2a import CARD_PATH
from storefront_mcp.cards.endpoint.endpoint_card import ENDPOINT_CARD
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import advertised_tools, phases_summary
from storefront_mcp.cards.rules.json_rules import (
    OUR_LINK,
    TEXT,
    MemberRule,
    ValueConstraint,
    equals,
    issue,
    json_validator,
    matches_pattern,
)
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue, PageEntry
from storefront_mcp.roadmap.roadmap import Roadmap

CATALOG_TYPE: Final = "application/ai-catalog+json"
AGENT_CARD_TYPE: Final = "application/a2a-agent-card+json"
"""What catalogs call an agent card."""

KIND_PATTERN: Final = re.compile(r"urn:air:[^:]+:([a-z0-9]+):")
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
    entries = [_server(store, roadmap, authority), *_agent(store, roadmap, authority)]
    host = CatalogPublisher(display_name=store.name, identifier=f"did:web:{quote(store.host, safe='')}")
    return pretty_json(AiCatalog(spec_version="1.0", host=host, entries=tuple(entries)))


def _server(store: Store, roadmap: Roadmap, authority: str) -> CatalogEntry:
    return CatalogEntry(
        identifier=f"urn:air:{authority}:mcp:storefront",
        type=ENDPOINT_CARD.media_type,
        url=store.url(ENDPOINT_CARD.paths[0]),
        display_name=f"{store.name} storefront MCP server",
        description=phases_summary(store, roadmap),
        representative_queries=_queries(store, roadmap),
    )


def _agent(store: Store, roadmap: Roadmap, authority: str) -> Iterator[CatalogEntry]:
    """The store's own agent, where it has one."""
    if "a2a" in store.protocols:
        yield CatalogEntry(
            identifier=f"urn:air:{authority}:a2a:storefront",
            type=AGENT_CARD_TYPE,
            url=store.url(CARD_PATH),
            display_name=f"{store.name} shop agent",
            description="Searches, fills a cart and prepares orders for other agents, by data and fixed phrases.",
            representative_queries=_queries(store, roadmap),
        )


def _queries(store: Store, roadmap: Roadmap) -> tuple[str, ...]:
    templates = [promise.words.query for promise in advertised_tools(roadmap) if promise.words.query]
    queries = tuple(query.format(name=store.name, currency=store.currency) for query in templates)
    return queries[:MAX_QUERIES] if len(queries) >= MIN_QUERIES else ()


QUERY_COUNT: Final = ValueConstraint(
    f"{MIN_QUERIES} to {MAX_QUERIES} questions",
    lambda value, *_: isinstance(value, list) and MIN_QUERIES <= len(value) <= MAX_QUERIES,
)
ENTRY_TYPES: Final = {"mcp": ENDPOINT_CARD.media_type, "a2a": AGENT_CARD_TYPE}
"""Media types by the kind that an entry's identifier names. Catalogs have none for a profile of UCP."""


def _types_fit(document: Any, _store: Store, _roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
    entries = document.get("entries")
    for place, entry in enumerate(entries if isinstance(entries, list) else ()):
        members = entry if isinstance(entry, dict) else {}
        kind = KIND_PATTERN.match(str(members.get("identifier")))
        wanted = ENTRY_TYPES.get(kind[1] if kind else "")
        if wanted is not None and members.get("type") != wanted:
            yield issue(f"entries[{place}].type", members.get("type"), wanted)


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
        _types_fit,
        MemberRule("entries[].url", OUR_LINK),
        MemberRule("entries[].displayName", TEXT, "store.name"),
        MemberRule("entries[].description", TEXT),
        MemberRule("entries[].representativeQueries", QUERY_COUNT, optional=True),
    ),
)
