"""`/mcp/config`: for each well-known client what to paste where; nothing in it is secret and no token is ever made."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from cards.clients import CLIENTS, Client, Format, System, Transport, slug, snippet
from cards.form import ENDPOINT, OUR_LINK, STATUS, Member, form, matching
from cards.prose import mentions, prose
from cards.wording import status
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap

PATH: Final = "/mcp/config"
MEDIA: Final[Mapping[Format, str]] = {"json": JSON, "toml": "application/toml; charset=utf-8"}


class Choice(Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    """Does the same in a terminal."""


class Choices(Struct, frozen=True, kw_only=True):
    """The document: every client that there is a snippet for."""

    status: Literal["planned", "active"]
    """While planned, a client that is connected meets a 503."""
    name: str
    """The key under which the snippets enter the endpoint."""
    endpoint: str
    clients: tuple[Choice, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty(
        Choices(
            status=status(roadmap),
            name=slug(store.name),
            endpoint=store.endpoint,
            clients=tuple(_choice(store, client) for client in CLIENTS),
        )
    )


def _choice(store: Store, client: Client) -> Choice:
    return Choice(
        client=client.id,
        name=client.name,
        aliases=client.aliases,
        url=store.url(f"{PATH}?client={client.id}"),
        transport=client.transport,
        format=client.format,
        files=client.files,
        command=client.command and client.command(slug(store.name), store.endpoint),
    )


def _config(client: Client) -> Card:
    """One client's snippet as a document; `?client=` of the index leads to it."""

    def render(store: Store, roadmap: Roadmap) -> bytes:
        return snippet(client, slug(store.name), store.endpoint).encode() + b"\n"

    return Card(
        name=f"mcp-config-{client.id}",
        paths=tuple(f"{PATH}/{spelling}" for spelling in (client.id, *client.aliases)),
        media_type=MEDIA[client.format],
        render=render,
        form=prose(mentions(lambda store: store.endpoint)),
    )


CONNECTING: Final = Card(
    name="mcp-config",
    paths=(PATH,),
    media_type=JSON,
    render=_render,
    form=form(
        Member("status", STATUS),
        Member("name", matching(r"[A-Za-z0-9_-]+", "letters, digits and hyphens")),
        Member("endpoint", ENDPOINT),
        Member("clients[].url", OUR_LINK),
    ),
)
CONFIGS: Final = tuple(_config(client) for client in CLIENTS)
