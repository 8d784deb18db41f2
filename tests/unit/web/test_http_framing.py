"""Where a request ends: its body is never the next request, whatever its headers say (RFC 9110 §7.8, RFC 9112 §6)."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from storefront_mcp.uvicorn_protocol.protocol import (
    MAX_HEAD_BYTES,
    MAX_REQUEST_BYTES,
    MAX_UNREAD_BYTES,
    BoundedHttpToolsProtocol,
)
from tests.often import often_enough
from tests.serving import served, until
from tests.unit.web.http_framing import (
    FRAMINGS,
    OPENINGS,
    AnswerReader,
    FramedRequest,
    ask_in_segments,
    echo,
    framed_requests,
)

SECOND = b"GET /second HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(echo, http=BoundedHttpToolsProtocol, access_log=False, timeout_keep_alive=5) as origin:
        yield origin


@pytest.fixture(scope="module")
def turn(origin: str) -> Iterator[Any]:
    """Waits until the server has read what was sent before."""
    with httpx.Client(base_url=origin) as client:
        yield lambda: client.get("/turn")


@pytest.mark.parametrize("opening", OPENINGS)
def test_a_body_belongs_to_its_request(opening: str, origin: str, turn: Any) -> None:
    for request in framed_requests():
        if request.opening != opening:
            continue
        for reader in ask_in_segments(origin, [*request.pieces(b"a"), SECOND], between=turn):
            head = request.method == b"HEAD"
            first, second = reader.answer(head=head), reader.answer()
            assert first is not None, request.name()
            assert first.status == 200, request.name()
            if not head:
                said = [request.method.decode(), "/first", request.body().decode()]
                assert first.told()[:3] == said, request.name()
            assert second is not None, request.name()
            assert second.told()[:3] == ["GET", "/second", ""], request.name()
            assert reader.rest() == b"", request.name()


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_request_of_http_1_0_is_the_last_of_its_connection(
    opening: str, framing: str, origin: str, turn: Any
) -> None:
    for segments in (1, 2, 3):
        request = FramedRequest(opening=opening, method=b"POST", framing=framing, segments=segments, version=b"1.0")
        for reader in ask_in_segments(origin, request.pieces(b"a"), between=turn):
            answer = reader.answer()
            assert answer is not None
            assert answer.told()[:3] == ["POST", "/first", request.body().decode()], request.name()
            assert answer.headers["connection"] == "close"
            assert reader.rest() == b""


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("target", [b"a:80", b"/first"])
def test_no_tunnel_is_made_and_nothing_is_read_behind_the_wish_for_one(
    opening: str, framing: str, target: bytes, origin: str, turn: Any
) -> None:
    for segments in (1, 2, 3):
        request = FramedRequest(opening=opening, method=b"CONNECT", framing=framing, segments=segments, target=target)
        pieces = request.pieces(b"a")
        with socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])), timeout=120) as connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except ConnectionError:
                    break
                turn()
            reader = AnswerReader(connection)
            answer = reader.answer()
            # A client that was still sending may lose the answer, as the connection is closed at once.
            assert answer is None or (answer.status, answer.headers["connection"]) == (501, "close"), request.name()
            assert reader.rest() == b""


def test_a_wish_for_a_tunnel_is_told_that_there_is_none(origin: str, turn: Any) -> None:
    for reader in ask_in_segments(origin, [b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n"], between=turn):
        answer = reader.answer()
        assert answer is not None
        assert answer.status == 501


TARGETS = [
    (b"http://a/first", b"a", 200),
    (b"http://A/first", b"a", 200),
    (b"http://a:80/first", b"a", 200),
    (b"http://a/first", b"a:80", 200),
    (b"https://a:443/first", b"a", 200),
    (b"http://[::1]:8000/first", b"[::1]:8000", 200),
    (b"http://a:8000/first", b"a:8000", 200),
    (b"http://a", b"a", 200),
    (b"http://a?x=1", b"a", 200),
    (b"http://b/first", b"a", 400),
    (b"http://a:81/first", b"a", 400),
    (b"http://a:443/first", b"a", 400),
    (b"http://u:p@a/first", b"a", 400),
    (b"ftp://a/first", b"a", 400),
    (b"http://a/first", b"a\r\nhost: b", 400),
    (b"http://a/first", b"a\r\nhost: a", 400),
    (b"http:///first", b"a", 400),
    (b"//b/first", b"a", 200),
]


@pytest.mark.parametrize(("target", "host", "status"), TARGETS)
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_a_target_with_a_host_has_to_agree_with_host(
    target: bytes, host: bytes, status: int, segments: int, origin: str, turn: Any
) -> None:
    request = FramedRequest(opening="plain", method=b"POST", framing="length", segments=segments, target=target)
    sent = request.pieces(host)
    if status == 400:
        # What follows a refused head is not read.
        sent = [b"".join(sent).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"]
    for reader in ask_in_segments(origin, sent, between=turn):
        answer = reader.answer()
        assert answer is not None
        assert answer.status == status
        if status == 200 and target.endswith(b"first"):
            assert answer.told()[1:3] == ["//b/first" if target[:1] == b"/" else "/first", request.body().decode()]
        if status == 400:
            assert answer.headers["connection"] == "close"
            assert reader.rest() == b""


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
def test_only_http_1_is_spoken(version: bytes, origin: str, turn: Any) -> None:
    for reader in ask_in_segments(origin, [b"GET / HTTP/%b\r\nhost: a\r\n\r\n" % version], between=turn):
        answer = reader.answer()
        assert answer is not None
        assert answer.status == 505


def test_trailers_are_no_headers(origin: str, turn: Any) -> None:
    head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    trailed = head + b"1\r\nx\r\n0\r\nx-forwarded-for: 192.0.2.1\r\n\r\n"
    for reader in ask_in_segments(origin, [trailed], between=turn):
        answer = reader.answer()
        assert answer is not None
        assert answer.told()[2:4] == ["x", ["host", "transfer-encoding"]]


async def unread(scope: Any, receive: Any, send: Any) -> None:
    """An application that refuses before it reads."""
    if scope["type"] == "lifespan":
        await echo(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def test_whoever_waits_to_be_told_to_go_on_and_is_refused_gets_no_second_chance_on_the_connection() -> None:
    """Nobody knows whether the body comes now: it must not be read for a request, nor a request for the body."""
    with served(unread, http=BoundedHttpToolsProtocol, access_log=False) as origin:
        head = b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 20\r\n\r\n"
        for reader in ask_in_segments(origin, [head], between=lambda: None):
            answer = reader.answer()
            assert answer is not None
            assert (answer.status, answer.headers["connection"]) == (401, "close")
            assert reader.rest() == b""


class RecordingTransport(asyncio.Transport):
    """A connection without a network: what was written, whether it is closed, whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def connected(app: Any) -> tuple[BoundedHttpToolsProtocol, RecordingTransport]:
    protocol, transport = (
        BoundedHttpToolsProtocol(uvicorn.Config(app), uvicorn.server.ServerState(), {}),
        RecordingTransport(),
    )
    protocol.connection_made(transport)
    return protocol, transport


async def settled(protocol: BoundedHttpToolsProtocol) -> None:
    """Until every request that was begun has been answered."""
    while protocol.tasks:
        await asyncio.wait_for(asyncio.gather(*protocol.tasks), 60)
        # Tasks that are done already are gathered at once; what takes them off the list needs a turn of the loop.
        await asyncio.sleep(0)


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_pipelined_requests_are_told_apart_wherever_a_read_ends(opening: str, framing: str) -> None:
    request = FramedRequest(opening=opening, method=b"POST", framing=framing, segments=1)
    whole = b"".join(request.pieces(b"a")) * 2 + SECOND
    for cut in often_enough(range(1, len(whole))):
        protocol, transport = connected(echo)
        protocol.data_received(whole[:cut])
        await asyncio.sleep(0)
        protocol.data_received(whole[cut:])
        await settled(protocol)
        said = transport.written
        assert said.count(b'"/first"') == 2, cut
        assert said.count(b'"/second"') == 1, cut
        assert b'"/smuggled"' not in said, cut
        assert transport.closed
        protocol.connection_lost(None)


@pytest.mark.parametrize("opening", ["plain", "upgrade"])
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_requests_that_come_byte_by_byte_are_told_apart(opening: str, framing: str) -> None:
    request = FramedRequest(opening=opening, method=b"POST", framing=framing, segments=1)
    protocol, transport = connected(echo)
    for byte in b"".join(request.pieces(b"a")) * 2 + SECOND:
        protocol.data_received(bytes([byte]))
        await asyncio.sleep(0)
    await settled(protocol)
    assert transport.written.count(b"HTTP/1.1 200 ") == 3
    assert b'"/smuggled"' not in transport.written
    protocol.connection_lost(None)


async def test_of_pipelined_requests_one_is_read_and_the_rest_stay_a_bounded_heap_of_bytes() -> None:
    turn = asyncio.Event()
    begun: list[str] = []

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["path"])
        await receive()
        # As a stream does, which waits to hear whether its reader has gone.
        listening = asyncio.ensure_future(receive())
        await turn.wait()
        listening.cancel()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    protocol, transport = connected(waiting)
    one = b"GET /first HTTP/1.1\r\nhost: a\r\n\r\n"
    flood, fed = one * 1_000, 0
    while transport.reading and fed < 24_000_000:
        protocol.data_received(flood)
        fed += len(flood)
        await asyncio.sleep(0)
    assert begun == ["/first"]
    assert fed <= MAX_UNREAD_BYTES + 2 * len(flood)
    assert len(protocol._unread) <= fed
    turn.set()
    await settled(protocol)
    assert len(begun) == fed // len(one)
    assert transport.written.count(b"HTTP/1.1 200 ") == fed // len(one)
    assert transport.reading
    assert protocol._unread == b""
    protocol.connection_lost(None)


async def test_what_is_no_request_is_refused_after_the_answers_before_it() -> None:
    protocol, transport = connected(echo)
    protocol.data_received(b"GET /first HTTP/1.1\r\nhost: a\r\n\r\n\x16\x03\x01")
    await settled(protocol)
    first, _, rest = transport.written.partition(b"HTTP/1.1 400 ")
    assert b'"/first"' in first
    assert b"This is no HTTP request." in rest
    assert transport.closed
    protocol.connection_lost(None)


async def test_a_broken_body_ends_its_own_request_with_one_answer() -> None:
    protocol, transport = connected(echo)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
    await asyncio.sleep(0)
    protocol.data_received(b"no size\r\n\r\n")
    await settled(protocol)
    assert transport.written.count(b"HTTP/1.1 ") == 1
    assert transport.written.startswith(b"HTTP/1.1 400 ")
    assert transport.closed
    protocol.connection_lost(None)


async def test_a_body_that_breaks_after_its_answer_gets_no_second_one() -> None:
    protocol, transport = connected(unread)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
    await settled(protocol)
    protocol.data_received(b"no size\r\n\r\n")
    assert transport.written.count(b"HTTP/1.1 ") == 1
    assert transport.closed
    protocol.connection_lost(None)


@pytest.mark.parametrize(
    ("length", "status"), [(MAX_REQUEST_BYTES + 1, b"413"), (MAX_HEAD_BYTES, b"200")], ids=["too long", "long"]
)
async def test_bytes_of_a_body_are_bounded(length: int, status: bytes) -> None:
    protocol, transport = connected(echo)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % length)
    while length > 0 and not transport.closed:
        protocol.data_received(b"a" * min(length, 1 << 18))
        length -= 1 << 18
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await settled(protocol)
    assert transport.written.partition(b"HTTP/1.1 ")[2][:3] == status
    protocol.connection_lost(None)


async def test_a_head_that_comes_in_one_read_is_bounded_too() -> None:
    protocol, transport = connected(echo)
    protocol.data_received(b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n")
    assert transport.written.startswith(b"HTTP/1.1 431 ")
    assert transport.closed
    protocol.connection_lost(None)


async def test_a_server_that_ends_answers_what_has_arrived_and_says_that_it_closes() -> None:
    protocol, transport = connected(echo)
    protocol.shutdown()
    protocol.data_received(b"GET /first HTTP/1.1\r\nhost: a\r\n\r\n" * 3)
    await settled(protocol)
    assert transport.written.count(b"HTTP/1.1 200 ") == 3
    assert transport.written.count(b"connection: close") == 1
    assert transport.closed
    protocol.connection_lost(None)


async def test_a_server_that_ends_answers_what_it_has_begun_to_read() -> None:
    protocol, transport = connected(echo)
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\na")
    await asyncio.sleep(0)
    protocol.shutdown()
    assert not transport.closed
    protocol.data_received(b"b")
    await settled(protocol)
    assert b'"ab"' in transport.written
    assert b"connection: close" in transport.written
    assert transport.closed
    protocol.connection_lost(None)


def test_whoever_reads_nothing_is_disconnected() -> None:
    async def long(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await echo(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"24000000")]})
        await send({"type": "http.response.body", "body": b"a" * 24_000_000, "more_body": False})

    connections: list[socket.socket] = []
    lost: list[BoundedHttpToolsProtocol] = []

    class WatchedProtocol(BoundedHttpToolsProtocol):
        def connection_lost(self, exc: Exception | None) -> None:
            lost.append(self)
            super().connection_lost(exc)

    protocol = functools.partial(WatchedProtocol, write_seconds=0.2)
    with served(long, http=protocol, access_log=False) as origin, contextlib.ExitStack() as stack:
        for _ in range(5):
            connection = socket.create_connection(("127.0.0.1", int(origin.rpartition(":")[2])), timeout=20)
            connections.append(stack.enter_context(connection))
            connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        until(lambda: len(lost) == len(connections), "the server to end their connections")
