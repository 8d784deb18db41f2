"""The supported protocol versions: the only module with their dates; others ask for a behaviour by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct


class ProtocolVersion(Struct, frozen=True, kw_only=True):
    """What one revision of the specification does differently."""

    id: str
    handshake: bool = True
    """Opened by `initialize`; without it every request describes itself in `_meta` (the modern form)."""
    streamable: bool = True
    """Defined over Streamable HTTP; the oldest only over HTTP+SSE."""
    jsonrpc_batches: bool = False
    """Only 2025-03-26 takes JSON-RPC arrays."""
    tool_annotations: bool = True
    """Since 2025-03-26: hints on tools."""
    structured_content: bool = True
    """Since 2025-06-18: titles, output schemas and structured content."""
    item_meta: bool = True
    """Since 2025-06-18: `_meta` on tools and resources, where extensions speak."""
    server_links: bool = False
    """Since 2025-11-25: an icon and a website beside the server's name."""
    result_envelope: bool = False
    """Since 2026-07-28: resultType, ttlMs and cacheScope, serverInfo in `_meta`."""
    audio_content: bool = True
    """Since 2025-03-26: audio blocks, and `completions` as a capability."""
    resource_links: bool = True
    """Since 2025-06-18: resource links among the blocks."""
    input_required: bool = False
    """Since 2026-07-28: a result may ask the client back (multi round-trip requests)."""
    list_changed_streams: bool = False
    """Since 2026-07-28: list changes are sent on `subscriptions/listen`; before, a stateless server cannot."""
    resource_not_found_code: int = -32002
    """The error code for an unknown resource."""
    error_http_status: bool = False
    """Since 2026-07-28: JSON-RPC errors carry an HTTP status; older clients read no body unless it is 200."""


_ALL: Final = (
    ProtocolVersion(
        id="2024-11-05",
        streamable=False,
        tool_annotations=False,
        structured_content=False,
        item_meta=False,
        audio_content=False,
        resource_links=False,
    ),
    ProtocolVersion(
        id="2025-03-26", jsonrpc_batches=True, structured_content=False, item_meta=False, resource_links=False
    ),
    ProtocolVersion(id="2025-06-18"),
    ProtocolVersion(id="2025-11-25", server_links=True),
    ProtocolVersion(
        id="2026-07-28",
        handshake=False,
        server_links=True,
        result_envelope=True,
        input_required=True,
        list_changed_streams=True,
        resource_not_found_code=-32602,
        error_http_status=True,
    ),
)

HANDSHAKE_VERSIONS: Final[Mapping[str, ProtocolVersion]] = MappingProxyType({v.id: v for v in _ALL if v.handshake})
"""Versions that `initialize` negotiates, oldest first."""

MODERN_VERSIONS: Final[Mapping[str, ProtocolVersion]] = MappingProxyType({v.id: v for v in _ALL if not v.handshake})
"""Versions without a handshake, in which each request declares its version."""

STREAMABLE_HTTP_VERSIONS: Final = tuple(version.id for version in _ALL if version.streamable)
"""Ids of the versions that the Streamable HTTP endpoint serves, oldest first."""

SSE_VERSIONS: Final = tuple(version.id for version in _ALL if version.handshake)
"""Ids of the versions that HTTP+SSE serves, oldest first."""

LATEST_HANDSHAKE_VERSION: Final = HANDSHAKE_VERSIONS["2025-11-25"]
"""Offered to an `initialize` that asks for an unknown version."""

DEFAULT_NEGOTIATED_VERSION: Final = HANDSHAKE_VERSIONS["2025-03-26"]
"""Assumed for a request of the handshake era without a version header (2025-06-18, transports)."""

APPS_VERSION: Final = "2026-01-26"
"""The version of the extension MCP Apps in which widgets speak with their hosts."""
