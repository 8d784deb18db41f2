"""`/.well-known/mcp.json` and `/.well-known/mcp`: the storefront card with the list of servers that some want."""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import asdict

from cards.form import ENDPOINT, TEXT, Member, exactly, form
from cards.server_card import STOREFRONT_MEMBERS, StorefrontCard, storefront_card
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


class ServerAuthentication(Struct, frozen=True):
    """Whether connecting needs a credential."""

    required: bool


class Server(Struct, frozen=True, kw_only=True):
    """One server, as a client's configuration would name it."""

    name: str
    url: str
    transport: Literal["streamable-http"]
    authentication: ServerAuthentication


class McpJson(StorefrontCard, frozen=True, kw_only=True, omit_defaults=True):
    """The document: every key of the storefront card, then the servers."""

    servers: tuple[Server, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    server = Server(
        name=store.title,
        url=store.endpoint,
        transport="streamable-http",
        authentication=ServerAuthentication(required=False),
    )
    return pretty(McpJson(**asdict(storefront_card(store, roadmap)), servers=(server,)))


MCP_JSON: Final = Card(
    name="mcp-json",
    paths=("/.well-known/mcp.json", "/.well-known/mcp"),
    media_type=JSON,
    render=_render,
    form=form(
        *STOREFRONT_MEMBERS,
        Member("servers[].name", TEXT, "store.name"),
        Member("servers[].url", ENDPOINT),
        Member("servers[].transport", exactly("streamable-http")),
        Member("servers[].authentication.required", exactly(value=False)),
    ),
)
