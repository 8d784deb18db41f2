"""`/mcp/server-card`: the card in the dialect of the MCP Server Card extension (SEP-2127)."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from cards.server import Icon, Remote, icons, remotes, website
from cards.wording import shortened, status, summary, version
from cards.writing import pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
MEDIA_TYPE: Final = "application/mcp-server-card+json"
TITLE_LENGTH: Final = 100


class EndpointCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document. Tools are left out on purpose: this dialect leaves them to `tools/list`."""

    schema: str = field(name="$schema")
    name: str
    """Reverse-DNS with one slash, 3 to 200 characters."""
    title: str
    description: str
    """1 to 100 characters."""
    version: str
    website_url: str = field(name="websiteUrl")
    icons: tuple[Icon, ...] = ()
    remotes: tuple[Remote, ...] = ()
    """Left out while nothing is open, so that no client dials a server that is not there yet."""
    meta: Mapping[str, str] = field(name="_meta")


def _render(store: Store, roadmap: Roadmap) -> bytes:
    namespace = store.speaker.name.partition("/")[0]
    return pretty(
        EndpointCard(
            schema=SCHEMA,
            name=store.speaker.name,
            title=shortened(store.title, TITLE_LENGTH),
            description=summary(store, roadmap),
            version=version(store, roadmap),
            website_url=website(store),
            icons=icons(store),
            remotes=remotes(store) if roadmap.open else (),
            meta={f"{namespace}/status": status(roadmap)},
        )
    )


ENDPOINT_CARD: Final = Card(name="endpoint-card", paths=("/mcp/server-card",), media_type=MEDIA_TYPE, render=_render)
