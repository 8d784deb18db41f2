"""What we say: one discovery document per module, each a pure function of the store and the roadmap."""

from typing import Final

from storefront_mcp.cards.endpoint.client_config import CLIENT_CONFIG, CLIENT_SNIPPETS
from storefront_mcp.cards.endpoint.docs import DOCS
from storefront_mcp.cards.endpoint.endpoint_card import ENDPOINT_CARD
from storefront_mcp.cards.endpoint.resources import RESOURCES
from storefront_mcp.cards.endpoint.server_description import server_description
from storefront_mcp.cards.endpoint.tools import TOOLS
from storefront_mcp.cards.openapi import openapi_card
from storefront_mcp.cards.server_card import SERVER_CARD
from storefront_mcp.cards.site import site_documents
from storefront_mcp.cards.well_known.acp_json import ACP_JSON
from storefront_mcp.cards.well_known.agent_card import AGENT_CARD
from storefront_mcp.cards.well_known.agent_skills import SKILL, SKILL_INDEX
from storefront_mcp.cards.well_known.ai_catalog import AI_CATALOG
from storefront_mcp.cards.well_known.api_catalog import API_CATALOG
from storefront_mcp.cards.well_known.authorization_server import AUTHORIZATION_SERVER
from storefront_mcp.cards.well_known.mcp_json import MCP_JSON
from storefront_mcp.cards.well_known.protected_resource import ACCOUNT_RESOURCE, PROTECTED_RESOURCE
from storefront_mcp.cards.well_known.protocols import PROTOCOLS, PROTOCOLS_SCHEMA
from storefront_mcp.cards.well_known.server_cards import SERVER_CARDS
from storefront_mcp.cards.well_known.ucp_profile import UCP_PROFILES
from storefront_mcp.roadmap.card import Card

_WELL_KNOWN: Final = (
    SERVER_CARD,
    SERVER_CARDS,
    MCP_JSON,
    ENDPOINT_CARD,
    AI_CATALOG,
    API_CATALOG,
    PROTECTED_RESOURCE,
    ACCOUNT_RESOURCE,
    AUTHORIZATION_SERVER,
    SKILL_INDEX,
    SKILL,
    *UCP_PROFILES,
    ACP_JSON,
    AGENT_CARD,
    PROTOCOLS,
    PROTOCOLS_SCHEMA,
)
_ENDPOINT: Final = (TOOLS, RESOURCES, DOCS, CLIENT_CONFIG, *CLIENT_SNIPPETS)
_DESCRIBED: Final = (*_WELL_KNOWN, server_description((*_WELL_KNOWN, *_ENDPOINT)), *_ENDPOINT)
_DISCOVERY: Final = (*_DESCRIBED, openapi_card(_DESCRIBED))

CARDS: Final[tuple[Card, ...]] = (*_DISCOVERY, *site_documents(_DISCOVERY))
"""Every document, in the order in which scanners probe them; pages and `/mcp/info` list those with an entry."""
