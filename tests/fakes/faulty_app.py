"""An ASGI application that fails as planned."""

import asyncio
import contextlib
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from tests.fakes.demo_faults import DemoFault, FaultQueue

JSON = [(b"content-type", b"application/json")]
HTML = [(b"content-type", b"text/html; charset=UTF-8"), (b"cache-control", b"no-cache, private")]
BROKEN = b'{"error":"internal_server_error","message":"An internal error occurred","code":500}'

UNDONE: dict[DemoFault, tuple[int, list[tuple[bytes, bytes]], bytes]] = {
    DemoFault.BEFORE: (500, JSON, BROKEN),
    DemoFault.HTML: (200, HTML, b"<!doctype html><title>Back soon</title><p>Brining."),
    DemoFault.REDIRECT: (302, [*HTML, (b"location", b"https://elsewhere.invalid/")], b""),
}
"""Answers without asking the shop."""


class FaultyApp:
    """A shop behind its faults, whichever software it stands for."""

    def __init__(self, app: ASGIApp, faults: FaultQueue) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail as planned."""
        planned = self.faults.take(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if planned is None:
            await self.app(scope, receive, send)
        else:
            await self.fail(*planned, scope, await received(receive), send)

    async def fail(self, fault: DemoFault, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        """Fail in this way."""
        if fault is DemoFault.SLOW:
            await asyncio.sleep(seconds)
            await self.app(scope, receive, send)
        elif fault in UNDONE:
            await respond(send, *UNDONE[fault])
        else:
            await self._spoil(fault, seconds, *await self._answer(scope, receive), receive, send)

    async def _spoil(
        self, fault: DemoFault, seconds: float, start: Any, body: bytes, receive: Receive, send: Send
    ) -> None:
        half = body[: len(body) // 2]
        if fault is DemoFault.TRUNCATED:
            headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            await respond(send, start["status"], headers, half)
        elif fault is DemoFault.CLOSED:
            # Promised in full and never finished: the server drops the connection.
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        else:
            if fault is DemoFault.GONE:
                await silence(receive, seconds)
            await respond(send, 500, JSON, BROKEN)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Any, bytes]:
        said: list[Any] = []

        async def keep(message: Message) -> None:
            said.append(message)

        await self.app(scope, receive, keep)
        return said[0], b"".join(message.get("body", b"") for message in said[1:])


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def received(receive: Receive) -> Receive:
    """`receive` with the whole request read: what came is acted upon, whether its sender is still there or not."""
    first: list[Any] = []
    while not first or (first[-1]["type"] == "http.request" and first[-1].get("more_body")):
        first.append(await receive())

    async def replay() -> Any:
        return first.pop(0) if first else await receive()

    return replay


async def silence(receive: Receive, seconds: float) -> None:
    """Wait until the caller gives up, or for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
