"""The application: routes requests by Host to a store's endpoints, or its documents and pages, each once counted."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Final

from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import REQUEST_CONTEXT, RequestContext
from storefront_mcp.oauth.paths import CLIENT_PATHS
from storefront_mcp.web.body import first_of_each
from storefront_mcp.web.problem import PROBLEM_TYPE, problem_bytes
from storefront_mcp.web.protocol_endpoint import ProtocolAnswer, ProtocolEndpoint
from storefront_mcp.web.rate_limiting import RequestRateLimiter, limited_client_bytes, send_limited
from storefront_mcp.web.responses import write_response
from storefront_mcp.web.security import SECURITY_HEADERS, security_headers
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.sse import MESSAGES_PATH, STREAM_PATH, SseEndpoint
from storefront_mcp.web.streamable_http import StreamableHttpEndpoint

AsgiWrapper = Callable[[ASGIApp], ASGIApp]

SITE_SCOPE_KEY: Final = "storefront_mcp.site"
"""Key of the site in a request's scope."""
MCP_PATH: Final = "/mcp"
ACCOUNT_PATH: Final = "/mcp/account"
"""The endpoint for clients that ask a person to sign in only while they are being set up."""
ACCOUNT_PATHS: Final = frozenset({ACCOUNT_PATH, ACCOUNT_PATH + "/"})
ENDPOINT_PATHS: Final = frozenset({MCP_PATH, MCP_PATH + "/"})
"""Also with a closing slash: a redirect would lose the request's body."""
CLIENT_ADDRESS_HEADER: Final = b"x-client-address"
"""On health checks: whether the client's address came through, as `ForwardingState`; the doctor asks for it."""
HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""For any host: load balancers ask by address."""


class StorefrontApp(Litestar):
    """The whole server as a Litestar application, so that plugins, hooks and `litestar run` work.

    Its `entrance` comes before the framework and answers `/mcp`: the framework would double the cost.
    """

    def __init__(self, *, entrance: AsgiWrapper, **options: Any) -> None:  # noqa: ANN401 -- the framework's own
        """`entrance` wraps the framework's ASGI application."""
        super().__init__(**options)
        self._entrance = entrance(super().__call__)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI
        """ASGI."""
        await self._entrance(scope, receive, send)


class HostRouter:
    """ASGI application that routes by Host; 421 for a host of no store.

    Every request is counted by its client's address before anything is looked up for it: those of `/mcp` and of other
    agent protocols by their endpoint, which knows agents that sign, all others here.
    """

    def __init__(  # noqa: PLR0913 -- each kind of endpoint by host
        self,
        sites: Mapping[str, StoreSite],
        endpoints: Mapping[str, StreamableHttpEndpoint],
        pages: ASGIApp,
        *,
        accounts: Mapping[str, StreamableHttpEndpoint] | None = None,
        streams: Mapping[str, SseEndpoint] | None = None,
        protocols: Mapping[str, ProtocolEndpoint] | None = None,
        limiters: Mapping[StoreId, RequestRateLimiter] | None = None,
        unrouted: RequestRateLimiter | None = None,
    ) -> None:
        """`sites`, `endpoints`, `accounts`, `streams` and `protocols` by Host value, in lower case.

        `accounts` answer while customers can sign in; otherwise there is nothing at their path.
        `unrouted` counts what belongs to no store, health checks included: shoppers behind the address of a load
        balancer must not use up its checks. Without limiters, nothing is counted.
        """
        self._sites = sites
        self._endpoints = endpoints
        self._accounts = accounts or {}
        self._streams = streams or {}
        self._protocols = protocols or {}
        self._limiters = limiters or {}
        self._unrouted = unrouted
        self._pages = pages
        self._by_raw_host = {host.encode(): endpoint for host, endpoint in endpoints.items()}
        """By Host as nearly every client sends it, without decoding."""
        self._headers = {id(site): security_headers(site.store) for site in sites.values()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != ScopeType.HTTP:
            await self._pages(scope, receive, send)
            return
        headers = list(scope["headers"])
        context = RequestContext(headers, scope["method"])
        REQUEST_CONTEXT.set(context)
        fields: Mapping[bytes, bytes] = dict(headers)
        if scope["path"] == MCP_PATH and len(fields) == len(headers):
            endpoint = self._by_raw_host.get(fields.get(b"host", b""))
            if endpoint is not None:
                context.store = endpoint.store
                await endpoint.answer(scope, headers, fields, receive, send)
                return
        if len(fields) != len(headers):
            fields = first_of_each(headers)
        host = _host(headers, fields)
        site, head = self._sites.get(host), scope["method"] == "HEAD"
        context.store = "" if site is None else site.store.id
        answer = self._protocol_answer(host, scope["path"])
        if answer is not None:
            await answer(scope, headers, fields, receive, send)
            return
        security = self._headers[id(site)] if site else SECURITY_HEADERS
        limiter = self._limiter_of(site, scope["path"])
        refused = None if limiter is None else await limiter.check_unsigned(scope.get("client"), headers)
        if refused is not None:
            asks_server = scope["path"] in CLIENT_PATHS and host in self._accounts and self._accounts[host].signs_in
            told = limited_client_bytes(refused) if asks_server else None
            await send_limited(send, refused, fields.get(b"accept", b""), security, told, head=head)
        elif scope["path"] in {STREAM_PATH, MESSAGES_PATH} and host in self._streams:
            await self._streams[host](scope, receive, send)
        elif site is None and scope["path"] not in HEALTH_PATHS:
            await _send_misdirected(host, send, head=head)
        else:
            state: MutableMapping[str, Any] = scope  # type: ignore[assignment]
            state[SITE_SCOPE_KEY] = site
            own = None if site is None else self._limiters.get(site.store.id)
            if own is not None and scope["path"] in HEALTH_PATHS:
                arrived = own.monitor.state(scope.get("client"), headers)
                security = [*security, (CLIENT_ADDRESS_HEADER, arrived.encode())]
            await self._pages(scope, receive, _send_with_security(send, security, head=head))

    def _protocol_answer(self, host: str, path: str) -> ProtocolAnswer | None:
        """What answers at a path of an agent protocol; None at any other."""
        if path in ENDPOINT_PATHS and host in self._endpoints:
            return self._endpoints[host].answer
        if path in ACCOUNT_PATHS and host in self._accounts and self._accounts[host].signs_in:
            return self._accounts[host].answer
        return self._protocols[host].answer_at(path) if host in self._protocols else None

    def _limiter_of(self, site: StoreSite | None, path: str) -> RequestRateLimiter | None:
        if site is None or path in HEALTH_PATHS:
            return self._unrouted
        return self._limiters.get(site.store.id)


def site_of(request: Request[Any, Any, Any]) -> StoreSite:
    """The site that a request was routed to."""
    site: StoreSite = request.scope[SITE_SCOPE_KEY]  # type: ignore[typeddict-item]
    return site


def _send_with_security(send: Send, security: Sequence[tuple[bytes, bytes]], *, head: bool) -> Send:
    """A `send` that adds the security headers, and leaves out the body of an answer to HEAD."""

    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            # A page's own headers win: browsers would enforce two content security policies at once.
            own = list(message.get("headers", ()))
            names = {name.lower() for name, _ in own}
            message["headers"] = own + [field for field in security if field[0] not in names]
        elif head and message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    return send_secured


def _host(headers: Sequence[tuple[bytes, bytes]], fields: Mapping[bytes, bytes]) -> str:
    """The Host in lower case, without the dot that may close a name; empty when there are two different ones."""
    found = fields.get(b"host", b"")
    if len(fields) != len(headers) and any(name == b"host" and value != found for name, value in headers):
        return ""
    return _plain_host(found)


@lru_cache(maxsize=256)
def _plain_host(sent: bytes) -> str:
    name, colon, port = sent.decode("latin-1").strip().lower().partition(":")
    return f"{name.removesuffix('.')}{colon}{port}"


async def _send_misdirected(host: str, send: Send, *, head: bool) -> None:
    """421: this server has no store under that name (RFC 9110, 15.5.20)."""
    subject = f"the host {host[:100]!r}" if host else "a request without a single Host"
    body = problem_bytes(421, f"No store answers to {subject} here. Use the origin that the store publishes.")
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"cache-control", b"no-store"),
        *SECURITY_HEADERS,
    ]
    await write_response(send, 421, body, headers, head=head)
