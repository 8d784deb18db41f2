"""`/mcp/server-card`: the card in the dialect of the MCP Server Card extension (SEP-2127)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from storefront_mcp.cards.json_output import pretty_json
from storefront_mcp.cards.phrases import MAX_SUMMARY_CHARS, phase_status, phases_summary, server_version, shorten
from storefront_mcp.cards.rules.json_rules import (
    LINK,
    OUR_FAULT_TEXT,
    SERVER_NAME,
    VERSION,
    MemberRule,
    any_text,
    equals,
    json_validator,
)
from storefront_mcp.cards.server_facts import REMOTES, ServerIcon, ServerRemote, icons, remotes
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue
from storefront_mcp.roadmap.roadmap import Roadmap

SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
MEDIA_TYPE: Final = "application/mcp-server-card+json"
MAX_TITLE_CHARS: Final = 100


class EndpointCard(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document. This dialect leaves tools to `tools/list`."""

    schema: str = field(name="$schema")
    name: str
    """Reverse-DNS with one slash, 3 to 200 characters."""
    title: str
    description: str
    """1 to 100 characters."""
    version: str
    website_url: str = field(name="websiteUrl")
    icons: tuple[ServerIcon, ...] = ()
    remotes: tuple[ServerRemote, ...] = ()
    """Omitted while nothing is open, so that no client connects to a 503."""
    meta: Mapping[str, str] = field(name="_meta")


def _render(store: Store, roadmap: Roadmap) -> bytes:
    namespace = store.server.name.partition("/")[0]
    return pretty_json(
        EndpointCard(
            schema=SCHEMA,
            name=store.server.name,
            title=shorten(store.title, MAX_TITLE_CHARS),
            description=phases_summary(store, roadmap),
            version=server_version(store, roadmap),
            website_url=store.website_url,
            icons=icons(store),
            remotes=remotes(store) if roadmap.open else (),
            meta={f"{namespace}/status": phase_status(roadmap)},
        )
    )


def _check_remotes(document: Any, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
    """`remotes` must be valid while a phase is open, and absent otherwise."""
    if roadmap.open:
        for remote in REMOTES:
            yield from remote(document, store, roadmap)
    elif "remotes" in document:
        yield DocumentIssue("There are remotes, and nothing is open: clients would meet a 503.", OUR_FAULT_TEXT)


ENDPOINT_CARD: Final = Card(
    name="endpoint-card",
    paths=("/mcp/server-card",),
    media_type=MEDIA_TYPE,
    render=_render,
    validate=json_validator(
        MemberRule("$schema", equals(SCHEMA)),
        MemberRule("name", SERVER_NAME, "store.server_name"),
        MemberRule("title", any_text(MAX_TITLE_CHARS), "store.name", optional=True),
        MemberRule("description", any_text(MAX_SUMMARY_CHARS)),
        MemberRule("version", VERSION, "store.version"),
        MemberRule("websiteUrl", LINK, "store.website", optional=True),
        MemberRule("icons[].src", LINK, "store.icon", optional=True),
        _check_remotes,
    ),
)
