"""HTTP+SSE, the transport before Streamable HTTP: a stream per client, and a URL to which it posts its messages."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from litestar.types import Receive, Scope, Send
from msgspec import UNSET

from storefront_mcp.access.caller import GUEST, Caller
from storefront_mcp.calls.errors import RateLimited
from storefront_mcp.instrumentation import RequestOrigin
from storefront_mcp.mcp.jsonrpc import JsonRpcError, error_bytes
from storefront_mcp.mcp.message import JsonRpcMessage, read_message
from storefront_mcp.mcp.sse_session import SseClientSession
from storefront_mcp.web.authentication import BearerAuthenticator, HttpRejection, RejectAllVerifier
from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.event_stream import encode_event, send_stream
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.responses import Headers
from storefront_mcp.web.site import StoreSite

STREAM_PATH: Final = "/mcp/sse"
MESSAGES_PATH: Final = "/mcp/sse/message"
MAX_BACKLOG_MESSAGES: Final = 64
"""Responses that wait for a slow reader before its stream is closed."""


class SseConnection:
    """One open stream and the tasks that answer its messages."""

    def __init__(self, address: str, caller: Caller = GUEST) -> None:
        self.address = address
        self.caller = caller
        self.session = SseClientSession()
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.tasks: set[asyncio.Task[None]] = set()
        self.ended = False
        self._retiring = False

    @property
    def open(self) -> bool:
        """Whether it takes messages."""
        return not self.ended and not self._retiring

    @property
    def pending(self) -> int:
        """Responses that are computed or wait for the reader."""
        return self.queue.qsize() + len(self.tasks)

    def push(self, frame: bytes) -> None:
        """Put an event on the stream; close the stream of a reader with `MAX_BACKLOG_MESSAGES` unread."""
        if self.queue.qsize() >= MAX_BACKLOG_MESSAGES:
            self.end()
        elif not self.ended:
            self.queue.put_nowait(frame)

    def end(self) -> None:
        """Close the stream after what is queued."""
        if not self.ended:
            self.ended = True
            self.queue.put_nowait(None)

    def retire(self) -> None:
        """Take no more messages, and close the stream once those that came are answered."""
        self._retiring = True
        if not self.tasks:
            self.end()

    def finish_task(self, task: asyncio.Task[None]) -> None:
        """A message was answered."""
        self.tasks.discard(task)
        if self._retiring:
            self.retire()

    async def frames(self, address: str) -> AsyncGenerator[bytes, None]:
        """The URL to post to, then responses."""
        yield encode_event("endpoint", address.encode())
        while (frame := await self.queue.get()) is not None:
            yield frame


class SseEndpoint:
    """`/mcp/sse` and `/mcp/sse/message` of one site, in one process."""

    def __init__(
        self,
        site: StoreSite,
        origin_guard: OriginGuard,
        authenticator: BearerAuthenticator | None = None,
        limiter: RequestRateLimiter | None = None,
    ) -> None:
        """Without `authenticator`, all credentials are rejected; without `limiter`, there are no rate limits."""
        self._site = site
        self._origin_guard = origin_guard
        self._responses = origin_guard.responses
        self._authenticator = authenticator or BearerAuthenticator(site, RejectAllVerifier())
        self._limiter = limiter
        self._quota = site.shared.subscriptions.quota
        self._connections: dict[str, SseConnection] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, which has been counted."""
        cors = await self._origin_guard.preflight(scope, send)
        if cors is None:
            return
        path, method = scope["path"], scope["method"]  # type: ignore[typeddict-item]
        try:
            caller = await self._authenticator.authenticate(self._origin(scope), scope["query_string"])
        except HttpRejection as rejection:
            head = method == "HEAD"
            await self._responses.problem(
                send, rejection.status, str(rejection), [*rejection.headers, *cors], code=rejection.code, head=head
            )
            return
        if path == STREAM_PATH and method == "GET":
            await self._open(scope, receive, send, cors, caller)
        elif path == MESSAGES_PATH and method == "POST":
            await self._take(scope, receive, send, cors, caller)
        else:
            allowed = b"GET, OPTIONS" if path == STREAM_PATH else b"POST, OPTIONS"
            detail = f"Open the stream with GET {STREAM_PATH}, and POST messages to the address that it names first."
            await self._responses.problem(
                send, HTTPStatus.METHOD_NOT_ALLOWED, detail, [(b"allow", allowed), *cors], head=method == "HEAD"
            )

    def close(self) -> None:
        """End every stream."""
        for connection in tuple(self._connections.values()):
            connection.end()

    async def _open(self, scope: Scope, receive: Receive, send: Send, cors: Headers, caller: Caller) -> None:
        origin = self._origin(scope)
        connection = SseConnection(origin.address, caller)
        place = self._quota.admit(origin.address if caller.kind == "guest" else caller.identifier, connection.retire)
        if place is None:
            if self._limiter is not None:
                self._limiter.audit_limited(self._quota.refusal, origin)
            detail = "Too many streams are open. Close one, or use Streamable HTTP at /mcp, which needs none."
            retry_after = (b"retry-after", b"%d" % self._quota.refusal.retry_after)
            await self._responses.problem(
                send, HTTPStatus.TOO_MANY_REQUESTS, detail, [retry_after, *cors], code=RateLimited.code
            )
            return
        key = secrets.token_urlsafe(24)
        self._connections[key] = connection
        try:
            prefix = scope.get("root_path", "") if self._limiter is None else self._limiter.path_prefix(scope)
            frames = connection.frames(f"{prefix}{MESSAGES_PATH}?sessionId={key}")
            await send_stream(frames, receive, send, [*self._responses.security_headers, *cors])
        finally:
            del self._connections[key]
            self._quota.leave(place)
            for task in connection.tasks:
                task.cancel()

    def _origin(self, scope: Scope) -> RequestOrigin:
        """Where the request came from; without a limiter, the connection's address."""
        client: Any = scope.get("client")
        if self._limiter is not None:
            return self._limiter.unsigned_origin(client, list(scope["headers"]))
        return RequestOrigin(address=client[0] if client else "", headers=list(scope["headers"]))

    async def _take(self, scope: Scope, receive: Receive, send: Send, cors: Headers, caller: Caller) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        key = (query.get("sessionId") or query.get("session_id") or [""])[0]
        if not key:
            detail = f"Name the stream: {MESSAGES_PATH}?sessionId=…"
            await self._responses.problem(send, HTTPStatus.BAD_REQUEST, detail, cors)
            return
        connection = self._connections.get(key)
        # A leaked stream URL is of no use to another caller.
        if connection is None or not connection.open or connection.caller.identifier != caller.identifier:
            detail = f"That stream is closed. Open another one with GET {STREAM_PATH}."
            await self._responses.problem(send, HTTPStatus.NOT_FOUND, detail, cors)
            return
        if connection.pending >= MAX_BACKLOG_MESSAGES:
            detail = "Too many messages are waiting for their answers on this stream. Read it first."
            await self._responses.problem(
                send, HTTPStatus.TOO_MANY_REQUESTS, detail, [(b"retry-after", b"1"), *cors], code=RateLimited.code
            )
            return
        try:
            message = read_message(await read_body(list(scope["headers"]), receive))
        except BodyRefused as refused:
            if refused.status:
                await self._responses.problem(send, refused.status, str(refused), [*refused.headers, *cors])
            return
        except JsonRpcError as refused:
            if refused.answers is UNSET:
                await self._responses.json(send, HTTPStatus.BAD_REQUEST, error_bytes(refused), cors)
                return
            # A failure that belongs to a request is answered on the stream like any other.
            await self._responses.json(send, HTTPStatus.ACCEPTED, b"", cors)
            connection.push(encode_event("message", error_bytes(refused)))
            return
        await self._responses.json(send, HTTPStatus.ACCEPTED, b"", cors)
        task = asyncio.create_task(self._receive_message(connection, message, caller))
        connection.tasks.add(task)
        task.add_done_callback(connection.finish_task)

    async def _receive_message(self, connection: SseConnection, message: JsonRpcMessage, caller: Caller) -> None:
        endpoint = self._site.shown.endpoint
        push = lambda body: connection.push(encode_event("message", body))  # noqa: E731 -- a frame around each answer
        await connection.session.answer_message(
            message, endpoint, caller, push, RequestOrigin(address=connection.address)
        )
