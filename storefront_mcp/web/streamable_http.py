"""MCP endpoint `/mcp`: Streamable HTTP without sessions, answered before the framework to save its overhead."""

from collections.abc import Awaitable, Mapping
from http import HTTPStatus

from litestar.types import Receive, Scope, Send

from storefront_mcp.access.caller import GUEST
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.apps import SESSION_HEADER
from storefront_mcp.mcp.dispatch import ResponseStream
from storefront_mcp.mcp.endpoint import EndpointResponse
from storefront_mcp.mcp.versions import HANDSHAKE_VERSIONS
from storefront_mcp.uvicorn_protocol.asgi_extension import WHOLE_RESPONSE
from storefront_mcp.web.authentication import (
    AUTHORIZATION_HEADER,
    BearerAuthenticator,
    HttpRejection,
    RejectAllVerifier,
)
from storefront_mcp.web.body import BODY_SECONDS, BodyRefused, read_announced
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.event_stream import frame_messages, send_stream
from storefront_mcp.web.rate_limiting import TOO_MANY_STATUS, RequestRateLimiter, http_headers, refusal_bytes
from storefront_mcp.web.responses import JSON_TYPE, Headers
from storefront_mcp.web.site import StoreSite


class StreamableHttpEndpoint:
    """The endpoint of one site."""

    def __init__(
        self,
        site: StoreSite,
        origin_guard: OriginGuard,
        authenticator: BearerAuthenticator | None = None,
        limiter: RequestRateLimiter | None = None,
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        """Without `authenticator`, all credentials are rejected; without `limiter`, there are no rate limits."""
        self._site = site
        self.store = site.store.id
        self._origin_guard = origin_guard
        self._responses = origin_guard.responses
        self._authenticator = authenticator or BearerAuthenticator(site, RejectAllVerifier())
        self._limiter = limiter
        self._body_seconds = body_seconds

    @property
    def signs_in(self) -> bool:
        """Whether customers can sign in now."""
        return self._site.shown.roadmap.signs_in

    async def answer(
        self, scope: Scope, headers: Headers, fields: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Answer one request from the current snapshot; `fields` are its headers by name."""
        shown, method = self._site.shown, scope["method"]  # type: ignore[typeddict-item]
        limiter = self._limiter
        unlimited = RequestOrigin(headers=headers), None
        origin, refused = unlimited if limiter is None else await limiter.check_request(scope, headers, fields)
        if refused is not None:
            readable = self._origin_guard.cors(fields)
            await self._responses.json(
                send, TOO_MANY_STATUS, refusal_bytes(refused), [*http_headers(refused), *readable]
            )
            return
        cors: Headers | None = []
        # No need for a POST without Origin while a phase is open, which nearly every request is.
        if not shown.open or method != "POST" or b"origin" in fields:
            cors = await self._origin_guard.preflight(scope, send)
        if cors is None:
            return
        try:
            caller = GUEST
            if AUTHORIZATION_HEADER in fields or scope["query_string"] or not self._authenticator.takes_guests:
                caller = await self._authenticator.authenticate(origin, scope["query_string"])
            media_type = fields.get(b"content-type", b"")
            if method != "POST" or (media_type != JSON_TYPE and not _is_json(media_type)):
                await self._respond_other(method, fields, cors, send)
                return
            body = await read_announced(fields, receive, seconds=self._body_seconds)
        except HttpRejection as rejection:
            head = method == "HEAD"
            await self._responses.problem(
                send, rejection.status, str(rejection), [*rejection.headers, *cors], code=rejection.code, head=head
            )
        except BodyRefused as refused_body:
            # Status 0: the client has disconnected.
            if refused_body.status:
                await self._responses.problem(
                    send, refused_body.status, str(refused_body), [*refused_body.headers, *cors]
                )
        else:
            answer = await shown.endpoint.post(origin, body, caller, fields)
            await self._respond(answer, scope, receive, send, cors)

    def _respond(
        self, answer: EndpointResponse | ResponseStream, scope: Scope, receive: Receive, send: Send, cors: Headers
    ) -> Awaitable[object]:
        """Send the answer of the endpoint."""
        if isinstance(answer, ResponseStream):
            return send_stream(
                frame_messages(answer.messages), receive, send, [*self._responses.security_headers, *cors]
            )
        if answer.closed is not None:
            return self._origin_guard.respond_not_open("POST", send, answer.closed)
        needs = answer.needs
        more = [] if needs is None else [self._authenticator.challenge(error=needs.error, scope=needs.scope)]
        if answer.retry_after is not None:
            more.append((b"retry-after", b"%d" % answer.retry_after))
        if answer.session_id is not None:
            more.append((SESSION_HEADER, answer.session_id.encode()))
        if answer.body and not more and not cors and WHOLE_RESPONSE in (scope.get("extensions") or ()):
            headers, body = self._responses.json_headers, answer.body
            return send({"type": WHOLE_RESPONSE, "status": answer.status, "headers": headers, "body": body})  # type: ignore[arg-type]
        return self._responses.json(send, answer.status, answer.body, [*more, *cors])

    async def _respond_other(self, method: str, fields: Mapping[bytes, bytes], cors: Headers, send: Send) -> None:
        """Anything but a POST of JSON."""
        if method == "POST":
            await self._responses.problem(send, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.", cors)
            return
        version = fields.get(b"mcp-protocol-version")
        if method == "DELETE" and (version is None or version.decode("latin-1").strip() in HANDSHAKE_VERSIONS):
            # Legacy clients end their session, of which there is none, and expect success.
            await self._responses.json(send, HTTPStatus.OK, b"", cors)
            return
        await self._responses.problem(
            send,
            HTTPStatus.METHOD_NOT_ALLOWED,
            "Send JSON-RPC with POST; there is no stream to GET and no session to DELETE.",
            [(b"allow", b"POST, OPTIONS" if method == "DELETE" else b"POST, DELETE, OPTIONS"), *cors],
            head=method == "HEAD",
        )


def _is_json(media_type: bytes) -> bool:
    """Whether it is JSON in another spelling, or with parameters."""
    return media_type.split(b";")[0].strip().lower() == JSON_TYPE
