"""Requests that no specification settles, and what we answer: read by a test that sends them, and by the manual."""

import gzip
import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tests.fakes.agent import HANDSHAKE, MODERN
from tests.guards.docs.markdown import table
from tests.unit.mcp.requests import asked, message

NEWEST = MODERN[-1]
Fields = Mapping[str, str]


class Outcome(Struct, frozen=True):
    """What a request gets: a result, an error's code, or nothing with 202."""

    status: int = 200
    code: int | None = None
    """Of a JSON-RPC error."""

    def __str__(self) -> str:
        if self.status == 200 and self.code is None:
            return "served"
        return f"{self.status}, `{self.code}`" if self.code else f"{self.status}"


class OddRequest(Struct, frozen=True, kw_only=True):
    """One input over every version."""

    shown: str
    """Markdown for the manual."""
    make: Callable[[str], tuple[bytes, Fields]]
    """Body and headers that a client of a version sends."""
    legacy: Outcome
    """Over Streamable HTTP in the versions with a handshake."""
    modern: Outcome
    why: str
    header_only: bool = False
    """What is odd is a header that HTTP+SSE does not read."""

    def outcome(self, version: str) -> Outcome:
        return self.modern if version == NEWEST else self.legacy


def good(version: str, method: str = "tools/list", params: Any = None, **more: Any) -> tuple[bytes, Fields]:
    """A good request of a version."""
    body, sent = asked(method, version, params, **more)
    return json.dumps(body).encode(), {name.decode(): value.decode() for name, value in sent}


def searching(text: str) -> Callable[[str], tuple[bytes, Fields]]:
    """A search for JSON text."""

    def make(version: str) -> tuple[bytes, Fields]:
        body, fields = good(version, "tools/call", {"name": "search_products", "arguments": {"query": "@"}})
        return body.replace(b'"@"', b'"' + text.encode("latin-1") + b'"'), fields

    return make


def named(header: Callable[[str], str], method: str = "tools/list", params: Any = None) -> Any:
    """A good request with another version header."""

    def make(version: str) -> tuple[bytes, Fields]:
        body, fields = good(version, method, params)
        return body, {**fields, "mcp-protocol-version": header(version)}

    return make


def bare(body: Any) -> Callable[[str], tuple[bytes, Fields]]:
    """A body that is no request, with the headers of one."""
    return lambda version: (json.dumps(body).encode(), good(version)[1])


def replaced(old: bytes, new: bytes) -> Callable[[str], tuple[bytes, Fields]]:
    return lambda version: (good(version)[0].replace(old, new), good(version)[1])


def coded(coding: str, encode: Callable[[bytes], bytes]) -> Callable[[str], tuple[bytes, Fields]]:
    """A body in a content coding."""

    def make(version: str) -> tuple[bytes, Fields]:
        body, fields = good(version)
        return encode(body), {**fields, "content-encoding": coding}

    return make


SERVED, DROPPED = Outcome(), Outcome(202)
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}}
ODD_REQUESTS = (
    OddRequest(
        shown="`params: null` in a request",
        make=lambda version: (json.dumps({**message("tools/list"), "params": None}).encode(), good(version)[1]),
        legacy=SERVED,
        modern=Outcome(400, -32602),
        why="as none: many encoders write what is left out as null; a modern request lacks its `_meta` then",
    ),
    OddRequest(
        shown="`params: null` in a notification",
        make=bare({"jsonrpc": "2.0", "method": "notifications/initialized", "params": None}),
        legacy=DROPPED,
        modern=DROPPED,
        why="the same",
    ),
    OddRequest(
        shown="id `1.0`",
        make=replaced(b'"id": 1', b'"id": 1.0'),
        legacy=SERVED,
        modern=SERVED,
        why="an integer, as in JSON Schema, and some languages have one kind of number; the answer's id is `1`",
    ),
    OddRequest(
        shown="id `1.5`, `null`, `true`, `1e300`, or text with half of a surrogate pair",
        make=replaced(b'"id": 1', b'"id": 1.5'),
        legacy=Outcome(400, -32600),
        modern=Outcome(400, -32600),
        why="no id of the protocol; never taken for a notification, whose sender would wait for ever",
    ),
    OddRequest(
        shown=r"half of a surrogate pair in a string (`\ud83d`)",
        make=searching(r"tee \ud83d"),
        legacy=SERVED,
        modern=SERVED,
        why="texts cut in the middle of an emoji; read as U+FFFD, as no shop can store the half",
    ),
    OddRequest(
        shown="bytes that are no UTF-8",
        make=searching("tee \xff"),
        legacy=Outcome(400, -32700),
        modern=Outcome(400, -32700),
        why="RFC 8259: JSON is UTF-8; a guess would find the wrong things",
    ),
    OddRequest(
        shown="a byte order mark before the body",
        make=lambda version: (b"\xef\xbb\xbf" + good(version)[0], good(version)[1]),
        legacy=SERVED,
        modern=SERVED,
        why="RFC 8259 lets it be ignored, and some editors and shells write it",
    ),
    OddRequest(
        shown="an empty `MCP-Protocol-Version`",
        make=named(lambda _: ""),
        legacy=Outcome(400, -32602),
        modern=Outcome(400, -32020),
        why="an invalid version is a 400 (specification); to leave the header out means 2025-03-26",
        header_only=True,
    ),
    OddRequest(
        shown="an empty `MCP-Protocol-Version` on `initialize`",
        make=lambda _: named(lambda _: "", "initialize", HELLO)("2025-06-18"),
        legacy=SERVED,
        modern=SERVED,
        why="no version is agreed on yet; the body says which is wanted",
        header_only=True,
    ),
    OddRequest(
        shown="a list in `MCP-Protocol-Version` (`2025-11-25, 2025-06-18`)",
        make=named(lambda version: f"{version}, 2025-06-18"),
        legacy=Outcome(400, -32602),
        modern=Outcome(400, -32020),
        why="an invalid version; which one was meant is not ours to guess. On `initialize` it is ignored",
        header_only=True,
    ),
    OddRequest(
        shown="a response that nobody waits for",
        make=bare({"jsonrpc": "2.0", "id": 5, "result": {}}),
        legacy=DROPPED,
        modern=Outcome(400, -32600),
        why="bridges answer pings of servers before us; the newest version has no responses of clients",
    ),
    OddRequest(
        shown="a body with `Content-Encoding: gzip`",
        make=coded("gzip", gzip.compress),
        legacy=Outcome(415),
        modern=Outcome(415),
        why="nothing is unpacked, as it could be a bomb; the answer's `Accept-Encoding` says `identity` (RFC 9110)",
    ),
    OddRequest(
        shown="a body with `Content-Encoding: identity`",
        make=coded("identity", bytes),
        legacy=SERVED,
        modern=SERVED,
        why="the body is what it is",
    ),
    OddRequest(
        shown="`Host` with a dot at its end (`pickle.example.`)",
        make=lambda version: (good(version)[0], {**good(version)[1], "host": "pickle.example."}),
        legacy=SERVED,
        modern=SERVED,
        why="the same name, written in full (RFC 3986 §3.2.2)",
    ),
)


def shown() -> str:
    """The table that docs/protocols.md carries."""
    head = ["Request", f"{HANDSHAKE[0]} to {HANDSHAKE[-1]}", NEWEST, "Why"]
    return table(head, [[odd.shown, str(odd.legacy), str(odd.modern), odd.why] for odd in ODD_REQUESTS])
