"""The storefront card, `/.well-known/mcp/server-card.json`: every promised tool, whether or not it is open.

Its first eleven keys are the promise that agents may plan against; what follows them is what scanners and registries
look for under other names. Between planned, active and paused nothing changes but `status`, `tools`, which are those
that `tools/list` has once it is active, and, only where the operator has not set them, `description` and `version`: a
default must not call an open server a stub, nor claim what is closed.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct, field

from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import phase_status, server_version, store_description
from storefront_mcp.cards.rules.json_rules import (
    CAPABILITIES,
    ENDPOINT,
    LINK,
    OUR_LINK,
    PREFERRED,
    SCHEMA,
    SERVER_NAME,
    STATUS,
    TEXT,
    MemberRule,
    any_text,
    equals,
    json_validator,
    names_exactly,
)
from storefront_mcp.cards.server_facts import REMOTES, ServerIcon, ServerRemote, icons, remotes, token_issuer
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue, InfoEntry, PageEntry
from storefront_mcp.roadmap.manifest import Auth, PromisedTool
from storefront_mcp.roadmap.roadmap import Condition, Phase, Roadmap

AUTH_NEEDS: Final[Mapping[Auth, bool | Literal["optional"]]] = {"none": False, "optional": "optional", "required": True}
AUTH_NOTES: Final = (
    "Guest browsing and cart operations are unauthenticated. Checkout and customer-history tools will accept an OAuth2 "
    "access token issued by the storefront."
)


class CardAuthentication(Struct, frozen=True, kw_only=True):
    """Which tools take credentials; connecting needs none."""

    type: Literal["none"]
    required_for: tuple[str, ...]
    """Tools that take an access token, whether or not they work without one."""
    notes: str
    required: bool
    schemes: tuple[str, ...]


class PlannedTool(Struct, frozen=True):
    """A promised tool, and whether it needs a signed-in buyer."""

    name: str
    auth: bool | Literal["optional"]


class ServerName(Struct, frozen=True, kw_only=True):
    """The server's identity (MCP `Implementation`)."""

    name: str
    title: str
    version: str


class AdvertisedTool(Struct, frozen=True, kw_only=True, rename="camel"):
    """A tool as `tools/list` shows or will show it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


class StorefrontCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document; keys are in the order in which they are published."""

    name: str
    version: str
    description: str
    status: Condition
    endpoint: str
    transport: Literal["streamable-http"]
    authentication: CardAuthentication
    planned_tools: tuple[PlannedTool, ...]
    icon: str | None = None
    documentation: str | None = None
    privacy_policy: str | None = None
    title: str
    server_info: ServerName = field(name="serverInfo")
    server_url: str = field(name="serverUrl")
    url: str
    protocol_version: str = field(name="protocolVersion")
    capabilities: Mapping[str, object]
    remotes: tuple[ServerRemote, ...]
    tools: tuple[AdvertisedTool, ...]
    website_url: str = field(name="websiteUrl")
    icons: tuple[ServerIcon, ...] = ()


def storefront_card(store: Store, roadmap: Roadmap) -> StorefrontCard:
    """The card as a value; other documents carry it too."""
    promises = tuple(roadmap.promises())
    own_version = server_version(store, roadmap)
    issuer = token_issuer(store, roadmap)
    return StorefrontCard(
        name=store.title,
        version=own_version,
        description=store_description(store, roadmap),
        status=phase_status(roadmap),
        endpoint=store.endpoint,
        transport="streamable-http",
        authentication=CardAuthentication(
            type="none",
            required_for=tuple(promise.name for _, promise in promises if promise.auth != "none"),
            notes=_notes(issuer),
            required=False,
            schemes=() if issuer is None else ("oauth2",),
        ),
        planned_tools=tuple(PlannedTool(promise.name, AUTH_NEEDS[promise.auth]) for _, promise in promises),
        icon=store.icon,
        documentation=store.documentation,
        privacy_policy=store.privacy_policy,
        title=store.name,
        server_info=ServerName(name=store.server.name, title=store.title, version=own_version),
        server_url=store.endpoint,
        url=store.endpoint,
        protocol_version=store.server.preferred_version,
        capabilities=store.server.capabilities,
        remotes=remotes(store),
        tools=tuple(_advertise(phase, promise) for phase, promise in _select_tools(roadmap)),
        website_url=store.website_url,
        icons=icons(store),
    )


def _notes(issuer: str | None) -> str:
    """The notes, with the address of the issuer's metadata (RFC 8414 §3) where there is an issuer."""
    if issuer is None:
        return AUTH_NOTES
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return f"{AUTH_NOTES} See {parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"


def _select_tools(roadmap: Roadmap) -> list[tuple[Phase, PromisedTool]]:
    """What `tools` names: while a phase is open, the open tools; otherwise, as a plan, every promise."""
    promises = list(roadmap.promises())
    if roadmap.condition != "active":
        return promises
    return [(phase, promise) for phase, promise in promises if promise.name in phase.open_tools]


def _advertise(phase: Phase, promise: PromisedTool) -> AdvertisedTool:
    """A delivered tool with its own schema; a promised one with its summary and a schema that takes any object."""
    tool = phase.tools.get(promise.name)
    if tool is None:
        return AdvertisedTool(name=promise.name, description=promise.summary, input_schema={"type": "object"})
    return AdvertisedTool(name=tool.name, description=tool.description, input_schema=tool.input_schema)


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty_json(storefront_card(store, roadmap))


PROMISED_TOOLS: Final = names_exactly(
    lambda _, roadmap: [promise.name for _, promise in roadmap.promises()], "the tools that the roadmap promises"
)
ADVERTISED_TOOLS: Final = names_exactly(
    lambda _, roadmap: [promise.name for _, promise in _select_tools(roadmap)],
    "the tools that are open, or, where none is, those that the roadmap promises",
)
STOREFRONT_MEMBERS: Final = (
    MemberRule("name", TEXT, "store.name"),
    MemberRule("version", any_text(255), "store.version"),
    MemberRule("description", TEXT, "store.description"),
    MemberRule("status", STATUS),
    MemberRule("endpoint", ENDPOINT),
    MemberRule("transport", equals("streamable-http")),
    MemberRule("authentication.required", equals(value=False)),
    MemberRule("authentication.notes", TEXT),
    MemberRule("planned_tools", PROMISED_TOOLS),
    MemberRule("icon", LINK, "store.icon", optional=True),
    MemberRule("documentation", LINK, "store.documentation", optional=True),
    MemberRule("privacy_policy", LINK, "store.privacy_policy", optional=True),
    MemberRule("title", TEXT, "store.name"),
    MemberRule("serverInfo.name", SERVER_NAME, "store.server_name"),
    MemberRule("serverInfo.title", TEXT, "store.name"),
    MemberRule("serverInfo.version", any_text(255), "store.version"),
    MemberRule("serverUrl", ENDPOINT),
    MemberRule("url", ENDPOINT),
    MemberRule("protocolVersion", PREFERRED),
    MemberRule("capabilities", CAPABILITIES),
    *REMOTES,
    MemberRule("tools", ADVERTISED_TOOLS),
    MemberRule("tools[].description", TEXT),
    MemberRule("tools[].inputSchema", SCHEMA),
    MemberRule("websiteUrl", LINK, "store.website"),
)
"""Rules of a storefront card, in whichever document it is. `icons` repeats `icon`."""
LOSSES_BY_MEMBER: Final[Mapping[str, str]] = {
    "icon": "Clients that show one have nothing to show",
    "documentation": "People who build agents are not told where to read on",
    "privacy_policy": "Directories that list shops ask for one",
}
"""Optional members → what readers miss without them."""


def _check_optional_members(document: Any, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
    for member, loss in LOSSES_BY_MEMBER.items():
        if member not in document:
            yield DocumentIssue(f"There is no {member}. {loss}.", f"Set store.{member} to its address.", grave=False)
    icon = document.get("icon")
    if LINK.holds(icon, store, roadmap) and not OUR_LINK.holds(icon, store, roadmap):
        yield DocumentIssue(
            "The icon is on another origin. Careful clients load icons from the server's own only.",
            f"Serve it on {store.origin}, and set store.icon to that address.",
            grave=False,
        )


SERVER_CARD: Final = Card(
    name="server-card",
    paths=(
        "/.well-known/mcp/server-card.json",
        "/.well-known/mcp/server-card",
        "/.well-known/mcp-server-card",
        "/.well-known/mcp-server-card.json",
    ),
    media_type=JSON_TYPE,
    page_entry=PageEntry("Server card", "the MCP server, its status and every promised tool"),
    info_entry=InfoEntry("serverCard", "The storefront card"),
    render=_render,
    validate=json_validator(*STOREFRONT_MEMBERS, _check_optional_members),
)
