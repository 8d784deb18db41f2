"""Which protocol version a message speaks, and whether it agrees with itself: the first complaint wins."""

from typing import Final

from msgspec import UNSET

from storefront_mcp.mcp.headers import PREFIX as COAT, Routing, decoded
from storefront_mcp.mcp.jsonrpc import Code, Refused
from storefront_mcp.mcp.message import PREFIX, Message, Meta
from storefront_mcp.mcp.versions import ASSUMED, LEGACY, MODERN, ProtocolVersion

NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Methods whose subject stands in `Mcp-Name`, and the parameter that it repeats."""

HANDSHAKE: Final = "initialize"
LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")


def names_modern(routing: Routing) -> bool:
    """A version header that no version of the handshake era explains."""
    return routing.version is not None and routing.version not in LEGACY


def is_handshake(message: Message, meta: Meta) -> bool:
    """`initialize`, unless it claims in full to be of the modern form, which has no such method."""
    if message.method != HANDSHAKE:
        return False
    claimed = meta.protocol_version
    return not isinstance(claimed, str) or claimed in LEGACY or not _declares_capabilities(meta)


def legacy_version(routing: Routing) -> ProtocolVersion:
    """The version in force for a message of the handshake era."""
    return LEGACY.get(routing.version or "", ASSUMED)


def check_modern(message: Message, meta: Meta, routing: Routing) -> ProtocolVersion:
    """Rungs 1 to 6 of the modern ladder (specification, Streamable HTTP). Raises Refused."""
    if routing.repeated:
        raise Refused(Code.HEADER_MISMATCH, f"{routing.repeated} was sent twice")
    claimed, method = meta.protocol_version, message.method
    if not isinstance(claimed, str):
        raise Refused(Code.INVALID_PARAMS, f"_meta lacks {PREFIX}protocolVersion")
    if not _declares_capabilities(meta):
        raise Refused(Code.INVALID_PARAMS, f"_meta lacks {PREFIX}clientCapabilities")
    if routing.version != claimed:
        raise Refused(Code.HEADER_MISMATCH, f"MCP-Protocol-Version does not match _meta {PREFIX}protocolVersion")
    if routing.method != method:
        raise Refused(Code.HEADER_MISMATCH, "Mcp-Method does not match method")
    if method in NAMED and message.params is not UNSET:
        subject = getattr(message.params, NAMED[method])
        if isinstance(subject, str) and (routing.name != subject or subject.startswith(COAT)):
            _check_name(subject, NAMED[method], routing)
    version = MODERN.get(claimed)
    if version is None:
        raise unsupported(claimed)
    return version


def check_log_level(meta: Meta) -> None:
    """A level that the specification does not know (specification, logging). Raises Refused."""
    if meta.log_level is not UNSET and meta.log_level not in LOG_LEVELS:
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


def _check_name(subject: str, parameter: str, routing: Routing) -> None:
    """A name that does not stand in its header letter by letter may wear a coat there."""
    if routing.name is None or decoded(routing.name) != subject:
        raise Refused(Code.HEADER_MISMATCH, f"Mcp-Name does not match params.{parameter}")
