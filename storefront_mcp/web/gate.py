"""What every way into MCP has in common: is it open yet, may this page call it, and how answers are written."""

import datetime as dt
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final

from litestar.types import Message, Scope, Send

from storefront_mcp.web import problem
from storefront_mcp.web.body import first_of_each
from storefront_mcp.web.security import origin_allowed, security_headers
from storefront_mcp.web.site import Site
from storefront_mcp.web.stub import CACHE, retry_after
from storefront_mcp.web.wire.answering import WHOLE

ALLOWED_HEADERS: Final = (
    b"Content-Type, Authorization, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID"
)
EXPOSED_HEADERS: Final = b"Mcp-Session-Id, WWW-Authenticate, Retry-After"

Headers = list[tuple[bytes, bytes]]


class Gate:
    """Stands before the MCP endpoints of one site."""

    def __init__(self, site: Site, *, now: Callable[[], dt.datetime]) -> None:
        self._site = site
        self._now = now
        self.always = security_headers(site.store)
        self._json = ((b"content-type", b"application/json"), *self.always)

    async def passed(self, scope: Scope, send: Send) -> Headers | None:
        """CORS headers for the answer of a request that may go on; None when it has been answered here."""
        method = scope["method"]  # type: ignore[typeddict-item]
        if not self._site.shown.open:
            await self._stub(method, send)
            return None
        sent = first_of_each(list(scope["headers"])).get(b"origin")
        origin = None if sent is None else sent.decode("latin-1").strip()
        if origin is not None and not origin_allowed(origin, self._site.store):
            detail = f"Pages of {origin[:100]} may not call this endpoint."
            await self.problem(send, HTTPStatus.FORBIDDEN, detail, head=method == "HEAD")
            return None
        cors = _cors(origin)
        if method == "OPTIONS":
            await write(send, HTTPStatus.NO_CONTENT, b"", [*_preflight(), *cors, *self.always])
            return None
        return cors

    async def send(self, send: Send, status: int, body: bytes, headers: Headers) -> None:
        """A JSON answer, or an empty one."""
        fields = [*(self._json if body else self.always), *headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def whole(self, status: int, body: bytes) -> Message:
        """A JSON answer as one event, for a server that takes one."""
        return {"type": WHOLE, "status": status, "headers": self._json, "body": body}  # type: ignore[return-value]

    async def problem(
        self, send: Send, status: int, detail: str, headers: Iterable[tuple[bytes, bytes]] = (), *, head: bool = False
    ) -> None:
        """A refusal as a problem document (RFC 9457)."""
        fields = [
            (b"content-type", problem.MEDIA_TYPE.encode()),
            (b"cache-control", b"no-store"),
            *headers,
            *self.always,
        ]
        await write(send, status, problem.problem_bytes(status, detail), fields, head=head)

    async def _stub(self, method: str, send: Send) -> None:
        """The announcement of an endpoint that is not open: every method gets it, browsers may read it."""
        cors: Headers = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"Retry-After")]
        if method == "OPTIONS":
            allowed: Headers = [
                (b"access-control-allow-methods", b"GET, POST, DELETE"),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
            ]
            await write(send, HTTPStatus.NO_CONTENT, b"", [*allowed, *cors, *self.always])
            return
        wait = retry_after(self._site.store, self._now())
        headers = [
            *self._json,
            (b"cache-control", CACHE.encode()),
            (b"retry-after", str(wait).encode()),
            *cors,
        ]
        await write(send, HTTPStatus.SERVICE_UNAVAILABLE, self._site.stub, headers, head=method == "HEAD")


async def write(send: Send, status: int, body: bytes, headers: Headers, *, head: bool = False) -> None:
    """One whole answer."""
    length = [] if status == HTTPStatus.NO_CONTENT else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})


def _cors(origin: str | None) -> Headers:
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED_HEADERS),
        (b"vary", b"Origin"),
    ]


def _preflight() -> Headers:
    return [
        (b"allow", b"POST, OPTIONS"),
        (b"access-control-allow-methods", b"GET, POST, DELETE"),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-max-age", b"600"),
    ]
