"""The storefront card, `/.well-known/mcp/server-card.json`: the whole promise, published before the server exists.

Its first eleven keys are the promise that agents may plan against; what follows them is what scanners and registries
look for under other names. Between planned and active nothing changes but `status`, and, only where the operator has
not set them, `description` and `version`: a default must not call an open server a stub, nor claim what is closed.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct, field

from cards.form import (
    CAPABILITIES,
    ENDPOINT,
    LINK,
    OUR_LINK,
    PREFERRED,
    SCHEMA,
    SERVER_NAME,
    STATUS,
    TEXT,
    Member,
    exactly,
    form,
    named,
    text,
)
from cards.server import REMOTES, Icon, Remote, icons, remotes, website
from cards.wording import description, status, version
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, Complaint
from storefront_mcp.roadmap.manifest import Auth, Promise
from storefront_mcp.roadmap.roadmap import Phase, Roadmap

NEEDS: Final[Mapping[Auth, bool | Literal["optional"]]] = {"none": False, "optional": "optional", "required": True}
NOTES: Final = (
    "Guest browsing and cart operations are unauthenticated. Checkout and customer-history tools will accept an OAuth2 "
    "access token issued by the storefront."
)


class Authentication(Struct, frozen=True, kw_only=True):
    """Which tools ask who is calling; connecting never does."""

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
    """The server as it introduces itself at run time (MCP `Implementation`)."""

    name: str
    title: str
    version: str


class AdvertisedTool(Struct, frozen=True, kw_only=True, rename="camel"):
    """A promised tool as `tools/list` shows or will show it."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


class StorefrontCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document; keys are in the order in which they are published."""

    name: str
    version: str
    description: str
    status: Literal["planned", "active"]
    endpoint: str
    transport: Literal["streamable-http"]
    authentication: Authentication
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
    remotes: tuple[Remote, ...]
    tools: tuple[AdvertisedTool, ...]
    website_url: str = field(name="websiteUrl")
    icons: tuple[Icon, ...] = ()


def storefront_card(store: Store, roadmap: Roadmap) -> StorefrontCard:
    """The card as a value; other documents carry it too."""
    promises = tuple(roadmap.promises())
    spoken = version(store, roadmap)
    return StorefrontCard(
        name=store.title,
        version=spoken,
        description=description(store, roadmap),
        status=status(roadmap),
        endpoint=store.endpoint,
        transport="streamable-http",
        authentication=Authentication(
            type="none",
            required_for=tuple(promise.name for _, promise in promises if promise.auth != "none"),
            notes=_notes(store),
            required=False,
            schemes=("oauth2",),
        ),
        planned_tools=tuple(PlannedTool(promise.name, NEEDS[promise.auth]) for _, promise in promises),
        icon=store.icon,
        documentation=store.documentation,
        privacy_policy=store.privacy_policy,
        title=store.name,
        server_info=ServerName(name=store.speaker.name, title=store.title, version=spoken),
        server_url=store.endpoint,
        url=store.endpoint,
        protocol_version=store.speaker.preferred_version,
        capabilities=store.speaker.capabilities,
        remotes=remotes(store),
        tools=tuple(_advertised(phase, promise) for phase, promise in promises),
        website_url=website(store),
        icons=icons(store),
    )


def _notes(store: Store) -> str:
    """Readers are sent to the issuer's metadata (RFC 8414 §3) only where there is an issuer."""
    if store.issuer is None:
        return NOTES
    issuer = urlsplit(store.issuer)
    path = issuer.path.rstrip("/")
    return f"{NOTES} See {issuer.scheme}://{issuer.netloc}/.well-known/oauth-authorization-server{path}"


def _advertised(phase: Phase, promise: Promise) -> AdvertisedTool:
    """What is delivered speaks for itself; before that the promise speaks, and takes any object."""
    tool = phase.tools.get(promise.name)
    if tool is None:
        return AdvertisedTool(name=promise.name, description=promise.summary, input_schema={"type": "object"})
    return AdvertisedTool(name=tool.name, description=tool.description, input_schema=tool.input_schema)


def _render(store: Store, roadmap: Roadmap) -> bytes:
    return pretty(storefront_card(store, roadmap))


PROMISED: Final = named(
    lambda _, roadmap: [promise.name for _, promise in roadmap.promises()], "the tools that the roadmap promises"
)
STOREFRONT_MEMBERS: Final = (
    Member("name", TEXT, "store.name"),
    Member("version", text(255), "store.version"),
    Member("description", TEXT, "store.description"),
    Member("status", STATUS),
    Member("endpoint", ENDPOINT),
    Member("transport", exactly("streamable-http")),
    Member("authentication.required", exactly(value=False)),
    Member("authentication.notes", TEXT),
    Member("planned_tools", PROMISED),
    Member("icon", LINK, "store.icon", optional=True),
    Member("documentation", LINK, "store.documentation", optional=True),
    Member("privacy_policy", LINK, "store.privacy_policy", optional=True),
    Member("title", TEXT, "store.name"),
    Member("serverInfo.name", SERVER_NAME, "store.server_name"),
    Member("serverInfo.title", TEXT, "store.name"),
    Member("serverInfo.version", text(255), "store.version"),
    Member("serverUrl", ENDPOINT),
    Member("url", ENDPOINT),
    Member("protocolVersion", PREFERRED),
    Member("capabilities", CAPABILITIES),
    *REMOTES,
    Member("tools", PROMISED),
    Member("tools[].description", TEXT),
    Member("tools[].inputSchema", SCHEMA),
    Member("websiteUrl", LINK, "store.website"),
)
"""What a storefront card is wherever it stands. What `icons` has is `icon` again."""
WELCOME: Final[Mapping[str, str]] = {
    "icon": "Clients that show one have nothing to show",
    "documentation": "People who build agents are not told where to read on",
    "privacy_policy": "Directories that list shops ask for one",
}
"""Members that a card may do without, and what it is poorer by."""


def _poorer(document: Any, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:  # noqa: ANN401 -- JSON
    for member, loss in WELCOME.items():
        if member not in document:
            yield Complaint(f"There is no {member}. {loss}.", f"Set store.{member} to its address.", grave=False)
    icon = document.get("icon")
    if LINK.holds(icon, store, roadmap) and not OUR_LINK.holds(icon, store, roadmap):
        yield Complaint(
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
    media_type=JSON,
    render=_render,
    form=form(*STOREFRONT_MEMBERS, _poorer),
)
