"""Agent protocols under paths of their own (`/ucp`), answered before the framework like `/mcp`.

Each request is limited, its origin checked, its caller authenticated and its body read here, whatever the protocol.
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final

from litestar.types import Receive, Scope, Send

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.calls.agent_protocol import AgentProtocol, ProtocolRequest, ProtocolResponse
from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.error_codes import INTERNAL_ERROR
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.caller_views import sender_traits
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.uvicorn_protocol.asgi_extension import WHOLE_RESPONSE
from storefront_mcp.web.authentication import AUTHORIZATION_HEADER, BearerAuthenticator, HttpRejection
from storefront_mcp.web.body import BODY_SECONDS, BodyRefused, read_announced
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.rate_limiting import RequestRateLimiter, send_limited
from storefront_mcp.web.responses import Headers, write_response
from storefront_mcp.web.security import masked_path
from storefront_mcp.web.site import StoreSite

log: Final = logging.getLogger("storefront_mcp.web")
METHODS: Final = ("GET", "POST", "PUT", "DELETE")
"""The methods that a protocol is asked; HEAD is answered as GET, without the body."""
PREFLIGHT_SECONDS: Final = b"600"
ProtocolAnswer = Callable[[Scope, Headers, Mapping[bytes, bytes], Receive, Send], Awaitable[None]]
"""Answers one request, whose headers come as a list and by name."""


class ProtocolEndpoint:
    """All agent protocols of one site but MCP."""

    def __init__(
        self,
        site: StoreSite,
        protocols: Sequence[AgentProtocol],
        origin_guard: OriginGuard,
        authenticator: BearerAuthenticator,
        limiter: RequestRateLimiter | None = None,
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """Where the mount of one protocol is below that of another, the longer one answers."""
        self.store = site.store.id
        self._site = site
        self._protocols = sorted(protocols, key=lambda protocol: -len(protocol.mount))
        self._origin_guard = origin_guard
        self._responses = origin_guard.responses
        self._authenticator = authenticator
        self._limiter = limiter
        self._body_seconds = body_seconds

    def answer_at(self, path: str) -> ProtocolAnswer | None:
        """What answers at a path; None where no protocol does."""
        for protocol in self._protocols:
            if path.startswith(protocol.mount) and path[len(protocol.mount) :][:1] in {"", "/"}:
                return partial(self.answer, protocol)
        return None

    async def answer(
        self,
        protocol: AgentProtocol,
        scope: Scope,
        headers: Headers,
        fields: Mapping[bytes, bytes],
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer one request; `fields` are its headers by name."""
        method: str = scope["method"]  # type: ignore[typeddict-item]
        head, limiter = method == "HEAD", self._limiter
        origin, refused = RequestOrigin(headers=headers, source=protocol.name), None
        if limiter is not None:
            origin, refused = await limiter.check_request(scope, headers, fields, source=protocol.name)
        if refused is not None:
            accept, security = fields.get(b"accept", b""), self._responses.security_headers
            await send_limited(send, refused, accept, security, head=head)
            return
        if method == "OPTIONS":
            await self._send_preflight(protocol, fields, send)
            return
        cors: Headers | None = []
        # No need for a POST without Origin while a phase is open, which nearly every request is.
        if not self._site.shown.open or method != "POST" or b"origin" in fields:
            cors = await self._origin_guard.preflight(scope, send)
        if cors is None:
            return
        try:
            asked = _method_of(method)
            caller = GUEST
            if AUTHORIZATION_HEADER in fields or scope["query_string"]:
                caller = await self._authenticator.authenticate(origin, scope["query_string"])
            body = b"" if asked == "GET" else await read_announced(fields, receive, seconds=self._body_seconds)
        except HttpRejection as rejection:
            await self._responses.problem(
                send, rejection.status, str(rejection), [*rejection.headers, *cors], code=rejection.code, head=head
            )
            return
        except BodyRefused as refused_body:
            # Status 0: the client has disconnected.
            if refused_body.status:
                refusal = [*refused_body.headers, *cors]
                await self._responses.problem(send, refused_body.status, str(refused_body), refusal)
            return
        request = ProtocolRequest(
            method=asked,
            is_head=head,
            path=scope["path"][len(protocol.mount) :] or "/",
            query=scope["query_string"],
            fields=fields,
            body=body,
            target=(scope.get("raw_path") or b"") + (b"?" + scope["query_string"] if scope["query_string"] else b""),
            runner=self._runner(protocol, caller, origin),
        )
        answer = await self._ask(protocol, request)
        may_be_whole = not head and not cors and WHOLE_RESPONSE in (scope.get("extensions") or ())
        await self._respond(answer, send, cors, head=head, may_be_whole=may_be_whole)

    async def _ask(self, protocol: AgentProtocol, request: ProtocolRequest) -> ProtocolResponse | None:
        """The protocol's answer; None, and the traceback in the log, where it failed."""
        try:
            return await protocol.answer(request)
        except Exception:
            log.exception("%s %s failed", request.method, masked_path(protocol.mount + request.path))
            return None

    async def _respond(
        self, answer: ProtocolResponse | None, send: Send, cors: Headers, *, head: bool, may_be_whole: bool
    ) -> None:
        if answer is None:
            detail = "This failed on our side."
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            await self._responses.problem(send, status, detail, cors, code=INTERNAL_ERROR, head=head)
            return
        if may_be_whole and answer.body and isinstance(answer.headers, tuple):
            fixed = self._fixed_headers(answer.media_type, answer.headers)
            await send({"type": WHOLE_RESPONSE, "status": answer.status, "headers": fixed, "body": answer.body})  # type: ignore[arg-type]
            return
        typed = [(b"content-type", answer.media_type)] if answer.body else []
        fields = [*typed, *answer.headers, *cors, *self._responses.security_headers]
        await write_response(send, answer.status, answer.body, fields, head=head)

    @functools.lru_cache(maxsize=32)  # noqa: B019 -- as long as the process, like the endpoint
    def _fixed_headers(
        self, media_type: bytes, headers: tuple[tuple[bytes, bytes], ...]
    ) -> Sequence[tuple[bytes, bytes]]:
        """The same tuple each time: the server has put its lines together once."""
        return ((b"content-type", media_type), *headers, *self._responses.security_headers)

    async def _send_preflight(self, protocol: AgentProtocol, fields: Mapping[bytes, bytes], send: Send) -> None:
        """Which methods and headers pages of an allowed origin may send."""
        allowed = ", ".join(METHODS).encode()
        headers = [
            (b"allow", allowed + b", OPTIONS"),
            (b"access-control-allow-methods", allowed),
            (b"access-control-allow-headers", protocol.request_headers.encode()),
            (b"access-control-max-age", PREFLIGHT_SECONDS),
            *self._origin_guard.cors(fields),
            *self._responses.security_headers,
        ]
        await write_response(send, HTTPStatus.NO_CONTENT, b"", headers)

    def _runner(self, protocol: AgentProtocol, caller: Caller, origin: RequestOrigin) -> ToolRunner:
        return ToolRunner(
            roadmap=self._roadmap(caller, origin),
            shop=self._site.shop,
            caller=caller,
            origin=origin,
            protocol=protocol.label,
            policy=self._site.shared.policy,
        )

    def _roadmap(self, caller: Caller, origin: RequestOrigin) -> Roadmap:
        """What this caller is shown."""
        shown = self._site.shown
        if not shown.roadmap.differs:
            return shown.roadmap
        return shown.endpoint.views.view_of(sender_traits(origin, caller, self._site.store)).roadmap


def _method_of(method: str) -> str:
    """The method that a protocol is asked. Raises HttpRejection: 405."""
    asked = "GET" if method == "HEAD" else method
    if asked not in METHODS:
        allowed = ", ".join((*METHODS, "OPTIONS")).encode()
        raise HttpRejection(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not used here.", [(b"allow", allowed)])
    return asked
