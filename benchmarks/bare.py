"""The limit: functions that do nothing but answer. `python -m benchmarks.bare pre|enc|litestar HTTP PORT`.

`pre` splices the id into bytes made beforehand; `enc` encodes the same answer from Structs on each call; `litestar`
is `pre` behind a route of an otherwise empty Litestar. HTTP is uvicorn's own `httptools`, or a protocol class as
`package.module:Class`.
"""

import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn

from benchmarks.answer import ANSWER, RESULT

TOOLS: Final = Path(os.environ["BENCH_TOOLS"])
"""Our own answer to tools/list, taken before: the limit sends the same bytes."""
JSON: Final = (b"content-type", b"application/json")


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Message(msgspec.Struct):
    """As much of a request as must be read to answer it."""

    id: int
    method: str


_read: Final = msgspec.json.Decoder(Message).decode
_encode: Final = msgspec.json.Encoder().encode


def _result(value: object) -> bytes:
    body = _encode(value)
    text = _encode(body.decode())
    return b'{"content":[{"type":"text","text":' + text + b'}],"structuredContent":' + body + b',"isError":false}'


class Bare:
    """One ASGI function."""

    def __init__(self, *, encodes: bool) -> None:
        self._encodes = encodes
        self._called = _result(RESULT)
        self._tools = TOOLS.read_bytes() if TOOLS.exists() else b"{}"
        if ANSWER not in self._called:
            raise AssertionError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        event = await receive()
        body = event["body"]
        while event["more_body"]:
            event = await receive()
            body += event["body"]
        answer = self.answer(body)
        length = (b"content-length", str(len(answer)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [JSON, length]})
        await send({"type": "http.response.body", "body": answer})

    def answer(self, body: bytes) -> bytes:
        """The whole of what there is to do."""
        message = _read(body)
        result = self._tools if message.method == "tools/list" else self._call()
        return b'{"jsonrpc":"2.0","id":' + _encode(message.id) + b',"result":' + result + b"}"

    def _call(self) -> bytes:
        return _result(RESULT) if self._encodes else self._called


async def _live(receive: Receive, send: Send) -> None:
    while True:
        event = await receive()
        await send({"type": event["type"] + ".complete"})
        if event["type"] == "lifespan.shutdown":
            return


def litestar() -> object:
    from litestar import Litestar, Request, Response, post  # noqa: PLC0415 -- its import is what this one measures

    bare = Bare(encodes=False)

    @post("/mcp", status_code=200)
    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(bare.answer(await request.body()), media_type="application/json")

    return Litestar([answer], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    mode, http, port = sys.argv[1:]
    uvicorn.run(
        litestar() if mode == "litestar" else Bare(encodes=mode == "enc"),
        port=int(port),
        loop="uvloop",
        http=http,
        access_log=False,
        log_level="warning",
        server_header=False,
    )
