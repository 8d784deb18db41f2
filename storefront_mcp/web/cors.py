"""Which browser origins may call; origin check, CORS preflight and not-open response of a site's agent protocols.

Not Litestar's CORSConfig: these endpoints are answered before the framework, and an origin not allowed is rejected.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from litestar.types import Scope, Send

from storefront_mcp.commerce.origins import is_loopback
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.web.body import first_of_each
from storefront_mcp.web.not_open import cache_control, retry_after, stub_bytes
from storefront_mcp.web.responses import Headers, ResponseWriter, write_response
from storefront_mcp.web.site import StoreSite

ALLOWED_METHODS: Final = b"GET, POST, DELETE"
ALLOWED_HEADERS: Final = (
    b"Content-Type, Authorization, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID"
)
EXPOSED_HEADERS: Final = b"Mcp-Session-Id, WWW-Authenticate, Retry-After"
PREFLIGHT_HEADERS: Final = (
    (b"allow", b"POST, DELETE, OPTIONS"),
    (b"access-control-allow-methods", ALLOWED_METHODS),
    (b"access-control-allow-headers", ALLOWED_HEADERS),
    (b"access-control-max-age", b"600"),
)


def is_origin_allowed(origin: str, store: Store) -> bool:
    """Whether a browser page of this origin may use the endpoint (DNS rebinding: MCP transports, Origin).

    The store's own pages may, the ones its operator lists, and on a loopback store every loopback page.
    """
    return (
        origin == store.origin or origin in store.allowed_origins or (is_loopback(store.origin) and is_loopback(origin))
    )


class OriginGuard:
    """The origin check of one site."""

    def __init__(self, site: StoreSite, *, now: Callable[[], dt.datetime]) -> None:
        self._site = site
        self._now = now
        self.responses = ResponseWriter(site.store)

    def cors(self, fields: Mapping[bytes, bytes]) -> Headers:
        """CORS headers for a response to a request with these headers; none for an origin that is not allowed."""
        sent = fields.get(b"origin")
        origin = None if sent is None else sent.decode("latin-1").strip()
        return _cors_headers(origin if origin is not None and is_origin_allowed(origin, self._site.store) else None)

    async def preflight(self, scope: Scope, send: Send) -> Headers | None:
        """CORS headers for the response to a request that may go on; None when it has been answered here."""
        method = scope["method"]  # type: ignore[typeddict-item]
        if not self._site.shown.open:
            await self.respond_not_open(method, send, self._site.shown.roadmap)
            return None
        sent = first_of_each(list(scope["headers"])).get(b"origin")
        origin = None if sent is None else sent.decode("latin-1").strip()
        if origin is not None and not is_origin_allowed(origin, self._site.store):
            detail = f"Pages of {origin[:100]} may not call this endpoint."
            await self.responses.problem(send, HTTPStatus.FORBIDDEN, detail, head=method == "HEAD")
            return None
        cors = _cors_headers(origin)
        if method == "OPTIONS":
            headers = [*PREFLIGHT_HEADERS, *cors, *self.responses.security_headers]
            await write_response(send, HTTPStatus.NO_CONTENT, b"", headers)
            return None
        return cors

    async def respond_not_open(self, method: str, send: Send, roadmap: Roadmap) -> None:
        """The stub of an endpoint that is not open: the same for every method, readable by every page."""
        cors: Headers = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"Retry-After")]
        if method == "OPTIONS":
            allowed: Headers = [
                (b"access-control-allow-methods", ALLOWED_METHODS),
                (b"access-control-allow-headers", ALLOWED_HEADERS),
            ]
            headers = [*allowed, *cors, *self.responses.security_headers]
            await write_response(send, HTTPStatus.NO_CONTENT, b"", headers)
            return
        shown, store = self._site.shown, self._site.store
        stub = shown.stub if roadmap is shown.roadmap else stub_bytes(store, roadmap)
        seconds = retry_after(store, roadmap, self._now())
        headers = [
            *self.responses.json_headers,
            (b"cache-control", cache_control(seconds).encode()),
            (b"retry-after", str(seconds).encode()),
            *cors,
        ]
        await write_response(send, HTTPStatus.SERVICE_UNAVAILABLE, stub, headers, head=method == "HEAD")


def _cors_headers(origin: str | None) -> Headers:
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED_HEADERS),
        (b"vary", b"Origin"),
    ]
