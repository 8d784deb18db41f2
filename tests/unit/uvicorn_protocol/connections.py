"""Clients without a network: of a stream, who reads when it likes, and of our protocol class, read by read."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from tests.unit.web.serving import raw


class Line(asyncio.Transport):
    """A connection that is told what is read, read by read, and remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.written += b"(closed)"

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Wire:
    """One GET or POST whose answer is a stream."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.over = False
        """Whether the server ended the answer itself."""
        self.reads = asyncio.Event()
        """Whether this client takes what is sent."""
        self.reads.set()
        self._gone = asyncio.Event()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._body = b""
        self._asked = False

    async def receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            return
        await self.reads.wait()
        if message.get("body"):
            self._frames.put_nowait(message["body"])
        self.over = not message.get("more_body", False)

    def hang_up(self) -> None:
        self._gone.set()

    async def frame(self) -> bytes:
        """The next piece of the stream."""
        async with asyncio.timeout(60):
            return await self._frames.get()

    async def event(self) -> tuple[str, str]:
        """The next event that is no comment: its kind and what it holds."""
        while (frame := await self.frame()).startswith(b":"):
            continue
        kind, body = frame.decode().removesuffix("\n\n").split("\n")
        assert kind.startswith("event: ")
        assert body.startswith("data: ")
        return kind.removeprefix("event: "), body.removeprefix("data: ")

    async def message(self) -> Any:
        """The next JSON-RPC message."""
        kind, body = await self.event()
        assert kind == "message"
        return json.loads(body)

    @contextlib.asynccontextmanager
    async def open(
        self,
        app: Any,
        method: str = "GET",
        path: str = "/mcp/sse",
        headers: Any = (),
        body: bytes = b"",
        *,
        client: str = "127.0.0.1",
    ) -> AsyncIterator[asyncio.Task[None]]:
        """Ask, and hang up at the end if the server has not."""
        self._body = body
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"pickle.example"), *headers],
            "client": (client, 1),
        }
        asking: asyncio.Task[None] = asyncio.create_task(app(scope, self.receive, self.send))
        try:
            yield asking
        finally:
            self.hang_up()
            self.reads.set()
            async with asyncio.timeout(60):
                await asking


async def posted(app: Any, target: str, body: bytes, headers: Any = ()) -> tuple[int, dict[str, str], bytes]:
    """POST a whole body to a target with a query."""

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    path, _, query = target.partition("?")

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "query_string": query.encode()}, receive, send)

    sent = [(b"host", b"pickle.example"), (b"content-type", b"application/json"), *headers]
    return await raw(asked, "POST", path, sent, receive)
