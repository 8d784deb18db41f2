"""A client that sends any bytes over kept-open connections and reads whatever comes back."""

import asyncio
import contextlib
import itertools
from typing import Self

from msgspec import Struct

PATIENCE = 120.0


class Shot(Struct, frozen=True, kw_only=True):
    """One HTTP request, byte by byte."""

    verb: bytes = b"POST"
    target: bytes = b"/mcp"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    lies: str = ""
    """How its Content-Length lies: "short" of the body, or "long" after its end."""
    chunked: bool = False
    cuts: tuple[float, ...] = ()
    """Where its bytes are cut, to be sent one piece after the other; 0.5 is in the middle."""
    mutations: tuple[str, ...] = ()
    """What was done to it, for whoever reads a failure."""

    def wire(self) -> bytes:
        """The request as it is sent."""
        lines = [self.verb + b" " + self.target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers]
        body = self.body
        if self.chunked:
            lines.append(b"Transfer-Encoding: chunked")
            middle = len(body) // 2
            parts = [part for part in (body[:middle], body[middle:]) if part]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif self.verb not in {b"GET", b"HEAD"} or body:
            length = len(body) + {"short": -(len(body) // 2 or 1), "long": 50}.get(self.lies, 0)
            lines.append(b"Content-Length: %d" % max(length, 0))
        return b"\r\n".join(lines) + b"\r\n\r\n" + body

    def pieces(self) -> list[bytes]:
        """The request as it is sent, write by write."""
        whole = self.wire()
        marks = [0, *(int(cut * len(whole)) for cut in self.cuts), len(whole)]
        return [whole[one:other] for one, other in itertools.pairwise(marks) if one < other]

    def header(self, name: bytes) -> list[str]:
        """Every value of a header, trimmed."""
        return [value.decode("latin-1").strip() for key, value in self.headers if key.lower() == name]


class Reply(Struct, frozen=True):
    """What came back; of a stream, the events up to the first that is not a comment. Status 0 is silence."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def streams(self) -> bool:
        return self.headers.get("content-type", "") == "text/event-stream"


class Wire:
    """One connection, opened anew when the server or we have closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.opened = asyncio.Event()
        """Whether there is a line to read from."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def ask(self, shot: Shot) -> Reply:
        """Send a request and read its answer; a connection that cannot be trusted afterwards is closed."""
        async with asyncio.timeout(PATIENCE):
            await self.send(shot)
            reply = await self.reply(shot.verb)
            if self._over(shot, reply):
                await self.close()
            return reply

    async def ask_at_once(self, first: Shot, second: Shot) -> tuple[Reply, Reply | None]:
        """Send two requests in one write; there is no second answer where nothing is read after the first."""
        async with asyncio.timeout(PATIENCE):
            await self.write(first.wire() + second.wire())
            reply, other = await self.reply(first.verb), None
            if not self._over(first, reply):
                other = await self.reply(second.verb)
            await self.close()
            return reply, other

    async def send(self, shot: Shot) -> None:
        """Put a request on the line."""
        await self.write(*shot.pieces())
        if shot.lies == "long" and self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.write_eof()

    async def write(self, *pieces: bytes) -> None:
        """Put bytes on the line, piece by piece."""
        if self._writer is None or self._reader is None or self._reader.at_eof():
            await self.close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
        self.opened.set()
        # A server that refuses early may close before it has read all of it.
        with contextlib.suppress(OSError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                # The server's turn.
                await asyncio.sleep(0)

    @staticmethod
    def _over(shot: Shot, reply: Reply) -> bool:
        """Whether nothing more is to be heard on this connection."""
        closes = reply.headers.get("connection", "").lower() == "close"
        return bool(reply.streams or shot.lies or closes or not reply.status)

    async def reply(self, verb: bytes = b"POST") -> Reply:
        """The next answer on the line."""
        assert self._reader is not None
        try:
            head = b"HTTP/1.1 100"
            while head.startswith(b"HTTP/1.1 1"):
                head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return Reply(0, {}, b"")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        status = int(first.split(" ", 2)[1])
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Reply(status, headers, await self._body(verb, status, headers))

    async def event(self) -> bytes:
        """The data of the next event of an open stream; b"" at its end."""
        return (await self._event()).partition(b"data: ")[2].strip()

    async def _event(self) -> bytes:
        assert self._reader is not None
        told = b""
        while not (told.startswith(b"event: ") and told.endswith(b"\n\n")):
            size = int((await self._reader.readuntil(b"\r\n"))[:-2], 16)
            chunk = await self._reader.readexactly(size + 2)
            if not size:
                return b""
            told += b"" if chunk.startswith(b":") else chunk[:-2]
        return told

    async def _body(self, verb: bytes, status: int, headers: dict[str, str]) -> bytes:
        assert self._reader is not None
        if verb == b"HEAD" or status in {204, 304}:
            return b""
        if headers.get("content-type") == "text/event-stream":
            return await self._event()
        if "content-length" in headers:
            return await self._reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.read()
        body = b""
        while size := int((await self._reader.readuntil(b"\r\n"))[:-2], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)
        return body

    async def close(self) -> None:
        """Hang up."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
