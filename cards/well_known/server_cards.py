"""`/.well-known/mcp/server-cards.json`: the cards of every MCP server on this origin, which is one."""

from typing import Final

from msgspec import Struct

from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import json_validator, nested_rules
from storefront_mcp.cards.server_card import STOREFRONT_MEMBERS, StorefrontCard, storefront_card
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap


class ServerCards(Struct, frozen=True):
    """The document. No public schema exists; scanners look for a card inside."""

    servers: tuple[StorefrontCard, ...]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty_json(ServerCards((storefront_card(store, roadmap),)))


SERVER_CARDS: Final = Card(
    name="server-cards",
    paths=("/.well-known/mcp/server-cards.json",),
    media_type=JSON_TYPE,
    render=_render,
    validate=json_validator(*nested_rules("servers[]", STOREFRONT_MEMBERS)),
)
