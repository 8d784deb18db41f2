"""uvicorn's request-response cycle that writes head and body of a response of known length in one system call.

Everything else, streams above all, is written as uvicorn does it.
"""

from collections.abc import Awaitable
from typing import Any, Final

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from storefront_mcp.uvicorn_protocol.asgi_extension import WHOLE_RESPONSE, BufferedBody
from storefront_mcp.uvicorn_protocol.header_lines import HEADER_LINES

CONTENT_LENGTH: Final = b"content-length"
FRAMING: Final = frozenset({CONTENT_LENGTH, b"connection", b"transfer-encoding"})
"""Headers that say where a response ends."""

MAX_SINGLE_WRITE_BYTES: Final = 1 << 16
"""Bytes of a request body that is delivered as one `BufferedBody`."""


class SingleWriteCycle(RequestResponseCycle):
    """uvicorn's cycle with one write per response, and the extension `WHOLE_RESPONSE`."""

    body_delivered: bool = False
    """Whether the application has received the whole request body."""
    _head: bytes | None = None
    """The head of a response whose body has not been sent yet."""

    def receive(self) -> Awaitable[ASGIReceiveEvent]:  # type: ignore[override]  # no coroutine where none is needed
        """ASGI."""
        body = self.body
        waits = self.more_body or self.body_delivered or self.waiting_for_100_continue
        if waits or self.disconnected or self.response_complete or len(body) > MAX_SINGLE_WRITE_BYTES:
            return super().receive()
        self.body_delivered = True
        self.message_event.clear()
        self.body = bytearray()
        return BufferedBody(bytes(body))

    async def send(self, message: Any) -> None:  # noqa: ANN401 -- an ASGI event
        """ASGI."""
        if self.waiting_for_100_continue and self.more_body:
            # The client may send the body now or not: what comes next may be it, or another request.
            self.keep_alive = False
        if message["type"] == WHOLE_RESPONSE:
            if not self._send_whole(message):
                await self._send_as_two_events(message)
            return
        head, self._head = self._head, None
        if head is None:
            if self.response_started or self.flow.write_paused or self.disconnected or not self._prepare_head(message):
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

    async def _send_as_two_events(self, message: Any) -> None:  # noqa: ANN401 -- an ASGI event
        body = message["body"]
        headers = [*message["headers"], (CONTENT_LENGTH, b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": message["status"], "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _send_whole(self, message: Any) -> bool:  # noqa: ANN401 -- an ASGI event
        """Send a response that needs no waiting; False where it has to wait, and nothing was sent."""
        status, headers, body = message["status"], message["headers"], message["body"]
        busy = self.response_started or self.flow.write_paused or self.disconnected
        if busy or not self.keep_alive or self.access_log or self.scope["method"] == "HEAD":
            return False
        opening = HEADER_LINES.opening(status, self.default_headers, headers)
        self.response_started = True
        self.waiting_for_100_continue = False
        self._finish(b"%bcontent-length: %d\r\n\r\n" % (opening, len(body)), body)
        return True

    def _finish(self, head: bytes, body: bytes) -> None:
        """Write a response, and do what uvicorn does after its last byte."""
        self.transport.writelines((head, body))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _prepare_head(self, message: Any) -> bool:  # noqa: ANN401 -- an ASGI event
        """Keep the head of a response with a Content-Length on a connection that stays open; False for any other."""
        if message["type"] != "http.response.start" or not self.keep_alive or self.access_log:
            return False
        lines = HEADER_LINES
        parts = [STATUS_LINE[message["status"]], lines.defaults(self.default_headers)]
        length = None
        for header in message.get("headers", ()):
            line = lines.known.get(header)
            if line is None:
                name, value = header
                if name == CONTENT_LENGTH and length is None:
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
