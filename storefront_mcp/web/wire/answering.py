"""One request and its answer, which goes out together with its head where its length is said: one system call, not two.

Everything else, streams above all, leaves the way uvicorn writes it.
"""

from collections.abc import Awaitable, Generator
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent, HTTPRequestEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from storefront_mcp.web.wire.lines import OF_THIS_PROCESS

LENGTH: Final = b"content-length"
FRAMING: Final = frozenset({LENGTH, b"connection", b"transfer-encoding"})
"""Headers that say how an answer ends."""

WHOLE: Final = "http.response.whole"
"""An ASGI extension of this server: a whole answer in one event, with `status`, `headers` that are the same tuple each
time and say nothing of the answer's length or end, and `body`."""
EXTENSIONS: Final[dict[str, dict[object, object]]] = {WHOLE: {}}
AT_ONCE: Final = 1 << 16
"""Bytes of a body that is handed over without waiting."""


class Arrived:
    """A whole body that was there when it was asked for: to be awaited as any event, or taken without."""

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __await__(self) -> Generator[None, None, HTTPRequestEvent]:
        yield from ()
        return {"type": "http.request", "body": self.body, "more_body": False}


class WireCycle(RequestResponseCycle):
    """uvicorn's, with another way to send."""

    handed_over: bool = False
    """Whether the whole body has been."""
    _head: bytes | None = None
    """Of an answer whose body has not come yet."""

    def receive(self) -> Awaitable[ASGIReceiveEvent]:  # type: ignore[override]  # no coroutine where none is needed
        """ASGI."""
        body = self.body
        waits = self.more_body or self.handed_over or self.waiting_for_100_continue
        if waits or self.disconnected or self.response_complete or len(body) > AT_ONCE:
            return super().receive()
        self.handed_over = True
        self.message_event.clear()
        self.body = bytearray()
        return Arrived(bytes(body))

    async def send(self, message: Any) -> None:  # noqa: ANN401 -- an ASGI event
        """ASGI."""
        if message["type"] == WHOLE:
            if not self._sent_whole(message):
                await self._send_in_two(message)
            return
        head, self._head = self._head, None
        if head is None:
            if self.response_started or self.flow.write_paused or self.disconnected or not self._begins(message):
                await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        body = message.get("body", b"")
        whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        if whole and len(body) == self.expected_content_length and self.scope["method"] != "HEAD":
            self._finish(head, body)
            return
        self.transport.write(head)
        await super().send(message)

    async def _send_in_two(self, message: Any) -> None:  # noqa: ANN401 -- an ASGI event
        body = message["body"]
        headers = [*message["headers"], (LENGTH, b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": message["status"], "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _sent_whole(self, message: Any) -> bool:  # noqa: ANN401 -- an ASGI event
        """Whether this is an answer for which nothing has to be waited for; it has then left."""
        status, headers, body = message["status"], message["headers"], message["body"]
        busy = self.response_started or self.flow.write_paused or self.disconnected
        if busy or not self.keep_alive or self.access_log or self.scope["method"] == "HEAD":
            return False
        opening = OF_THIS_PROCESS.opening(status, self.default_headers, headers)
        self.response_started = True
        self.waiting_for_100_continue = False
        self._finish(b"%bcontent-length: %d\r\n\r\n" % (opening, len(body)), body)
        return True

    def _finish(self, head: bytes, body: bytes) -> None:
        """Write an answer, and do what uvicorn does after its last byte."""
        self.transport.writelines((head, body))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _begins(self, message: Any) -> bool:  # noqa: ANN401 -- an ASGI event
        """Whether this begins an answer whose length is said, on a connection that stays; its head is then ready."""
        if message["type"] != "http.response.start" or not self.keep_alive or self.access_log:
            return False
        lines = OF_THIS_PROCESS
        parts = [STATUS_LINE[message["status"]], lines.defaults(self.default_headers)]
        length = None
        for header in message.get("headers", ()):
            line = lines.known.get(header)
            if line is None:
                name, value = header
                if name == LENGTH and length is None:
                    length = int(value)
                    line = b"content-length: %d\r\n" % length
                elif name.lower() in FRAMING:
                    return False
                else:
                    line = lines.line(header)
            parts.append(line)
        if length is None:
            return False
        parts.append(b"\r\n")
        self._head = b"".join(parts)
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self.expected_content_length = length
        return True
