"""The first thing a request meets: which store is meant, and is it the endpoint or a page."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from storefront_mcp.calls.watching import ERRAND, Errand
from storefront_mcp.web import problem
from storefront_mcp.web.body import first_of_each
from storefront_mcp.web.mcp import McpEndpoint
from storefront_mcp.web.security import ALWAYS, security_headers
from storefront_mcp.web.site import Site
from storefront_mcp.web.sse import MESSAGES, STREAM, SseEndpoint

SITE: Final = "storefront_mcp.site"
"""Under this key a request's scope carries its site."""
MCP: Final = "/mcp"
ENDPOINT: Final = frozenset({MCP, MCP + "/"})
"""A closing slash is forgiven: a redirect would lose the request's body."""
HEALTH: Final = frozenset({"/healthz", "/readyz"})
"""Answered for any host: load balancers ask by address."""


class Front:
    """Routes by Host, never to another store than the one that was named."""

    def __init__(
        self,
        sites: Mapping[str, Site],
        endpoints: Mapping[str, McpEndpoint],
        pages: ASGIApp,
        *,
        streams: Mapping[str, SseEndpoint] | None = None,
    ) -> None:
        """`sites`, `endpoints` and `streams` by Host value, in lower case."""
        self._sites = sites
        self._endpoints = endpoints
        self._streams = streams or {}
        self._pages = pages
        self._as_sent = {host.encode(): endpoint for host, endpoint in endpoints.items()}
        """By Host as nearly every client sends it."""
        self._headers = {id(site): security_headers(site.store) for site in sites.values()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != ScopeType.HTTP:
            await self._pages(scope, receive, send)
            return
        headers = list(scope["headers"])
        ERRAND.set(Errand(headers))
        fields: Mapping[bytes, bytes] = dict(headers)
        if scope["path"] == MCP and len(fields) == len(headers):
            endpoint = self._as_sent.get(fields.get(b"host", b""))
            if endpoint is not None:
                await endpoint.answer(scope, headers, fields, receive, send)
                return
        fields = first_of_each(headers)
        host, path, head = _host(headers, fields), scope["path"], scope["method"] == "HEAD"
        if path in ENDPOINT and host in self._endpoints:
            await self._endpoints[host].answer(scope, headers, fields, receive, send)
            return
        if path in {STREAM, MESSAGES} and host in self._streams:
            await self._streams[host](scope, receive, send)
            return
        site = self._sites.get(host)
        if site is None and path not in HEALTH:
            await _misdirected(host, send, head=head)
            return
        state: MutableMapping[str, Any] = scope  # type: ignore[assignment]
        state[SITE] = site
        always = self._headers[id(site)] if site else ALWAYS

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                # A page that knows better keeps its own word: two content security policies would both hold.
                said = list(message.get("headers", ()))
                names = {name.lower() for name, _ in said}
                message["headers"] = said + [field for field in always if field[0] not in names]
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._pages(scope, receive, send_safely)


def _host(headers: Sequence[tuple[bytes, bytes]], fields: Mapping[bytes, bytes]) -> str:
    """The Host that was asked for; two different ones are nobody's."""
    found = fields.get(b"host", b"")
    if len(fields) != len(headers) and any(name == b"host" and value != found for name, value in headers):
        return ""
    return found.decode("latin-1").strip().lower()


async def _misdirected(host: str, send: Send, *, head: bool) -> None:
    """421: this server has no store under that name (RFC 9110, 15.5.20)."""
    named = f"the host {host[:100]!r}" if host else "a request without a single Host"
    body = problem.problem_bytes(421, f"No store answers to {named} here. Use the origin that the store publishes.")
    headers = [
        (b"content-type", problem.MEDIA_TYPE.encode()),
        (b"cache-control", b"no-store"),
        (b"content-length", str(len(body)).encode()),
        *ALWAYS,
    ]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})
