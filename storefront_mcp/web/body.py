"""Read a request's body, bounded in size and time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from litestar.types import Receive

MAX_BODY: Final = 1 << 20
"""Bytes of a request body; more is a 413."""
LONG: Final = 20
"""Digits of a Content-Length that needs no reading."""
BODY_SECONDS: Final = 20.0
"""How long a body may take to arrive."""


class BodyRefused(Exception):
    """A body that is not taken: too large, too slow, or its sender has gone (status 0)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


async def read_body(
    headers: Iterable[tuple[bytes, bytes]], receive: Receive, *, seconds: float = BODY_SECONDS
) -> bytes:
    """The whole body. Raises BodyRefused."""
    announced = header(headers, b"content-length") or ""
    if announced.isdecimal() and (len(announced) > LONG or int(announced) > MAX_BODY):
        raise _too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _collected(receive)
    except TimeoutError:
        raise BodyRefused(HTTPStatus.REQUEST_TIMEOUT, "The request's body took too long.") from None


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The first header of a name (in lower case), trimmed."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1").strip()
    return None


async def _collected(receive: Callable[[], Awaitable[Any]]) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise BodyRefused(0, "The client has gone.")
        chunk: bytes = event.get("body", b"")
        more = event.get("more_body", False)
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
    return b"".join(chunks)


def _too_large() -> BodyRefused:
    return BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request has at most {MAX_BODY} bytes.")
