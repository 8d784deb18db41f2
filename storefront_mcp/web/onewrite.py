"""uvicorn's HTTP protocol, with a whole answer sent in one write and its header lines made once, and an end to heads.

An answer whose length is said goes out together with its head: one system call instead of two. Everything else, streams
above all, leaves the way uvicorn writes it.
"""

from collections.abc import Sequence
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

LINES: Final = 512
"""Header lines remembered: those that every answer has, and room for some that few have."""
LENGTH: Final = b"content-length"
FRAMING: Final = frozenset({LENGTH, b"connection", b"transfer-encoding"})
"""Headers that say how an answer ends."""

WHOLE: Final = "http.response.whole"
"""An ASGI extension of this server: a whole answer in one event, with `status`, `headers` that are the same tuple each
time and say nothing of the answer's length or end, and `body`."""
EXTENSIONS: Final[dict[str, dict[object, object]]] = {WHOLE: {}}

LONGEST_HEAD: Final = 1 << 16
"""Bytes of a request line with its headers that are waited for; proxies take less."""
LONGEST: Final = 1 << 24
"""Bytes of a whole request, however its body is cut up: bodies that anybody reads have a sixteenth of it."""
TOO_LONG: Final = b"The request's headers are too long."

Header = tuple[bytes, bytes]


class Lines:
    """Header lines as they are sent, each checked and put together once."""

    def __init__(self) -> None:
        self.known: dict[Header, bytes] = {}
        """Never those that say how an answer ends: they are each answer's own."""
        self._defaults: list[Header] = []
        self._default_lines = b""
        self._groups: dict[int, tuple[Sequence[Header], bytes]] = {}

    def line(self, header: Header) -> bytes:
        """One header. Raises RuntimeError for one that would break out of its line."""
        line = self.known.get(header)
        if line is None:
            name, value = header
            if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
                message = "Invalid HTTP header."
                raise RuntimeError(message)
            if len(self.known) >= LINES:
                self.known.clear()
            line = self.known[header] = name.lower() + b": " + value + b"\r\n"
        return line

    def defaults(self, headers: list[Header]) -> bytes:
        """The server's own headers; uvicorn makes them anew every second, for the date."""
        if headers is not self._defaults:
            self._defaults, self._default_lines = headers, b"".join(map(self.line, headers))
        return self._default_lines

    def group(self, headers: Sequence[Header]) -> bytes:
        """Several that stay the same. Raises RuntimeError as `line` does."""
        known = self._groups.get(id(headers))
        if known is None or known[0] is not headers:
            if len(self._groups) >= LINES:
                self._groups.clear()
            known = self._groups[id(headers)] = (headers, b"".join(map(self.line, headers)))
        return known[1]


LINES_OF_THIS_PROCESS: Final = Lines()


class OneWriteProtocol(HttpToolsProtocol):
    """To be given to uvicorn as `http`."""

    _counted: Any = None
    """Whose bytes are counted."""
    _bytes: int = 0

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, which would take headers and trailers without end into its memory."""
        super().data_received(data)
        if self._counted is not self.scope:
            self._counted, self._bytes = self.scope, 0
        self._bytes += len(data)
        if self._bytes > LONGEST_HEAD:
            self._hang_up()

    def _hang_up(self) -> None:
        """End the connection of a request that is too long, with a word where nothing has been said yet."""
        before: Any = self.cycle
        heading = before is None or before.scope is not self.scope
        if self.transport.is_closing() or not (heading or self._bytes > LONGEST):
            return
        if heading and (before is None or before.response_complete):
            lines = [STATUS_LINE[431], *(b"%b: %b\r\n" % field for field in self.server_state.default_headers)]
            lines.append(b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n")
            self.transport.writelines((*lines, b"content-length: %d\r\n\r\n" % len(TOO_LONG), TOO_LONG))
        self.transport.close()

    def on_headers_complete(self) -> None:
        """As uvicorn's; the answer, which cannot have begun yet, is then written our way."""
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            # uvicorn names the class of its cycles nowhere that a subclass could reach.
            self.cycle.__class__ = OneWriteCycle
            self.scope["extensions"] = EXTENSIONS


class OneWriteCycle(RequestResponseCycle):
    """One request and its answer."""

    _head: bytes | None = None
    """Of an answer whose body has not come yet."""

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
        lines = LINES_OF_THIS_PROCESS
        said = lines.defaults(self.default_headers) + lines.group(headers)
        self.response_started = True
        self.waiting_for_100_continue = False
        self._finish(b"%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[status], said, len(body)), body)
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
        lines = LINES_OF_THIS_PROCESS
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
