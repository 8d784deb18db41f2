"""The kinds of routes that are flooded, as bytes on a connection."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

BODY_BYTES: Final = 900_000
"""Of a large body; more than 1 MiB is refused by nginx unread."""
JSON_FIELDS: Final = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
_NUMBERS: Final = itertools.count(1)


class Route(Struct, frozen=True):
    """One kind of route; `request` makes the next request, whole."""

    name: str
    request: Callable[[str], bytes]
    """Takes the Host."""
    holds: bool = False
    """Whether the connection is left open after the request, as a stream or a client that never ends it is."""


def _get(path: str, **fields: str) -> Callable[[str], bytes]:
    def request(host: str) -> bytes:
        more = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"GET {path.format(n=next(_NUMBERS))} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()

    return request


def _post(path: str, body: Callable[[], bytes]) -> Callable[[str], bytes]:
    def request(host: str) -> bytes:
        content = body()
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{JSON_FIELDS}Content-Length: {len(content)}\r\n\r\n"
        return head.encode() + content

    return request


def _rpc(method: str, **params: object) -> Callable[[], bytes]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return lambda: json.dumps(message).encode()


def _slow(host: str) -> bytes:
    return f"POST /mcp HTTP/1.1\r\nHost: {host}\r\n{JSON_FIELDS}Content-Length: 100\r\n\r\n{{".encode()


def _large() -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"' + b"x" * BODY_BYTES + b'"}'


ROUTES: Final[tuple[Route, ...]] = (
    Route("documents", _get("/.well-known/mcp/server-card.json")),
    Route("nothing there", _get("/nothing/{n}")),
    Route("tool calls", _post("/mcp", _rpc("tools/call", name="search_products", arguments={"query": "paddle"}))),
    Route("writing calls", _post("/mcp", _rpc("tools/call", name="create_cart", arguments={}))),
    Route("reads", _post("/mcp", _rpc("resources/read", uri="shop://categories"))),
    Route("payment pages", _get("/pay/nobody{n}")),
    Route("sandbox", _get("/sandbox/pay/nobody{n}")),
    Route("webhooks", _post("/webhooks/sandbox", lambda: b"{}")),
    Route("console", _get("/operator/sign-in")),
    Route("streams", _get("/mcp/sse", Accept="text/event-stream"), holds=True),
    Route("large bodies", _post("/mcp", _large)),
    Route("slow clients", _slow, holds=True),
)


def named(names: tuple[str, ...]) -> Iterator[Route]:
    """The routes whose name holds one of these; all without any."""
    return (route for route in ROUTES if not names or any(name in route.name for name in names))
