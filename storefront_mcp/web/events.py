"""Server-sent events on the wire: framed messages, heartbeats, and an end when the reader has gone."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

from litestar.types import Receive, Send

HEARTBEAT_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 30.0
"""How long a reader may take nothing at all before it counts as gone."""
HEARTBEAT: Final = b": heartbeat\n\n"
HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
"""No proxy may hold events back."""


def event(kind: str, body: bytes) -> bytes:
    """One event; JSON has no raw line breaks, so one data line is enough."""
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


async def framed(messages: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """JSON-RPC messages as events."""
    async with contextlib.aclosing(messages) as open_messages:
        async for message in open_messages:
            yield event("message", message)


async def stream(
    messages: AsyncGenerator[bytes, None],
    receive: Receive,
    send: Send,
    headers: list[tuple[bytes, bytes]],
    *,
    heartbeat: float = HEARTBEAT_SECONDS,
    patience: float = PATIENCE_SECONDS,
) -> bool:
    """Send frames as they come, and heartbeats while none come; True when all were sent, False when the reader left."""

    async def put(body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(patience):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *headers]})
    gone = asyncio.create_task(_gone(receive))
    upcoming: asyncio.Task[bytes | None] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.create_task(_next(messages))
            await asyncio.wait((upcoming, gone), timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return False
            if not upcoming.done():
                await put(HEARTBEAT)
                continue
            frame = upcoming.result()
            upcoming = None
            await put(frame or b"", more=frame is not None)
            if frame is None:
                return True
    except TimeoutError:
        return False
    finally:
        await _ended(gone, upcoming)
        await messages.aclose()


async def _ended(*tasks: "asyncio.Task[Any] | None") -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _next(messages: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(messages, None)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
