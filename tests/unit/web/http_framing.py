"""Requests whose end is said in every way that HTTP/1.1 has, in one to three segments, and what has to come back."""

import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

INNER: Final = b"GET /smuggled HTTP/1.1\r\nhost: inner\r\n\r\n"
"""A body that looks like a request of its own."""
OPENINGS: Final[Mapping[str, Sequence[bytes]]] = {
    "plain": (),
    "upgrade": (b"connection: Upgrade", b"upgrade: anything"),
    "h2c": (b"connection: Upgrade, HTTP2-Settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__"),
    "websocket": (b"connection: keep-alive, upgrade", b"upgrade: websocket", b"sec-websocket-version: 13"),
    "expect": (b"expect: 100-continue",),
    "expect and upgrade": (b"expect: 100-continue", b"connection: upgrade", b"upgrade: h2c"),
}
"""Header lines that must not change where a request ends."""
FRAMINGS: Final = ("no body", "length", "chunked")
METHODS: Final = (b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS")


class FramedRequest(Struct, frozen=True, kw_only=True):
    """One request of the table."""

    opening: str
    method: bytes
    framing: str
    segments: int
    version: bytes = b"1.1"
    target: bytes = b"/first"

    def name(self) -> str:
        """What a failed test is called."""
        return f"{self.opening}, {self.method.decode()} {self.version.decode()}, {self.framing}, {self.segments}"

    def body(self) -> bytes:
        """What the application has to be given."""
        return b"" if self.framing == "no body" else INNER

    def pieces(self, host: bytes) -> list[bytes]:
        """The request cut into its segments; the first ends with the head where there are two."""
        lines = [self.method + b" " + self.target + b" HTTP/" + self.version, b"host: " + host, *OPENINGS[self.opening]]
        body = self.body()
        if self.framing == "length":
            lines.append(b"content-length: %d" % len(body))
        elif self.framing == "chunked":
            lines.append(b"transfer-encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        whole = head + body
        cuts = {1: [], 2: [len(head)], 3: [len(head) - 1, len(head) + len(body) // 2]}[self.segments]
        return [whole[start:end] for start, end in itertools.pairwise([0, *cuts, len(whole)]) if start < end]


def framed_requests(*, methods: Sequence[bytes] = METHODS) -> list[FramedRequest]:
    """The whole table."""
    return [
        FramedRequest(opening=opening, method=method, framing=framing, segments=segments)
        for opening, method, framing, segments in itertools.product(OPENINGS, methods, FRAMINGS, (1, 2, 3))
    ]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the method, path, body, header names and host it was given, as JSON."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": (await receive())["type"] + ".complete"})
        return
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    names = [name.decode() for name, _ in scope["headers"]]
    host = dict(scope["headers"]).get(b"host", b"").decode()
    said = json.dumps([scope["method"], scope["raw_path"].decode(), body.decode(), names, host]).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said, "more_body": False})


class FinalAnswer(Struct, frozen=True):
    """An answer that is not a 1xx."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def told(self) -> list[Any]:
        """What `echo` was given."""
        found: list[Any] = json.loads(self.body)
        return found


class AnswerReader:
    """Reader of one answer after the other from a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""

    def answer(self, *, head: bool = False) -> FinalAnswer | None:
        """The next answer that is not a 1xx; None at the end of the connection."""
        while True:
            if not self._until(lambda: b"\r\n\r\n" in self._read):
                return None
            lines, _, self._read = self._read.partition(b"\r\n\r\n")
            first, *fields = lines.decode("latin-1").split("\r\n")
            status = int(first.split(" ")[1])
            if status >= 200:
                break
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        return FinalAnswer(status, headers, b"" if head or status in {204, 304} else self._body(headers))

    def rest(self) -> bytes:
        """Everything until the connection ends."""
        self._until(lambda: False)
        return self._read

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            self._until(lambda: self._read.endswith(b"0\r\n\r\n"))
            chunks, self._read = self._read, b""
            return b"".join(re.findall(rb"[0-9a-f]+\r\n(.+?)\r\n", chunks, re.DOTALL))
        length = int(headers["content-length"])
        self._until(lambda: len(self._read) >= length)
        body, self._read = self._read[:length], self._read[length:]
        return body

    def _until(self, enough: Callable[[], bool]) -> bool:
        while not enough():
            try:
                piece = self._connection.recv(65_536)
            except ConnectionError:
                return False
            if not piece:
                return False
            self._read += piece
        return True


def ask_in_segments(origin: str, pieces: Sequence[bytes], *, between: Callable[[], None]) -> Iterator[AnswerReader]:
    """Send pieces as segments of their own, `between` being called after each; yields the connection's reader."""
    host, port = origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            between()
        yield AnswerReader(connection)
