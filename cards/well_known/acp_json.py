"""`/.well-known/acp.json`: discovery of the Agentic Commerce Protocol, while something of it is open."""

from typing import Final

from msgspec import Struct

from storefront_mcp.agent_protocols.acp import (
    ACP_DISCOVERY_PATH,
    ACP_MOUNT,
    ACP_VERSION,
    SUPPORTED_ACP_VERSIONS,
    open_services,
)
from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.rules.json_rules import OUR_LINK, MemberRule, equals, equals_known, json_validator
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Roadmap


class AcpIdentity(Struct, frozen=True, kw_only=True):
    """The protocol."""

    name: str = "acp"
    version: str = ACP_VERSION
    supported_versions: tuple[str, ...] = SUPPORTED_ACP_VERSIONS


class AcpCapabilities(Struct, frozen=True, kw_only=True):
    """What agents can ask for."""

    services: tuple[str, ...]
    extensions: tuple[str, ...] = ("discount",)
    intervention_types: tuple[str, ...] = ()
    supported_currencies: tuple[str, ...]
    """In small letters."""
    supported_locales: tuple[str, ...]


class AcpDiscovery(Struct, frozen=True, kw_only=True):
    """The document."""

    protocol: AcpIdentity = AcpIdentity()
    api_base_url: str
    transports: tuple[str, ...] = ("rest",)
    capabilities: AcpCapabilities


def _render(store: Store, roadmap: Roadmap) -> bytes | None:
    services = open_services(roadmap)
    if "acp" not in store.protocols or not services:
        return None
    capabilities = AcpCapabilities(
        services=services, supported_currencies=(store.currency.lower(),), supported_locales=(store.locale,)
    )
    return pretty_json(AcpDiscovery(api_base_url=store.url(ACP_MOUNT), capabilities=capabilities))


ACP_JSON: Final = Card(
    name="acp-json",
    paths=(ACP_DISCOVERY_PATH,),
    media_type=JSON_TYPE,
    render=_render,
    served_by=lambda store: "acp" in store.protocols,
    page_entry=PageEntry(
        "ACP discovery",
        "checkout sessions and carts for agents with a key of the store",
        listed=lambda _, roadmap: bool(open_services(roadmap)),
    ),
    validate=json_validator(
        MemberRule("protocol.name", equals("acp")),
        MemberRule("protocol.version", equals(ACP_VERSION)),
        MemberRule("api_base_url", OUR_LINK),
        MemberRule("transports", equals(["rest"])),
        MemberRule(
            "capabilities.services",
            equals_known(lambda _, roadmap: list(open_services(roadmap)), "the services that are open"),
        ),
        MemberRule(
            "capabilities.supported_currencies",
            equals_known(lambda store, _: [store.currency.lower()], "the store's currency"),
        ),
    ),
)
