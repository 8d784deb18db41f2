"""Read request bodies, bounded in size and time, and headers by name."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar.types import Receive

from storefront_mcp.uvicorn_protocol.asgi_extension import BufferedBody

MAX_BODY_BYTES: Final = 1 << 20
"""More is a 413."""
LENGTH_DIGITS: Final = len(str(MAX_BODY_BYTES))
"""Characters of the shortest Content-Length that can be too large."""
MAX_LENGTH_DIGITS: Final = 20
"""A Content-Length with more digits is not parsed."""
MAX_DRAINED_BYTES: Final = 16 << 20
"""A refused body is read so far: a client that is still sending would not see the response."""
DRAIN_SECONDS: Final = 2.0
BODY_SECONDS: Final = 20.0
"""Seconds that a body may take to arrive."""
PLAIN_CODINGS: Final = frozenset({b"", b"identity"})
"""Values of Content-Encoding under which a body is what it is; nothing is decompressed, as it could be a bomb."""
DISCONNECT_EVENT: Final = "http.disconnect"
Event = Mapping[str, Any]


class BodyRefused(Exception):
    """A body that was not read: 413, 408, 415, or 0 where the client has disconnected."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Response headers: the connection is closed, and a 415 names the coding that is taken (RFC 9110 §12.5.3)."""
        codings = [(b"accept-encoding", b"identity")] if self.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE else []
        return [(b"connection", b"close"), *codings]


def first_of_each(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Headers by name in lower case; the first of those that were sent twice."""
    fields = dict(headers)
    return fields if len(fields) == len(headers) else dict(reversed(headers))


async def read_body(
    headers: Sequence[tuple[bytes, bytes]], receive: Receive, *, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body. Raises BodyRefused."""
    return await read_announced(first_of_each(headers), receive, seconds=seconds)


async def read_announced(fields: Mapping[bytes, bytes], receive: Receive, *, seconds: float) -> bytes:
    """The whole body; `fields` are the request's headers by name. Raises BodyRefused."""
    if b"content-encoding" in fields and fields[b"content-encoding"].strip().lower() not in PLAIN_CODINGS:
        await _drain(receive)
        raise BodyRefused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, without Content-Encoding.")
    announced = fields.get(b"content-length", b"")
    if len(announced) >= LENGTH_DIGITS:
        announced = announced.strip()
        if announced.isdigit() and (len(announced) > MAX_LENGTH_DIGITS or int(announced) > MAX_BODY_BYTES):
            if len(announced) <= MAX_LENGTH_DIGITS and int(announced) <= MAX_DRAINED_BYTES:
                await _drain(receive)
            raise _too_large()
    event = receive()
    if type(event) is BufferedBody:
        # Nearly every body; a timer would cost more than reading it.
        if len(event.body) > MAX_BODY_BYTES:
            raise _too_large()
        return event.body
    try:
        async with asyncio.timeout(seconds):
            return await _collect(event, receive)
    except TimeoutError:
        raise BodyRefused(HTTPStatus.REQUEST_TIMEOUT, "The request's body took too long.") from None
    except BodyRefused as refused:
        if refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await _drain(receive)
        raise


async def _collect(first: Awaitable[Event], receive: Callable[[], Awaitable[Any]]) -> bytes:
    """All parts, beginning with an event that was asked for already."""
    chunks: list[bytes] = []
    left, event = MAX_BODY_BYTES, await first
    while True:
        chunks.append(_chunk(event, left))
        left -= len(chunks[-1])
        if not event.get("more_body", False):
            return b"".join(chunks)
        event = await receive()


async def _drain(receive: Callable[[], Awaitable[Any]]) -> None:
    """Read and drop the rest of a body."""
    left = MAX_DRAINED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                event = await receive()
                left -= len(event.get("body", b""))
                if not event.get("more_body", False):
                    return


def _chunk(event: Event, at_most: int) -> bytes:
    if event["type"] == DISCONNECT_EVENT:
        raise BodyRefused(0, "The client has gone.")
    chunk: bytes = event.get("body", b"")
    if len(chunk) > at_most:
        raise _too_large()
    return chunk


def _too_large() -> BodyRefused:
    return BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request has at most {MAX_BODY_BYTES} bytes.")
