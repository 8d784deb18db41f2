"""The protocol versions we speak: only here stand their dates, everything else asks for a behaviour by name."""

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
    accepts_batches: bool = False
    """Only 2025-03-26 takes JSON-RPC arrays."""
    annotates_tools: bool = True
    """Since 2025-03-26: hints on tools."""
    structures_results: bool = True
    """Since 2025-06-18: titles, output schemas and structured content."""
    shows_icons: bool = False
    """Since 2025-11-25: an icon beside the server's name."""
    dresses_results: bool = False
    """Since 2026-07-28: resultType, ttlMs and cacheScope, serverInfo in `_meta`."""
    speaks_sound: bool = True
    """Since 2025-03-26: audio blocks, and `completions` as a capability."""
    links_resources: bool = True
    """Since 2025-06-18: resource links among the blocks."""
    answers_questions: bool = False
    """Since 2026-07-28: a result may ask the client back (multi round-trip requests)."""
    tells_of_changes: bool = False
    """Since 2026-07-28: changes of lists are told on `subscriptions/listen`; before, a stateless server cannot."""
    missing_resource: int = -32002
    """The error code for an unknown resource."""
    refuses_by_status: bool = False
    """Since 2026-07-28: JSON-RPC errors carry an HTTP status; older clients read no body unless it is 200."""


_ALL: Final = (
    ProtocolVersion(
        id="2024-11-05",
        streamable=False,
        annotates_tools=False,
        structures_results=False,
        speaks_sound=False,
        links_resources=False,
    ),
    ProtocolVersion(id="2025-03-26", accepts_batches=True, structures_results=False, links_resources=False),
    ProtocolVersion(id="2025-06-18"),
    ProtocolVersion(id="2025-11-25", shows_icons=True),
    ProtocolVersion(
        id="2026-07-28",
        handshake=False,
        shows_icons=True,
        dresses_results=True,
        answers_questions=True,
        tells_of_changes=True,
        missing_resource=-32602,
        refuses_by_status=True,
    ),
)

LEGACY: Final[Mapping[str, ProtocolVersion]] = MappingProxyType({v.id: v for v in _ALL if v.handshake})
"""Versions that `initialize` can agree on, oldest first."""

MODERN: Final[Mapping[str, ProtocolVersion]] = MappingProxyType({v.id: v for v in _ALL if not v.handshake})
"""Versions in which each request stands for itself."""

STREAMABLE: Final = tuple(version.id for version in _ALL if version.streamable)
"""What cards name for the endpoint, oldest first."""

OVER_SSE: Final = tuple(version.id for version in _ALL if version.handshake)
"""What can be agreed on over the older HTTP+SSE transport, oldest first."""

OFFERED: Final = LEGACY["2025-11-25"]
"""The counter-offer to an `initialize` that asks for something else."""

ASSUMED: Final = LEGACY["2025-03-26"]
"""In force when a request of the handshake era names no version (2025-06-18, transports)."""
