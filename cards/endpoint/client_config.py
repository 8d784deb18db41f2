"""`/mcp/config`: paste-ready configuration for well-known clients, without any secret."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from storefront_mcp.cards.clients import CLIENTS, ClientProfile, Format, System, Transport, client_slug, client_snippet
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import phase_status
from storefront_mcp.cards.rules.json_rules import (
    ENDPOINT,
    OUR_LINK,
    STATUS,
    MemberRule,
    json_validator,
    matches_pattern,
)
from storefront_mcp.cards.rules.text_rules import contains, text_validator
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, InfoEntry, PageEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap

PATH: Final = "/mcp/config"
MEDIA: Final[Mapping[Format, str]] = {"json": JSON_TYPE, "toml": "application/toml; charset=utf-8"}


class ClientChoice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One client, and where its snippet is."""

    client: str
    name: str
    aliases: tuple[str, ...] = ()
    url: str
    """The snippet alone, ready to paste."""
    transport: Transport
    format: Format
    files: Mapping[System, str]
    command: str | None = None
    """A shell command that does the same."""


class ClientConfigIndex(Struct, frozen=True, kw_only=True):
    """The document: an index of the clients with a snippet."""

    status: Condition
    """While planned, a client that is connected meets a 503."""
    name: str
    """The key under which the snippets enter the endpoint."""
    endpoint: str
    clients: tuple[ClientChoice, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty_json(
        ClientConfigIndex(
            status=phase_status(roadmap),
            name=client_slug(store.name),
            endpoint=store.endpoint,
            clients=tuple(_choice(store, client) for client in CLIENTS),
        )
    )


def _choice(store: Store, client: ClientProfile) -> ClientChoice:
    return ClientChoice(
        client=client.id,
        name=client.name,
        aliases=client.aliases,
        url=store.url(f"{PATH}?client={client.id}"),
        transport=client.transport,
        format=client.format,
        files=client.files,
        command=client.command and client.command(client_slug(store.name), store.endpoint),
    )


def _config(client: ClientProfile) -> Card:
    """The document with one client's snippet, which `?client=` of the index selects."""

    def render(store: Store, roadmap: Roadmap) -> bytes:
        return client_snippet(client, client_slug(store.name), store.endpoint).encode() + b"\n"

    return Card(
        name=f"mcp-config-{client.id}",
        paths=tuple(f"{PATH}/{spelling}" for spelling in (client.id, *client.aliases)),
        media_type=MEDIA[client.format],
        render=render,
        validate=text_validator(contains(lambda store: store.endpoint)),
    )


CLIENT_CONFIG: Final = Card(
    name="mcp-config",
    paths=(PATH,),
    media_type=JSON_TYPE,
    page_entry=PageEntry("Client configuration", "paste-ready entries for well-known MCP clients"),
    info_entry=InfoEntry("config", "Configuration for well-known clients; add ?client=NAME for one of them"),
    render=_render,
    validate=json_validator(
        MemberRule("status", STATUS),
        MemberRule("name", matches_pattern(r"[A-Za-z0-9_-]+", "letters, digits and hyphens")),
        MemberRule("endpoint", ENDPOINT),
        MemberRule("clients[].url", OUR_LINK),
    ),
)
CLIENT_SNIPPETS: Final = tuple(_config(client) for client in CLIENTS)
