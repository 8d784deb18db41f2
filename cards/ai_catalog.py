"""The AI catalog, `/.well-known/ai-catalog.json` and `/.well-known/ard.json`: where an agent finds what."""

import re
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from cards.endpoint_card import ENDPOINT_CARD
from cards.form import OUR_LINK, TEXT, Member, Wish, exactly, form, matching
from cards.wording import spoken_for, summary
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap

CATALOG_TYPE: Final = "application/ai-catalog+json"

QUERIES: Final = (
    ("search_products", "find something under 50 {currency} at {name}"),
    ("list_categories", "what does {name} sell?"),
    ("create_cart", "put two of these into a cart at {name}"),
    ("get_shipping_methods", "what does delivery from {name} cost?"),
    ("place_order", "order what is in my cart at {name}"),
)
"""What a person might ask once a tool works; registries index these words."""
FEWEST_QUERIES, MOST_QUERIES = 2, 5
"""Registries want two to five or none."""


class Host(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who publishes the catalog."""

    display_name: str
    identifier: str
    """A `did:web` of this origin's host; a port is written as `%3A8000`."""


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
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
    host: Host
    entries: tuple[Entry, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    authority = re.sub(r"[^a-zA-Z0-9.-]", "-", store.hostname)
    server = Entry(
        identifier=f"urn:air:{authority}:mcp:storefront",
        type=ENDPOINT_CARD.media_type,
        url=store.url(ENDPOINT_CARD.paths[0]),
        display_name=f"{store.name} storefront MCP server",
        description=summary(store, roadmap),
        representative_queries=_queries(store, roadmap),
    )
    host = Host(display_name=store.name, identifier=f"did:web:{quote(store.host, safe='')}")
    return pretty(AiCatalog(spec_version="1.0", host=host, entries=(server,)))


def _queries(store: Store, roadmap: Roadmap) -> tuple[str, ...]:
    names = spoken_for(roadmap)
    asked = tuple(words.format(name=store.name, currency=store.currency) for tool, words in QUERIES if tool in names)
    return asked if len(asked) >= FEWEST_QUERIES else ()


ENOUGH: Final = Wish(
    f"{FEWEST_QUERIES} to {MOST_QUERIES} questions",
    lambda value, *_: isinstance(value, list) and FEWEST_QUERIES <= len(value) <= MOST_QUERIES,
)
AI_CATALOG: Final = Card(
    name="ai-catalog",
    paths=("/.well-known/ai-catalog.json", "/.well-known/ard.json"),
    media_type=JSON,
    render=_render,
    alternates={CATALOG_TYPE: _render},
    form=form(
        Member("specVersion", exactly("1.0")),
        Member("host.displayName", TEXT, "store.name"),
        Member("host.identifier", matching(r"did:web:[a-zA-Z0-9.%-]+", "a did:web of this host")),
        Member("entries[].identifier", matching(r"urn:air:[a-zA-Z0-9.-]+(:[a-zA-Z0-9._-]+)+", "a urn:air")),
        Member("entries[].type", exactly(ENDPOINT_CARD.media_type)),
        Member("entries[].url", OUR_LINK),
        Member("entries[].displayName", TEXT, "store.name"),
        Member("entries[].description", TEXT),
        Member("entries[].representativeQueries", ENOUGH, optional=True),
    ),
)
