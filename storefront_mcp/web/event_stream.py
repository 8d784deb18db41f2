"""Server-sent events: framing, heartbeats, and detection of readers that are gone or stalled.

Not Litestar's ServerSentEvent: these are sent before the framework, and it has no write timeout.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, Final

from litestar.types import Receive, Send

HEARTBEAT_SECONDS: Final = 15.0
WRITE_TIMEOUT_SECONDS: Final = 30.0
"""How long a reader may read nothing before it counts as gone."""
HEARTBEAT: Final = b": heartbeat\n\n"
EVENT_STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
"""No proxy may buffer events."""


def encode_event(kind: str, body: bytes) -> bytes:
    """One event; JSON has no raw line breaks, so one data line is enough."""
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


async def frame_messages(messages: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """JSON-RPC messages as events."""
    async with contextlib.aclosing(messages) as open_messages:
        async for message in open_messages:
            yield encode_event("message", message)


async def send_stream(
    messages: AsyncGenerator[bytes, None],
    receive: Receive,
    send: Send,
    headers: list[tuple[bytes, bytes]],
    *,
    heartbeat: float = HEARTBEAT_SECONDS,
    write_timeout: float = WRITE_TIMEOUT_SECONDS,
) -> bool:
    """Send frames, and heartbeats while there are none; True when all were sent, False when the reader has gone."""

    async def send_body(body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(write_timeout):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    await send({"type": "http.response.start", "status": 200, "headers": [*EVENT_STREAM_HEADERS, *headers]})
    disconnected = asyncio.create_task(_wait_for_disconnect(receive))
    upcoming: asyncio.Task[bytes | None] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.create_task(_next(messages))
            await asyncio.wait((upcoming, disconnected), timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED)
            if disconnected.done():
                return False
            if not upcoming.done():
                await send_body(HEARTBEAT)
                continue
            frame = upcoming.result()
            upcoming = None
            await send_body(frame or b"", more=frame is not None)
            if frame is None:
                return True
    except TimeoutError:
        return False
    finally:
        await _cancel(disconnected, upcoming)
        await messages.aclose()


async def _cancel(*tasks: "asyncio.Task[Any] | None") -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _next(messages: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(messages, None)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
