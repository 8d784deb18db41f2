"""The routing headers of the modern form: what a request says outside must be what it says inside."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from storefront_mcp.mcp.jsonrpc import Code, Refused

VERSION, METHOD, NAME = b"mcp-protocol-version", b"mcp-method", b"mcp-name"
ROUTING: Final = {VERSION: "MCP-Protocol-Version", METHOD: "Mcp-Method", NAME: "Mcp-Name"}
PREFIX, SUFFIX = "=?base64?", "?="
REMEMBERED: Final = 512
LONGEST: Final = 128
"""Bytes of values that are worth remembering."""


class Routing(Struct, frozen=True):
    """Routing headers as they came, trimmed; None where absent."""

    version: str | None = None
    method: str | None = None
    name: str | None = None
    repeated: str | None = None
    """A routing header that was sent twice."""


def read_routing(headers: Sequence[tuple[bytes, bytes]], fields: Mapping[bytes, bytes] | None = None) -> Routing:
    """Pick the routing headers out of an ASGI header list (lower-case names); of one sent twice, the last.

    `fields` are the same headers by name, from a caller who has them so already.
    """
    if fields is None:
        fields = dict(headers)
    # Hardly any request repeats a header of whatever name: only then it matters which.
    if len(fields) != len(headers):
        fields = dict(headers)
        return _read(fields.get(VERSION), fields.get(METHOD), fields.get(NAME), _repeated(headers))
    sent = (fields.get(VERSION), fields.get(METHOD), fields.get(NAME))
    known = _known.get(sent)
    return _remembered(sent) if known is None else known


Sent = tuple[bytes | None, bytes | None, bytes | None]
_known: Final[dict[Sent, Routing]] = {}
"""Clients say the same few things over and over."""


def _remembered(sent: Sent) -> Routing:
    routing = _read(*sent, None)
    if sum(len(value or b"") for value in sent) <= LONGEST:
        if len(_known) >= REMEMBERED:
            _known.clear()
        _known[sent] = routing
    return routing


def _read(version: bytes | None, method: bytes | None, name: bytes | None, repeated: str | None) -> Routing:
    return Routing(_text(version), _text(method), _text(name), repeated)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1").strip(" \t")


def takes_events(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client that says what it accepts accepts a stream of events; some list JSON alone."""
    listed = [value.lower() for key, value in headers if key == b"accept"]
    return not listed or any(b"text/event-stream" in value or b"*/*" in value for value in listed)


def _repeated(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The routing header that was sent twice; the last one of several."""
    routing = [key for key, _ in headers if key in ROUTING]
    twice = [key for number, key in enumerate(routing) if key in routing[:number]]
    return ROUTING[twice[-1]] if twice else None


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
