"""Which protocol version a message speaks, and whether it agrees with itself: the first complaint wins."""

from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from storefront_mcp.mcp.headers import PREFIX as COAT, Routing, decoded
from storefront_mcp.mcp.jsonrpc import UNREADABLE, Code, Message, Refused
from storefront_mcp.mcp.versions import ASSUMED, LEGACY, MODERN, ProtocolVersion

PREFIX: Final = "io.modelcontextprotocol/"
NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Methods whose subject stands in `Mcp-Name`, and the parameter that it repeats."""

HANDSHAKE: Final = "initialize"
LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


class Meta(Struct, frozen=True):
    """The claim that a modern request makes about itself."""

    protocol_version: Raw | UnsetType = msgspec.field(default=UNSET, name=PREFIX + "protocolVersion")
    client_capabilities: Raw | UnsetType = msgspec.field(default=UNSET, name=PREFIX + "clientCapabilities")
    progress_token: Raw | UnsetType = msgspec.field(default=UNSET, name="progressToken")
    log_level: Raw | UnsetType = msgspec.field(default=UNSET, name=PREFIX + "logLevel")
    client_info: Raw | UnsetType = msgspec.field(default=UNSET, name=PREFIX + "clientInfo")
    traceparent: Raw | UnsetType = UNSET
    tracestate: Raw | UnsetType = UNSET


_META: Final = msgspec.json.Decoder(Meta)
_TEXT: Final = msgspec.json.Decoder(str)
NOTHING: Final = Meta()


def read_meta(message: Message) -> Meta:
    """The message's `_meta`; empty when it has none or one of another shape."""
    if message.params is UNSET or message.params.meta is UNSET:
        return NOTHING
    try:
        return _META.decode(message.params.meta)
    except UNREADABLE:
        return NOTHING


def text(raw: Raw | UnsetType) -> str | None:
    """A JSON string, or None for anything else."""
    if raw is UNSET:
        return None
    try:
        return _TEXT.decode(raw)
    except UNREADABLE:
        return None


def names_modern(routing: Routing) -> bool:
    """A version header that no version of the handshake era explains."""
    return routing.version is not None and routing.version not in LEGACY


def is_handshake(message: Message, meta: Meta) -> bool:
    """`initialize`, unless it claims in full to be of the modern form, which has no such method."""
    if message.method != HANDSHAKE:
        return False
    claimed = text(meta.protocol_version)
    return claimed is None or claimed in LEGACY or not _declares_capabilities(meta)


def legacy_version(routing: Routing) -> ProtocolVersion:
    """The version in force for a message of the handshake era."""
    return LEGACY.get(routing.version or "", ASSUMED)


def check_modern(message: Message, meta: Meta, routing: Routing) -> ProtocolVersion:
    """Rungs 1 to 6 of the modern ladder (specification, Streamable HTTP). Raises Refused."""
    if routing.repeated:
        raise Refused(Code.HEADER_MISMATCH, f"{routing.repeated} was sent twice")
    claimed = text(meta.protocol_version)
    if claimed is None:
        raise Refused(Code.INVALID_PARAMS, f"_meta lacks {PREFIX}protocolVersion")
    if not _declares_capabilities(meta):
        raise Refused(Code.INVALID_PARAMS, f"_meta lacks {PREFIX}clientCapabilities")
    if routing.version != claimed:
        raise Refused(Code.HEADER_MISMATCH, f"MCP-Protocol-Version does not match _meta {PREFIX}protocolVersion")
    if routing.method != message.method:
        raise Refused(Code.HEADER_MISMATCH, "Mcp-Method does not match method")
    _check_name(message, routing)
    if claimed not in MODERN:
        raise unsupported(claimed)
    return MODERN[claimed]


def check_log_level(meta: Meta) -> None:
    """A level that the specification does not know (specification, logging). Raises Refused."""
    if meta.log_level is not UNSET and text(meta.log_level) not in LOG_LEVELS:
        raise Refused(Code.INVALID_PARAMS, f"_meta {PREFIX}logLevel must be one of {', '.join(LOG_LEVELS)}")


def unsupported(requested: str) -> Refused:
    """The refusal of a version that we do not speak."""
    return Refused(
        Code.UNSUPPORTED_VERSION,
        "Unsupported protocol version",
        details={"supported": list(MODERN), "requested": requested},
    )


def _declares_capabilities(meta: Meta) -> bool:
    return meta.client_capabilities is not UNSET and bytes(meta.client_capabilities)[:1] == b"{"


def _check_name(message: Message, routing: Routing) -> None:
    parameter = NAMED.get(message.method) if message.method is not UNSET else None
    if parameter is None or message.params is UNSET:
        return
    subject = text(getattr(message.params, parameter))
    if subject is None:
        return
    if routing.name == subject and not subject.startswith(COAT):
        return
    if routing.name is None or decoded(routing.name) != subject:
        raise Refused(Code.HEADER_MISMATCH, f"Mcp-Name does not match params.{parameter}")
