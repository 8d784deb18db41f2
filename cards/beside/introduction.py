"""`/mcp/info`: who the server is, what it can do, and every address under which something is to be had."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from cards.beside.connecting import CONNECTING
from cards.beside.docs import DOCS
from cards.beside.resources import RESOURCES
from cards.beside.tools import TOOLS
from cards.form import (
    CAPABILITIES,
    ENDPOINT,
    LINK,
    OUR_LINK,
    PREFERRED,
    SERVER_NAME,
    STATUS,
    TEXT,
    Member,
    as_known,
    form,
)
from cards.server import remotes, versions, website
from cards.server_card import SERVER_CARD, ServerName
from cards.wording import description, status, version
from cards.writing import JSON, pretty
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card
from storefront_mcp.roadmap.roadmap import Roadmap

DOCUMENTS: Final = (
    ("tools", TOOLS, "Every tool: those that work now, and those that are promised"),
    ("resources", RESOURCES, "Resources, resource templates and prompts"),
    ("docs", DOCS, "The whole catalogue as Markdown"),
    ("config", CONNECTING, "Configuration for well-known clients; add ?client=NAME for one of them"),
    ("serverCard", SERVER_CARD, "The storefront card"),
)


class Address(Struct, frozen=True, kw_only=True):
    """One thing that can be asked for."""

    method: Literal["GET", "POST"]
    url: str
    purpose: str


class Count(Struct, frozen=True, kw_only=True):
    """How much of a promise is kept now."""

    open: int
    promised: int


class Introduction(Struct, frozen=True, kw_only=True, rename="camel"):
    """The document."""

    server: ServerName
    description: str
    website: str
    status: Literal["planned", "active"]
    protocol_versions: tuple[str, ...]
    """Oldest first, over any of the transports."""
    preferred_version: str
    capabilities: Mapping[str, Any]
    tools: Count
    resources: Count
    prompts: Count
    endpoints: Mapping[str, Address]


def _render(store: Store, roadmap: Roadmap) -> bytes:
    promising = [phase.manifest for phase in roadmap.phases if phase.status != "retired"]
    return pretty(
        Introduction(
            server=ServerName(name=store.speaker.name, title=store.title, version=version(store, roadmap)),
            description=description(store, roadmap),
            website=website(store),
            status=status(roadmap),
            protocol_versions=versions(store),
            preferred_version=store.speaker.preferred_version,
            capabilities=store.speaker.capabilities,
            tools=Count(open=len(roadmap.open_tools()), promised=sum(len(each.tools) for each in promising)),
            resources=Count(
                open=len(roadmap.open_resources()), promised=sum(len(each.resources) for each in promising)
            ),
            prompts=Count(open=len(roadmap.open_prompts()), promised=sum(len(each.prompts) for each in promising)),
            endpoints=_endpoints(store),
        )
    )


def _endpoints(store: Store) -> Mapping[str, Address]:
    """What is served, under the words that people use for it."""
    served = {
        "mcp": Address(method="POST", url=store.endpoint, purpose="MCP over Streamable HTTP: one message per request")
    }
    for remote in remotes(store):
        if remote.type == "sse":
            purpose = "MCP over the older HTTP+SSE transport: opens a stream that says where to post messages"
            served["sse"] = Address(method="GET", url=remote.url, purpose=purpose)
    for name, card, purpose in DOCUMENTS:
        served[name] = Address(method="GET", url=store.url(card.paths[0]), purpose=purpose)
    return served


INTRODUCTION: Final = Card(
    name="mcp-info",
    paths=("/mcp/info",),
    media_type=JSON,
    render=_render,
    form=form(
        Member("server.name", SERVER_NAME, "store.server_name"),
        Member("server.title", TEXT, "store.name"),
        Member("server.version", TEXT, "store.version"),
        Member("description", TEXT, "store.description"),
        Member("website", LINK, "store.website"),
        Member("status", STATUS),
        Member("protocolVersions", as_known(lambda store, _: list(versions(store)), "the versions spoken here")),
        Member("preferredVersion", PREFERRED),
        Member("capabilities", CAPABILITIES),
        Member("tools.open", as_known(lambda _, roadmap: len(roadmap.open_tools()), "how many tools are open")),
        Member("endpoints.mcp.url", ENDPOINT),
        *(Member(f"endpoints.{name}.url", OUR_LINK) for name, _, _ in DOCUMENTS),
    ),
)
