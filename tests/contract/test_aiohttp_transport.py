"""The transport under the seam, against servers that behave and servers that do not."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from storefront_mcp.backends.aiohttp_transport import AiohttpTransport

Speaking = Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], Awaitable[None]]
QUICK = {"timeout": {"connect": 5.0, "pool": 5.0, "read": 5.0}}


class Shop:
    """A server of bytes: hands each request it reads to `speak`, and keeps them."""

    def __init__(self, speak: Speaking) -> None:
        self.speak = speak
        self.asked: list[bytes] = []
        self.connections = 0
        self.origin = ""

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (line for line in head.lower().splitlines() if line.startswith(b"content-length:")), b":0"
                )
                body = await reader.readexactly(int(length.partition(b":")[2]))
                self.asked.append(head + body)
                await self.speak(reader, writer, head + body)
                await writer.drain()


@contextlib.asynccontextmanager
async def talking(speak: Speaking) -> AsyncIterator[tuple[AiohttpTransport, Shop]]:
    shop = Shop(speak)
    server = await asyncio.start_server(shop.meet, "127.0.0.1", 0)
    shop.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    wire = AiohttpTransport(shop.origin)
    try:
        yield wire, shop
    finally:
        await wire.aclose()
        server.close()
        await server.wait_closed()


def says(body: bytes, *headers: str, status: str = "200 OK") -> Speaking:
    async def speak(_reader: object, writer: asyncio.StreamWriter, _request: bytes) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return speak


async def ask(
    wire: AiohttpTransport, shop: Shop, method: str = "GET", content: bytes | None = None, **timeouts: float
) -> bytes:
    extensions = {"timeout": {**QUICK["timeout"], **timeouts}}
    request = httpx.Request(method, f"{shop.origin}/x?q=a%20b", content=content, extensions=extensions)
    response = await wire.handle_async_request(request)
    try:
        return await response.aread()
    finally:
        await response.aclose()


async def test_status_headers_and_body_come_through() -> None:
    async with talking(says(b'{"a":1}', "content-type: application/json", status="404 Not Found")) as (wire, shop):
        request = httpx.Request("GET", f"{shop.origin}/x", extensions=QUICK)
        response = await wire.handle_async_request(request)

        assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
        assert await response.aread() == b'{"a":1}'
        await response.aclose()


async def test_path_headers_and_content_arrive_as_they_were_written() -> None:
    async with talking(says(b"")) as (wire, shop):
        await ask(wire, shop, "POST", b'{"a":1}')

        assert shop.asked[0].startswith(b"POST /x?q=a%20b HTTP/1.1\r\n")
        assert shop.asked[0].endswith(b'\r\n\r\n{"a":1}')
        assert shop.asked[0].lower().count(b"content-length: 7\r\n") == 1


async def test_a_packed_answer_is_unpacked() -> None:
    async with talking(says(gzip.compress(b"pickles" * 100), "content-encoding: gzip")) as (wire, shop):
        assert await ask(wire, shop) == b"pickles" * 100


async def test_an_answer_in_pieces_is_put_together() -> None:
    async def speak(_reader: object, writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async with talking(speak) as (wire, shop):
        assert await ask(wire, shop) == b"abcde"


async def test_a_connection_serves_one_call_after_another() -> None:
    async with talking(says(b"{}")) as (wire, shop):
        for _ in range(3):
            await ask(wire, shop)

        assert (len(shop.asked), shop.connections) == (3, 1)


async def test_a_body_left_unread_does_not_reach_the_next_call() -> None:
    async with talking(says(b"x" * 500_000)) as (wire, shop):
        first = await wire.handle_async_request(httpx.Request("GET", f"{shop.origin}/x", extensions=QUICK))
        await first.aclose()
        shop.speak = says(b"second")

        assert await ask(wire, shop) == b"second"


async def test_one_shoppers_cookie_is_not_sent_for_the_next() -> None:
    async with talking(says(b"{}", "set-cookie: session=secret; Path=/")) as (wire, shop):
        await ask(wire, shop)
        await ask(wire, shop)

        assert b"secret" not in shop.asked[1]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_on_a_connection_that_dies_is_sent_once_and_counts_as_sent(method: str) -> None:
    async with talking(says(b"{}")) as (wire, shop):
        await ask(wire, shop)

        async def hang_up(_reader: object, writer: asyncio.StreamWriter, _request: bytes) -> None:
            writer.close()

        shop.speak = hang_up
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await ask(wire, shop, method, None if method == "DELETE" else b"{}")

        assert len(shop.asked) == 2


async def test_nobody_listening_is_no_connection() -> None:
    async with talking(says(b"")) as (_, shop):
        pass
    wire = AiohttpTransport(shop.origin)

    with pytest.raises(httpx.ConnectError):
        await ask(wire, shop)
    await wire.aclose()


async def test_silence_is_a_timeout_of_reading() -> None:
    async def wait(reader: asyncio.StreamReader, _writer: object, _request: bytes) -> None:
        await reader.read(1)

    async with talking(wait) as (wire, shop):
        with pytest.raises(httpx.ReadTimeout):
            await ask(wire, shop, read=0.05)


async def test_a_body_that_breaks_off_is_a_broken_read() -> None:
    async def half(_reader: object, writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with talking(half) as (wire, shop):
        with pytest.raises(httpx.ReadError):
            await ask(wire, shop)


async def test_what_is_no_http_is_said_to_be_none() -> None:
    async def shout(_reader: object, writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    async with talking(shout) as (wire, shop):
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(wire, shop)


async def test_the_environments_proxy_is_asked_unless_the_shop_is_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with talking(says(b"by proxy")) as (_, proxy):
        monkeypatch.setenv("http_proxy", proxy.origin)
        monkeypatch.setenv("no_proxy", "near.example")
        wire = AiohttpTransport("http://far.example")
        request = httpx.Request("GET", "http://far.example/x", extensions=QUICK)
        response = await wire.handle_async_request(request)

        assert await response.aread() == b"by proxy"
        assert proxy.asked[0].startswith(b"GET http://far.example/x HTTP/1.1\r\n")
        assert AiohttpTransport("http://near.example")._proxy is None
        await wire.aclose()
