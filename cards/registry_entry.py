"""`server.json`, by which an operator enters a store in the MCP registry (its schema of 2025-12-11).

It is published by hand, once for each version, so it says what is promised and nothing that a flip would change.
"""

from typing import Final

from msgspec import Struct, field

from storefront_mcp.cards.json_output import pretty_json
from storefront_mcp.cards.phrases import MAX_SUMMARY_CHARS, promises_summary, shorten
from storefront_mcp.cards.server_facts import ServerIcon, ServerRemote, icons, remotes
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
MAX_TITLE_CHARS: Final = 100
ICON_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/svg+xml", "image/webp"})
"""What the registry takes; an ICO it does not."""


class RegistryRemote(Struct, frozen=True):
    """A transport of the server."""

    type: str
    url: str


class RegistryEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document."""

    schema: str = field(name="$schema")
    name: str
    """Reverse-DNS with one slash, in a namespace that the publisher proves to own."""
    title: str
    description: str
    """1 to 100 characters."""
    version: str
    website_url: str = field(name="websiteUrl")
    icons: tuple[ServerIcon, ...] = ()
    remotes: tuple[RegistryRemote, ...]


def registry_entry(store: Store, roadmap: Roadmap) -> bytes:
    """The entry of a store with all that its roadmap promises."""
    own = store.description or ""
    return pretty_json(
        RegistryEntry(
            schema=SCHEMA,
            name=store.server.name,
            title=shorten(store.title, MAX_TITLE_CHARS),
            description=own if 0 < len(own) <= MAX_SUMMARY_CHARS else promises_summary(store, roadmap),
            version=store.version or store.server.version,
            website_url=store.website_url,
            icons=tuple(icon for icon in icons(store) if icon.mime_type in ICON_TYPES),
            remotes=tuple(map(_remote, remotes(store))),
        )
    )


def _remote(remote: ServerRemote) -> RegistryRemote:
    return RegistryRemote(remote.type, remote.url)
