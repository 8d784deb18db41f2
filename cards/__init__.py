"""What we say: one discovery document per module, each a pure function of the store and the roadmap."""

from typing import Final

from cards.agent_skills import SKILL, SKILL_INDEX
from cards.ai_catalog import AI_CATALOG
from cards.api_catalog import API_CATALOG
from cards.beside import BESIDE
from cards.endpoint_card import ENDPOINT_CARD
from cards.mcp_json import MCP_JSON
from cards.openapi import openapi_card
from cards.protected_resource import PROTECTED_RESOURCE
from cards.protocols import PROTOCOLS, PROTOCOLS_SCHEMA
from cards.root import ROOT
from cards.server_card import SERVER_CARD
from cards.server_cards import SERVER_CARDS
from storefront_mcp.roadmap.card import Card

_DESCRIBED: Final = (
    SERVER_CARD,
    SERVER_CARDS,
    MCP_JSON,
    ENDPOINT_CARD,
    AI_CATALOG,
    API_CATALOG,
    PROTECTED_RESOURCE,
    SKILL_INDEX,
    SKILL,
    PROTOCOLS,
    PROTOCOLS_SCHEMA,
    *BESIDE,
)

CARDS: Final[tuple[Card, ...]] = (*_DESCRIBED, openapi_card(_DESCRIBED), *ROOT)
"""Every document, in the order in which scanners probe them."""
