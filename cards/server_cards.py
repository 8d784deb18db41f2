"""`/.well-known/mcp/server-cards.json`: the cards of every MCP server on this origin, which is one."""

from typing import Final

from msgspec import Struct

from cards.form import below, form
from cards.server_card import STOREFRONT_MEMBERS, StorefrontCard, storefront_card
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


class ServerCards(Struct, frozen=True):
    """The document. No public schema exists; scanners look for a card inside."""

    servers: tuple[StorefrontCard, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty(ServerCards((storefront_card(store, roadmap),)))


SERVER_CARDS: Final = Card(
    name="server-cards",
    paths=("/.well-known/mcp/server-cards.json",),
    media_type=JSON,
    render=_render,
    form=form(*below("servers[]", STOREFRONT_MEMBERS)),
)
