"""Read a request's headers and its body, bounded in size and time."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from litestar.types import Receive

from storefront_mcp.web.wire.answering import Arrived

MAX_BODY: Final = 1 << 20
"""Bytes of a request body; more is a 413."""
SHORT: Final = len(str(MAX_BODY))
"""Characters of the least Content-Length that can be too much."""
LONG: Final = 20
"""Digits of a Content-Length that needs no reading."""
DRAINED: Final = 16 << 20
"""Bytes of a body that is refused, and yet read to its end: who is still sending would not hear the refusal."""
DRAIN_SECONDS: Final = 2.0
BODY_SECONDS: Final = 20.0
"""How long a body may take to arrive."""
GONE: Final = "http.disconnect"
Event = Mapping[str, Any]


class BodyRefused(Exception):
    """A body that is not taken: too large, too slow, or its sender has gone (status 0)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def first_of_each(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Headers by name (in lower case); of those that were sent twice, the first."""
    fields = dict(headers)
    return fields if len(fields) == len(headers) else dict(reversed(headers))


async def read_body(
    headers: Sequence[tuple[bytes, bytes]], receive: Receive, *, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body. Raises BodyRefused."""
    return await arriving(first_of_each(headers).get(b"content-length", b""), receive, seconds=seconds)


async def arriving(announced: bytes, receive: Receive, *, seconds: float) -> bytes:
    """The whole body, by the Content-Length that was sent, if any. Raises BodyRefused."""
    if len(announced) >= SHORT:
        announced = announced.strip()
        if announced.isdigit() and (len(announced) > LONG or int(announced) > MAX_BODY):
            if len(announced) <= LONG and int(announced) <= DRAINED:
                await _drained(receive)
            raise _too_large()
    coming = receive()
    if type(coming) is Arrived:
        # Nearly every body; to start a clock for it would cost more than to read it.
        return _within(coming.body, MAX_BODY)
    try:
        async with asyncio.timeout(seconds):
            return await _collected(coming, receive)
    except TimeoutError:
        raise BodyRefused(HTTPStatus.REQUEST_TIMEOUT, "The request's body took too long.") from None
    except BodyRefused as refused:
        if refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await _drained(receive)
        raise


async def _collected(first: Awaitable[Event], receive: Callable[[], Awaitable[Any]]) -> bytes:
    """Every event's part, the first event being on its way already."""
    chunks: list[bytes] = []
    left, event = MAX_BODY, await first
    while True:
        chunks.append(_chunk(event, left))
        left -= len(chunks[-1])
        if not event.get("more_body", False):
            return b"".join(chunks)
        event = await receive()


async def _drained(receive: Callable[[], Awaitable[Any]]) -> None:
    """Let the rest of a body go by, within reason."""
    left = DRAINED
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                event = await receive()
                left -= len(event.get("body", b""))
                if not event.get("more_body", False):
                    return


def _chunk(event: Event, at_most: int) -> bytes:
    if event["type"] == GONE:
        raise BodyRefused(0, "The client has gone.")
    return _within(event.get("body", b""), at_most)


def _within(chunk: bytes, at_most: int) -> bytes:
    if len(chunk) > at_most:
        raise _too_large()
    return chunk


def _too_large() -> BodyRefused:
    return BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request has at most {MAX_BODY} bytes.")
