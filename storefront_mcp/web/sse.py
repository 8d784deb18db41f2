"""The older HTTP+SSE transport: one stream per client, and an address to which that client posts its messages."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from litestar.types import Receive, Scope, Send
from msgspec import UNSET

from storefront_mcp.calls.caller import GUEST, Caller
from storefront_mcp.mcp.conversant import Conversant
from storefront_mcp.mcp.jsonrpc import Refused, failure_bytes
from storefront_mcp.mcp.message import Message
from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.door import Door, NoIdentity, admitted
from storefront_mcp.web.events import event, stream
from storefront_mcp.web.gate import Gate, Headers
from storefront_mcp.web.site import Site
from storefront_mcp.web.turnstile import TOO_MANY, Turnstile, http_headers, refusal_bytes

STREAM: Final = "/mcp/sse"
MESSAGES: Final = "/mcp/sse/message"
MOST: Final = 500
"""Open streams of one process."""
MOST_PER_ADDRESS: Final = 50
BACKLOG: Final = 64
"""Answers that wait for a slow reader before its stream is dropped."""


class Session:
    """One open stream and the work that is under way for it."""

    def __init__(self, address: str, caller: Caller = GUEST) -> None:
        self.address = address
        self.caller = caller
        self.conversant = Conversant()
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.work: set[asyncio.Task[None]] = set()
        self.ended = False

    @property
    def behind(self) -> int:
        """Answers that are awaited, by us or by the reader."""
        return self.queue.qsize() + len(self.work)

    def push(self, frame: bytes) -> None:
        """Put an event on the stream; a reader that takes nothing is dropped."""
        if self.queue.qsize() >= BACKLOG:
            self.end()
        elif not self.ended:
            self.queue.put_nowait(frame)

    def end(self) -> None:
        """Close the stream after what is on it; nothing more is put there."""
        if not self.ended:
            self.ended = True
            self.queue.put_nowait(None)

    async def frames(self, address: str) -> AsyncGenerator[bytes, None]:
        """The address to post to, then answers."""
        yield event("endpoint", address.encode())
        while (frame := await self.queue.get()) is not None:
            yield frame


class SseEndpoint:
    """Serves `/mcp/sse` and `/mcp/sse/message` for one site, in one process."""

    def __init__(
        self,
        site: Site,
        gate: Gate,
        door: Door | None = None,
        turnstile: Turnstile | None = None,
        *,
        at_most: int = MOST,
        per_address: int = MOST_PER_ADDRESS,
    ) -> None:
        """Without a `door`, no credentials are accepted; without a `turnstile`, nobody is counted."""
        self._site = site
        self._gate = gate
        self._door = door or Door(site, NoIdentity())
        self._turnstile = turnstile
        self._at_most = at_most
        self._per_address = per_address
        self._sessions: dict[str, Session] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cors = await self._gate.passed(scope, send)
        if cors is None:
            return
        refused = None
        if self._turnstile is not None:
            refused = await self._turnstile.refusal(self._address(scope), list(scope["headers"]))
        if refused is not None:
            await self._gate.send(send, TOO_MANY, refusal_bytes(refused), [*http_headers(refused), *cors])
            return
        caller = await admitted(self._door, self._gate, scope, send, cors)
        if caller is None:
            return
        path, method = scope["path"], scope["method"]  # type: ignore[typeddict-item]
        if path == STREAM and method == "GET":
            await self._open(scope, receive, send, cors, caller)
        elif path == MESSAGES and method == "POST":
            await self._take(scope, receive, send, cors, caller)
        else:
            allowed = b"GET, OPTIONS" if path == STREAM else b"POST, OPTIONS"
            detail = f"Open the stream with GET {STREAM}, and POST messages to the address that it names first."
            await self._gate.problem(
                send, HTTPStatus.METHOD_NOT_ALLOWED, detail, [(b"allow", allowed), *cors], head=method == "HEAD"
            )

    def close(self) -> None:
        """End every stream."""
        for session in tuple(self._sessions.values()):
            session.end()

    async def _open(self, scope: Scope, receive: Receive, send: Send, cors: Headers, caller: Caller) -> None:
        address = self._address(scope)
        mine = sum(session.address == address for session in self._sessions.values())
        if len(self._sessions) >= self._at_most or mine >= self._per_address:
            detail = "Too many streams are open. Close one, or use Streamable HTTP at /mcp, which needs none."
            await self._gate.problem(send, HTTPStatus.TOO_MANY_REQUESTS, detail, [(b"retry-after", b"30"), *cors])
            return
        key = secrets.token_urlsafe(24)
        session = self._sessions[key] = Session(address, caller)
        try:
            frames = session.frames(f"{scope.get('root_path', '')}{MESSAGES}?sessionId={key}")
            await stream(frames, receive, send, [*self._gate.always, *cors])
        finally:
            del self._sessions[key]
            for task in session.work:
                task.cancel()

    def _address(self, scope: Scope) -> str:
        """Whose request it is, as limits count it, or as the connection says."""
        client: Any = scope.get("client")
        if self._turnstile is not None:
            return self._turnstile.address(client, list(scope["headers"]))
        return client[0] if client else ""

    async def _take(self, scope: Scope, receive: Receive, send: Send, cors: Headers, caller: Caller) -> None:
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        key = (asked.get("sessionId") or asked.get("session_id") or [""])[0]
        if not key:
            detail = f"Name the stream: {MESSAGES}?sessionId=…"
            await self._gate.problem(send, HTTPStatus.BAD_REQUEST, detail, cors)
            return
        session = self._sessions.get(key)
        # Whoever learned a stream's address still cannot act on it as somebody else, nor be answered there.
        if session is None or session.ended or session.caller.identifier != caller.identifier:
            detail = f"That stream is closed. Open another one with GET {STREAM}."
            await self._gate.problem(send, HTTPStatus.NOT_FOUND, detail, cors)
            return
        if session.behind >= BACKLOG:
            detail = "Too many messages are waiting for their answers on this stream. Read it first."
            await self._gate.problem(send, HTTPStatus.TOO_MANY_REQUESTS, detail, [(b"retry-after", b"1"), *cors])
            return
        try:
            message = session.conversant.read(await read_body(list(scope["headers"]), receive))
        except BodyRefused as refused:
            if refused.status:
                await self._gate.problem(send, refused.status, str(refused), [(b"connection", b"close"), *cors])
            return
        except Refused as refused:
            if refused.answers is UNSET:
                await self._gate.send(send, HTTPStatus.BAD_REQUEST, failure_bytes(refused), cors)
                return
            # Whoever knows which request failed hears of it where all answers come.
            await self._gate.send(send, HTTPStatus.ACCEPTED, b"", cors)
            session.push(event("message", failure_bytes(refused)))
            return
        await self._gate.send(send, HTTPStatus.ACCEPTED, b"", cors)
        task = asyncio.create_task(self._hear(session, message, caller))
        session.work.add(task)
        task.add_done_callback(session.work.discard)

    async def _hear(self, session: Session, message: Message, caller: Caller) -> None:
        endpoint = self._site.shown.endpoint
        push = lambda body: session.push(event("message", body))  # noqa: E731 -- a frame around each answer
        await session.conversant.hear(message, endpoint, caller, push, session.address)
