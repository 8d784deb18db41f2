"""`/.well-known/mcp.json` and `/.well-known/mcp`: the storefront card with the server as clients' files name it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from msgspec import Struct, field
from msgspec.structs import asdict

from storefront_mcp.cards.clients import client_slug
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import ENDPOINT, OUR_FAULT_TEXT, TEXT, MemberRule, equals, json_validator
from storefront_mcp.cards.server_card import STOREFRONT_MEMBERS, StorefrontCard, storefront_card
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue
from storefront_mcp.roadmap.roadmap import Roadmap


class ServerAuthentication(Struct, frozen=True):
    """Whether connecting needs a credential."""

    required: bool


class ServerEntry(Struct, frozen=True, kw_only=True):
    """One server, as a client's configuration would name it."""

    name: str
    url: str
    transport: Literal["streamable-http"]
    authentication: ServerAuthentication


class ClientEntry(Struct, frozen=True):
    """One server in a client's configuration file."""

    type: Literal["http"]
    url: str


class McpJson(StorefrontCard, frozen=True, kw_only=True, omit_defaults=True):
    """The document: every key of the storefront card, then the server twice, once for each kind of reader."""

    servers: tuple[ServerEntry, ...]
    mcp_servers: Mapping[str, ClientEntry] = field(name="mcpServers")


def _render(store: Store, roadmap: Roadmap) -> bytes:
    server = ServerEntry(
        name=store.title,
        url=store.endpoint,
        transport="streamable-http",
        authentication=ServerAuthentication(required=False),
    )
    clients = {client_slug(store.name): ClientEntry("http", store.endpoint)}
    return pretty_json(McpJson(**asdict(storefront_card(store, roadmap)), servers=(server,), mcp_servers=clients))


def _check_client_entries(document: Any, store: Store, _roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
    if document.get("mcpServers") != {client_slug(store.name): {"type": "http", "url": store.endpoint}}:
        yield DocumentIssue("mcpServers does not name the MCP endpoint.", OUR_FAULT_TEXT)


MCP_JSON: Final = Card(
    name="mcp-json",
    paths=("/.well-known/mcp.json", "/.well-known/mcp"),
    media_type=JSON_TYPE,
    render=_render,
    validate=json_validator(
        *STOREFRONT_MEMBERS,
        MemberRule("servers[].name", TEXT, "store.name"),
        MemberRule("servers[].url", ENDPOINT),
        MemberRule("servers[].transport", equals("streamable-http")),
        MemberRule("servers[].authentication.required", equals(value=False)),
        _check_client_entries,
    ),
)
