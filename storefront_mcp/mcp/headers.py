"""The routing headers of the modern form: what a request says outside must be what it says inside."""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from storefront_mcp.mcp.jsonrpc import Code, Refused

ROUTING: Final = {
    b"mcp-protocol-version": "MCP-Protocol-Version",
    b"mcp-method": "Mcp-Method",
    b"mcp-name": "Mcp-Name",
}
PREFIX, SUFFIX = "=?base64?", "?="


class Routing(Struct, frozen=True):
    """Routing headers as they came, trimmed; None where absent."""

    version: str | None = None
    method: str | None = None
    name: str | None = None
    repeated: str | None = None
    """A routing header that was sent twice."""


def read_routing(headers: Iterable[tuple[bytes, bytes]]) -> Routing:
    """Pick the routing headers out of an ASGI header list (lower-case names)."""
    found: dict[bytes, str] = {}
    repeated = None
    for key, value in headers:
        if key in ROUTING:
            if key in found:
                repeated = ROUTING[key]
            found[key] = value.decode("latin-1").strip(" \t")
    return Routing(found.get(b"mcp-protocol-version"), found.get(b"mcp-method"), found.get(b"mcp-name"), repeated)


def takes_events(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client that says what it accepts accepts a stream of events; some list JSON alone."""
    listed = [value.lower() for key, value in headers if key == b"accept"]
    return not listed or any(b"text/event-stream" in value or b"*/*" in value for value in listed)


def decoded(value: str, *, said_by: str = "Mcp-Name") -> str:
    """A header value, out of its Base64 coat if it wears one. Raises Refused with HEADER_MISMATCH."""
    if not (value.startswith(PREFIX) and value.endswith(SUFFIX) and len(value) >= len(PREFIX) + len(SUFFIX)):
        return value
    inner = value[len(PREFIX) : -len(SUFFIX)]
    refused = Refused(Code.HEADER_MISMATCH, f"{said_by} is not valid Base64 of UTF-8")
    try:
        raw = base64.b64decode(inner, validate=True)
        text = raw.decode()
    except (binascii.Error, ValueError):
        raise refused from None
    if base64.b64encode(raw).decode() != inner:
        raise refused
    return text
