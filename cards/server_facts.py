"""Facts that both dialects of the server card share: remotes, icons, versions, website."""

from typing import Any, Final, Literal

from msgspec import Struct

from storefront_mcp.cards.rules.json_rules import OUR_LINK, MemberRule, ValueConstraint, matches_pattern
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap


class ServerIcon(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An icon of the server (MCP `Icon`)."""

    src: str
    mime_type: str | None = None


class ServerRemote(Struct, frozen=True, kw_only=True, rename="camel"):
    """One way to reach the server over the network (MCP server card, SEP-2127)."""

    type: Literal["streamable-http", "sse"]
    url: str
    supported_protocol_versions: tuple[str, ...]


def token_issuer(store: Store, roadmap: Roadmap) -> str | None:
    """Whose access tokens count: a configured issuer's, or this server's own while customers can sign in."""
    if store.issuer is not None:
        return store.issuer
    return store.origin if roadmap.signs_in else None


def icons(store: Store) -> tuple[ServerIcon, ...]:
    """The store's icon, if it has one."""
    if store.icon is None:
        return ()
    return (ServerIcon(src=store.icon, mime_type=store.icon_type),)


def remotes(store: Store) -> tuple[ServerRemote, ...]:
    """Every transport that is served, the newer one first."""
    server = store.server
    streamable = ServerRemote(
        type="streamable-http", url=store.endpoint, supported_protocol_versions=server.protocol_versions
    )
    if not server.sse_versions:
        return (streamable,)
    older = ServerRemote(type="sse", url=store.url("/mcp/sse"), supported_protocol_versions=server.sse_versions)
    return (streamable, older)


def protocol_versions(store: Store) -> tuple[str, ...]:
    """Every supported protocol version once, oldest first, over all transports."""
    return tuple(dict.fromkeys((*store.server.sse_versions, *store.server.protocol_versions)))


def _speaks_all(value: Any, store: Store, _roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    return isinstance(value, list) and bool(value) and all(one in protocol_versions(store) for one in value)


SPOKEN_VERSIONS: Final = ValueConstraint("protocol versions that are spoken here", _speaks_all)
REMOTES: Final = (
    MemberRule("remotes[].type", matches_pattern("streamable-http|sse", "a transport of MCP")),
    MemberRule("remotes[].url", OUR_LINK),
    MemberRule("remotes[].supportedProtocolVersions", SPOKEN_VERSIONS),
)
"""Rules of `remotes`, in either dialect."""
