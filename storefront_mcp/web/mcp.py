"""The MCP endpoint on the wire: Streamable HTTP without sessions, before the framework because every hop counts."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from litestar.types import Receive, Scope, Send

from storefront_mcp.calls.caller import GUEST
from storefront_mcp.mcp.versions import LEGACY
from storefront_mcp.web import problem
from storefront_mcp.web.security import origin_allowed, security_headers
from storefront_mcp.web.site import Shown, Site
from storefront_mcp.web.stub import CACHE, retry_after

MAX_BODY: Final = 1 << 20
"""Bytes of a request body; more is a 413."""
LONG: Final = 20
"""Digits of a Content-Length that needs no reading."""
BODY_SECONDS: Final = 20.0
"""How long a body may take to arrive."""
ALLOWED_HEADERS: Final = (
    b"Content-Type, Authorization, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID"
)
EXPOSED_HEADERS: Final = b"Mcp-Session-Id, WWW-Authenticate, Retry-After"

Headers = list[tuple[bytes, bytes]]


class BodyRefused(Exception):
    """A body that is not taken: too large, too slow, or its sender has gone (status 0)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class McpEndpoint:
    """Serves `/mcp` for one site."""

    def __init__(self, site: Site, *, now: Callable[[], dt.datetime], body_seconds: float = BODY_SECONDS) -> None:
        self._site = site
        self._body_seconds = body_seconds
        self._now = now
        self._always = security_headers(site.store)
        self._json = [(b"content-type", b"application/json"), *self._always]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request under the roadmap that is shown as it arrives."""
        shown = self._site.shown
        method = scope["method"]  # type: ignore[typeddict-item]
        if not shown.roadmap.open:
            await self._stub(method, send)
            return
        headers = list(scope["headers"])
        origin = _header(headers, b"origin")
        if origin is not None and not origin_allowed(origin, self._site.store):
            await self._problem(send, HTTPStatus.FORBIDDEN, f"Pages of {origin[:100]} may not call this endpoint.")
            return
        cors = _cors(origin)
        if method == "POST":
            await self._post(shown, headers, cors, receive, send)
        elif method == "OPTIONS":
            await _send(send, HTTPStatus.NO_CONTENT, b"", [*_preflight(origin), *self._always])
        elif method == "DELETE" and _header(headers, b"mcp-protocol-version") in {None, *LEGACY}:
            await _send(send, HTTPStatus.OK, b"", [*cors, *self._always])
        else:
            await self._problem(
                send,
                HTTPStatus.METHOD_NOT_ALLOWED,
                "Send JSON-RPC with POST; there is no stream to GET and no session to DELETE.",
                [(b"allow", b"POST, OPTIONS"), *cors],
                head=method == "HEAD",
            )

    async def _post(self, shown: Shown, headers: Headers, cors: Headers, receive: Receive, send: Send) -> None:
        media_type = (_header(headers, b"content-type") or "").split(";")[0].strip().lower()
        if media_type != "application/json":
            detail = "Send application/json."
            await self._problem(send, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, cors)
            return
        try:
            body = await read_body(headers, receive, seconds=self._body_seconds)
        except BodyRefused as refused:
            if refused.status:
                await self._problem(send, refused.status, str(refused), [(b"connection", b"close"), *cors])
            return
        answer = await shown.endpoint.post(headers, body, GUEST)
        await _send(send, answer.status, answer.body, [*(self._json if answer.body else self._always), *cors])

    async def _stub(self, method: str, send: Send) -> None:
        """The announcement of an endpoint that is not open: every method gets it, browsers may read it."""
        cors: Headers = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"Retry-After")]
        if method == "OPTIONS":
            allowed: Headers = [
                (b"access-control-allow-methods", b"GET, POST, DELETE"),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
            ]
            await _send(send, HTTPStatus.NO_CONTENT, b"", [*allowed, *cors, *self._always])
            return
        wait = retry_after(self._site.store, self._now())
        headers = [
            *self._json,
            (b"cache-control", CACHE.encode()),
            (b"retry-after", str(wait).encode()),
            *cors,
        ]
        await _send(send, HTTPStatus.SERVICE_UNAVAILABLE, self._site.stub, headers, head=method == "HEAD")

    async def _problem(
        self, send: Send, status: int, detail: str, headers: Iterable[tuple[bytes, bytes]] = (), *, head: bool = False
    ) -> None:
        fields = [
            (b"content-type", problem.MEDIA_TYPE.encode()),
            (b"cache-control", b"no-store"),
            *headers,
            *self._always,
        ]
        await _send(send, status, problem.problem_bytes(status, detail), fields, head=head)


async def read_body(headers: Headers, receive: Receive, *, seconds: float = BODY_SECONDS) -> bytes:
    """The whole body, bounded in size and time. Raises BodyRefused."""
    announced = _header(headers, b"content-length") or ""
    if announced.isdecimal() and (len(announced) > LONG or int(announced) > MAX_BODY):
        raise _too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _collected(receive)
    except TimeoutError:
        raise BodyRefused(HTTPStatus.REQUEST_TIMEOUT, "The request's body took too long.") from None


async def _collected(receive: Callable[[], Awaitable[Any]]) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyRefused(0, "The client has gone.")
        chunk: bytes = event.get("body", b"")
        more = event.get("more_body", False)
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
    return b"".join(chunks)


def _too_large() -> BodyRefused:
    return BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request has at most {MAX_BODY} bytes.")


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode("latin-1").strip() for key, value in headers if key == name), None)


def _cors(origin: str | None) -> Headers:
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED_HEADERS),
        (b"vary", b"Origin"),
    ]


def _preflight(origin: str | None) -> Headers:
    return [
        (b"allow", b"POST, OPTIONS"),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-max-age", b"600"),
        *_cors(origin),
    ]


async def _send(send: Send, status: int, body: bytes, headers: Headers, *, head: bool = False) -> None:
    length = [] if status == HTTPStatus.NO_CONTENT else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})
