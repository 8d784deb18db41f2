"""What both dialects of the server card say alike: where the server is reached and what it looks like."""

from typing import Any, Final, Literal

from msgspec import Struct

from cards.form import OUR_LINK, Member, Wish, matching
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap


class Icon(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An image that stands for the server (MCP `Icon`)."""

    src: str
    mime_type: str | None = None


class Remote(Struct, frozen=True, kw_only=True, rename="camel"):
    """One way to reach the server over the network (MCP server card, SEP-2127)."""

    type: Literal["streamable-http", "sse"]
    url: str
    supported_protocol_versions: tuple[str, ...]


def icons(store: Store) -> tuple[Icon, ...]:
    """The store's icon, if it has one."""
    if store.icon is None:
        return ()
    return (Icon(src=store.icon, mime_type=store.icon_type),)


def remotes(store: Store) -> tuple[Remote, ...]:
    """Every transport that is served, the newer one first."""
    speaker = store.speaker
    streamable = Remote(
        type="streamable-http", url=store.endpoint, supported_protocol_versions=speaker.protocol_versions
    )
    if not speaker.sse_versions:
        return (streamable,)
    older = Remote(type="sse", url=store.url("/mcp/sse"), supported_protocol_versions=speaker.sse_versions)
    return (streamable, older)


def versions(store: Store) -> tuple[str, ...]:
    """Every protocol version once, oldest first, over whichever transport it is spoken."""
    return tuple(dict.fromkeys((*store.speaker.sse_versions, *store.speaker.protocol_versions)))


def website(store: Store) -> str:
    """Where people shop; this origin's own front page where there is nothing else."""
    return store.website or store.url("/")


def _are_spoken(value: Any, store: Store, _roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    return isinstance(value, list) and bool(value) and all(one in versions(store) for one in value)


SPOKEN: Final = Wish("protocol versions that are spoken here", _are_spoken)
REMOTES: Final = (
    Member("remotes[].type", matching("streamable-http|sse", "a transport of MCP")),
    Member("remotes[].url", OUR_LINK),
    Member("remotes[].supportedProtocolVersions", SPOKEN),
)
"""What the ways to the server have to be, in either dialect."""
