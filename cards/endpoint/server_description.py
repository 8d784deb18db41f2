"""`/mcp/info`: identity, capabilities and protocol versions of the server, and the addresses of its endpoints."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import phase_status, server_version, store_description
from storefront_mcp.cards.rules.json_rules import (
    CAPABILITIES,
    ENDPOINT,
    LINK,
    OUR_LINK,
    PREFERRED,
    SERVER_NAME,
    STATUS,
    TEXT,
    MemberRule,
    equals_known,
    json_validator,
)
from storefront_mcp.cards.server_card import ServerName
from storefront_mcp.cards.server_facts import protocol_versions, remotes
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, PageEntry
from storefront_mcp.roadmap.roadmap import Condition, Roadmap

INFO_PATH: Final = "/mcp/info"


class LinkedAddress(Struct, frozen=True, kw_only=True):
    """One address and what it serves."""

    method: Literal["GET", "POST"]
    url: str
    purpose: str


class PromiseCount(Struct, frozen=True, kw_only=True):
    """How many items are open, of how many promised."""

    open: int
    promised: int


class McpDescription(Struct, frozen=True, kw_only=True, rename="camel"):
    """The document."""

    server: ServerName
    description: str
    website: str
    status: Condition
    protocol_versions: tuple[str, ...]
    """Oldest first, over any of the transports."""
    preferred_version: str
    capabilities: Mapping[str, Any]
    tools: PromiseCount
    resources: PromiseCount
    prompts: PromiseCount
    endpoints: Mapping[str, LinkedAddress]


def _render(store: Store, roadmap: Roadmap, listed: Sequence[Card]) -> bytes:
    promising = [phase.manifest for phase in roadmap.phases if phase.status != "retired"]
    return pretty_json(
        McpDescription(
            server=ServerName(name=store.server.name, title=store.title, version=server_version(store, roadmap)),
            description=store_description(store, roadmap),
            website=store.website_url,
            status=phase_status(roadmap),
            protocol_versions=protocol_versions(store),
            preferred_version=store.server.preferred_version,
            capabilities=store.server.capabilities,
            tools=PromiseCount(open=len(roadmap.open_tools()), promised=sum(len(each.tools) for each in promising)),
            resources=PromiseCount(
                open=len(roadmap.open_resources()), promised=sum(len(each.resources) for each in promising)
            ),
            prompts=PromiseCount(
                open=len(roadmap.open_prompts()), promised=sum(len(each.prompts) for each in promising)
            ),
            endpoints=_endpoints(store, listed),
        )
    )


def _endpoints(store: Store, listed: Sequence[Card]) -> Mapping[str, LinkedAddress]:
    """Every address by its name; documents that say how they are listed here follow the endpoint."""
    served = {
        "mcp": LinkedAddress(
            method="POST", url=store.endpoint, purpose="MCP over Streamable HTTP: one message per request"
        )
    }
    for remote in remotes(store):
        if remote.type == "sse":
            purpose = "MCP over the older HTTP+SSE transport: opens a stream that says where to post messages"
            served["sse"] = LinkedAddress(method="GET", url=remote.url, purpose=purpose)
    for card in listed:
        if (entry := card.info_entry) is not None:
            served[entry.name] = LinkedAddress(method="GET", url=store.url(card.paths[0]), purpose=entry.purpose)
    return served


def server_description(documents: Sequence[Card]) -> Card:
    """The card of `/mcp/info`, which lists those of `documents` that have an `info_entry`, the endpoint's own first."""
    listed = sorted(documents, key=lambda card: not card.paths[0].startswith("/mcp/"))
    return Card(
        name="mcp-info",
        paths=(INFO_PATH,),
        media_type=JSON_TYPE,
        page_entry=PageEntry("MCP server", "capabilities, protocol versions and every address beside the endpoint"),
        render=lambda store, roadmap: _render(store, roadmap, listed),
        validate=json_validator(
            MemberRule("server.name", SERVER_NAME, "store.server_name"),
            MemberRule("server.title", TEXT, "store.name"),
            MemberRule("server.version", TEXT, "store.version"),
            MemberRule("description", TEXT, "store.description"),
            MemberRule("website", LINK, "store.website"),
            MemberRule("status", STATUS),
            MemberRule(
                "protocolVersions",
                equals_known(lambda store, _: list(protocol_versions(store)), "the versions spoken here"),
            ),
            MemberRule("preferredVersion", PREFERRED),
            MemberRule("capabilities", CAPABILITIES),
            MemberRule(
                "tools.open", equals_known(lambda _, roadmap: len(roadmap.open_tools()), "how many tools are open")
            ),
            MemberRule("endpoints.mcp.url", ENDPOINT),
            *(
                MemberRule(f"endpoints.{one.info_entry.name}.url", OUR_LINK)
                for one in listed
                if one.info_entry is not None
            ),
        ),
    )
