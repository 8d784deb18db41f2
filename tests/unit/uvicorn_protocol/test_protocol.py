"""Requests are read as uvicorn reads them, and answers are, byte for byte, the ones that uvicorn writes."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest
import uvicorn

from storefront_mcp.cli.serve import UVICORN_OPTIONS
from storefront_mcp.uvicorn_protocol.asgi_extension import WHOLE_RESPONSE, BufferedBody
from storefront_mcp.uvicorn_protocol.cycle import MAX_SINGLE_WRITE_BYTES, SingleWriteCycle
from storefront_mcp.uvicorn_protocol.header_lines import MAX_CACHED_LINES, HeaderLineCache
from storefront_mcp.uvicorn_protocol.protocol import TARGET_PARSER, BoundedHttpToolsProtocol
from storefront_mcp.uvicorn_protocol.request_target import MAX_CACHED_TARGET_BYTES, MAX_CACHED_TARGETS
from tests.serving import served, until
from tests.unit.uvicorn_protocol.connections import Line

App = Callable[[Any, Any, Any], Awaitable[None]]
JSON = (b"Content-Type", b"application/json")
PLAIN = b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n"
CLOSING = b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


def answering(*events: dict[str, Any]) -> App:
    """An app that sends these, whatever is asked."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                event = await receive()
                await send({"type": event["type"] + ".complete"})
                if event["type"] == "lifespan.shutdown":
                    return
        for event in events:
            await send(dict(event))

    return app


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": [JSON, *headers]}


def body(content: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


def length(number: int) -> tuple[bytes, bytes]:
    return b"content-length", str(number).encode()


@contextlib.contextmanager
def connected(origin: str) -> Iterator[socket.socket]:
    host, port = origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        yield connection


def told(origin: str, *requests: bytes) -> bytes:
    """Everything that comes back for these requests; the last one must end the connection."""
    with connected(origin) as connection:
        connection.sendall(b"".join(requests))
        heard = b""
        while piece := connection.recv(65536):
            heard += piece
    return re.sub(rb"date: [^\r]*", b"date: now", heard)


@pytest.fixture(params=["httptools", BoundedHttpToolsProtocol], ids=["uvicorn's way", "our way"])
def http(request: pytest.FixtureRequest) -> Any:
    return request.param


ANSWERS = [
    pytest.param([start(length(2)), body(b"{}")], id="whole"),
    pytest.param([start(length(0), status=202), body(b"")], id="empty"),
    pytest.param([start(status=204), body(b"")], id="no content"),
    pytest.param([start(length(4)), body(b"ab", more=True), body(b"cd")], id="in two pieces of a known length"),
    pytest.param([start(), body(b"ab", more=True), body(b"cd")], id="a stream"),
    pytest.param([start(), body(b"ab")], id="no length said"),
    pytest.param([start((b"X-Thing", b"1"), (b"x-thing", b"2"), length(1)), body(b"x")], id="a header twice"),
]


@pytest.mark.parametrize("events", ANSWERS)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_both_ways_of_writing_send_the_same_bytes(events: list[dict[str, Any]], method: bytes) -> None:
    plain, closing = PLAIN.replace(b"GET", method), CLOSING.replace(b"GET", method)
    heard = []
    for http in ("httptools", BoundedHttpToolsProtocol):
        with served(answering(*events), http=http, access_log=False) as origin:
            heard.append(told(origin, plain, plain, closing))

    assert heard[0] == heard[1]
    assert heard[0].count(b"HTTP/1.1 ") == 3


@pytest.mark.parametrize("content", [b"{}", b"x" * 3_000_000], ids=["short", "long"])
@pytest.mark.parametrize("access_log", [False, True])
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_an_answer_in_one_event_is_the_same_bytes_as_one_in_two(
    content: bytes, method: bytes, access_log: bool
) -> None:
    headers = (JSON, (b"x-thing", b"1"))
    whole = {"type": WHOLE_RESPONSE, "status": 200, "headers": headers, "body": content}
    plain, closing = PLAIN.replace(b"GET", method), CLOSING.replace(b"GET", method)
    heard = []
    for events in ([start(headers[1], length(len(content))), body(content)], [whole]):
        with served(answering(*events), http=BoundedHttpToolsProtocol, access_log=access_log) as origin:
            heard.append(told(origin, plain, plain, closing))

    assert heard[0] == heard[1]
    assert heard[0].count(b"HTTP/1.1 200 OK") == 3


def test_a_server_says_that_it_takes_answers_in_one_event() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        said = b"yes" if WHOLE_RESPONSE in scope.get("extensions", ()) else b"no"
        await answering(start(length(len(said))), body(said))(scope, receive, send)

    said = {}
    for http in ("httptools", BoundedHttpToolsProtocol):
        with served(app, http=http, access_log=False) as origin:
            said[http] = told(origin, CLOSING).rpartition(b"\r\n")[2]
    assert said == {"httptools": b"no", BoundedHttpToolsProtocol: b"yes"}


def test_a_streams_head_leaves_before_its_first_piece(http: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await answering()(scope, receive, send)
            return
        await receive()
        await send(start())
        # Only the client's farewell ends this answer.
        while (await receive())["type"] != "http.disconnect":
            pass

    with served(app, http=http, access_log=False) as origin, connected(origin) as connection:
        connection.sendall(PLAIN)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("said", [1, 3])
def test_an_answer_that_is_not_as_long_as_it_says_ends_the_connection(said: int, http: Any) -> None:
    with served(answering(start(length(said)), body(b"{}")), http=http, access_log=False) as origin:
        heard = told(origin, PLAIN)

    assert heard.count(b"HTTP/1.1 ") == 1


def test_a_header_that_would_break_out_of_its_line_is_never_sent(http: Any) -> None:
    with served(
        answering(start((b"x", b"1\r\nset-cookie: a=b"), length(2)), body(b"{}")), http=http, access_log=False
    ) as origin:
        assert b"set-cookie" not in told(origin, PLAIN)


IN_TWO_EVENTS = (start(length(2)), body(b"{}"))
IN_ONE_EVENT = ({"type": WHOLE_RESPONSE, "status": 200, "headers": (JSON,), "body": b"{}"},)


@pytest.mark.parametrize("events", [IN_TWO_EVENTS, IN_ONE_EVENT], ids=["two events", "one event"])
def test_a_whole_answer_is_one_write(events: Sequence[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    send = SingleWriteCycle.send

    async def seen(self: SingleWriteCycle, message: Any) -> None:
        transport = self.transport
        if not hasattr(transport, "written"):
            self.transport = Seen(transport, written)
        await send(self, message)

    monkeypatch.setattr(SingleWriteCycle, "send", seen)
    with (
        served(answering(*events), http=BoundedHttpToolsProtocol, access_log=False) as origin,
        connected(origin) as one,
    ):
        one.sendall(PLAIN)
        assert one.recv(65536).endswith(b"\r\n\r\n{}")

    assert len(written) == 1


class Seen:
    """A transport that remembers what was written."""

    def __init__(self, transport: Any, written: list[bytes]) -> None:
        self._transport = transport
        self.written = written

    def write(self, piece: bytes) -> None:
        self.written.append(piece)
        self._transport.write(piece)

    def writelines(self, pieces: Sequence[bytes]) -> None:
        self.written.append(b"".join(pieces))
        self._transport.writelines(pieces)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def test_remembered_lines_are_bounded() -> None:
    lines = HeaderLineCache()
    for number in range(3 * MAX_CACHED_LINES):
        assert lines.line((b"ETag", b"%d" % number)) == b"etag: %d\r\n" % number

    assert len(lines.known) <= MAX_CACHED_LINES


def test_remembered_openings_are_bounded_and_never_mistaken() -> None:
    lines, own = HeaderLineCache(), [(b"date", b"now")]
    for number in range(3 * MAX_CACHED_LINES):
        said = lines.opening(200, own, ((b"ETag", b"%d" % number), JSON))
        assert said == b"HTTP/1.1 200 OK\r\ndate: now\r\netag: %d\r\ncontent-type: application/json\r\n" % number

    assert len(lines._openings) <= MAX_CACHED_LINES


def test_an_opening_follows_its_status_and_the_date() -> None:
    lines, headers = HeaderLineCache(), (JSON,)
    now, later = [(b"date", b"now")], [(b"date", b"later")]
    said = [lines.opening(status, own, headers) for status, own in ((200, now), (400, now), (200, later), (200, now))]
    assert [line.partition(b"\r\ncontent")[0] for line in said] == [
        b"HTTP/1.1 200 OK\r\ndate: now",
        b"HTTP/1.1 400 Bad Request\r\ndate: now",
        b"HTTP/1.1 200 OK\r\ndate: later",
        b"HTTP/1.1 200 OK\r\ndate: now",
    ]


def test_the_servers_own_lines_follow_the_date() -> None:
    lines = HeaderLineCache()
    assert lines.defaults([(b"date", b"now")]) == b"date: now\r\n"
    assert lines.defaults([(b"date", b"later")]) == b"date: later\r\n"


def test_serve_uses_it() -> None:
    config = uvicorn.Config(answering(), **UVICORN_OPTIONS)
    config.load()

    assert config.http_protocol_class is BoundedHttpToolsProtocol


HELLO = answering(start(length(2)), body(b"hi"))


async def repeating(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what an application is told of the request, but for ports and what only ours says."""
    if scope["type"] == "lifespan":
        await answering()(scope, receive, send)
        return
    event = await receive()
    told_of = {**scope, "client": scope["client"][0], "server": scope["server"][0], "body": event["body"]}
    told_of.pop("extensions", None)
    said = repr(sorted(told_of.items())).encode()
    await answering(start(length(len(said))), body(said))(scope, receive, send)


FORMS = [
    b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /a%20b/%C3%A9?x=%41&access_token=1#f HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nx-twice: 2\r\n\r\n",
    b"GET /caf%e9 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET http://b:80/mcp HTTP/1.1\r\nhost: b\r\n\r\n",
    b"GET /" + b"long/" * 100 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}",
    b"POST /mcp HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    b"HEAD /mcp HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /x HTTP/1.0\r\nhost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET //%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
]


def test_applications_are_told_of_a_request_what_uvicorn_tells_them() -> None:
    heard = []
    for http in ("httptools", BoundedHttpToolsProtocol):
        with served(repeating, http=http, access_log=False, timeout_keep_alive=1) as origin:
            # Twice: what is remembered of an address must be what was read from it.
            heard.append([told(origin, form, form, CLOSING) for form in FORMS])

    assert heard[0] == heard[1]
    assert [said.count(b"HTTP/1.1 200 ") for said in heard[0]] == [3] * 9 + [1, 3, 1]


def test_a_body_that_has_come_is_told_of_once_and_then_the_clients_farewell() -> None:
    heard: list[Any] = []

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await answering()(scope, receive, send)
            return
        coming = receive()
        heard.append((type(coming), await coming))
        await send(start(length(2)))
        heard.append(await receive())

    with served(listening, http=BoundedHttpToolsProtocol, access_log=False) as origin:
        with connected(origin) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}")
            until(lambda: heard, "the body")
        until(lambda: len(heard) == 2, "the farewell")
    assert heard == [
        (BufferedBody, {"type": "http.request", "body": b"{}", "more_body": False}),
        {"type": "http.disconnect"},
    ]


@pytest.mark.parametrize(
    ("late", "size"), [(True, 3), (True, MAX_SINGLE_WRITE_BYTES + 1), (False, 2 * MAX_SINGLE_WRITE_BYTES)]
)
def test_a_body_that_is_long_or_late_is_waited_for(late: bool, size: int) -> None:
    kinds: list[type] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await answering()(scope, receive, send)
            return
        got, more = b"", True
        while more:
            coming = receive()
            kinds.append(type(coming))
            event = await coming
            got, more = got + event["body"], event["more_body"]
        await answering(start(length(6)), body(b"%06d" % len(got)))(scope, receive, send)

    with served(reading, http=BoundedHttpToolsProtocol, access_log=False) as origin, connected(origin) as connection:
        head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size
        connection.sendall(head if late else head + b"a" * size)
        if late:
            until(lambda: kinds, "the application to wait")
            connection.sendall(b"a" * size)
        assert connection.recv(65_536).endswith(b"%06d" % size)
    assert kinds[0] is not BufferedBody


def test_remembered_addresses_are_few_and_short() -> None:
    with served(HELLO, http=BoundedHttpToolsProtocol, access_log=False) as origin:
        paths = [b"/%d" % number for number in range(MAX_CACHED_TARGETS + 10)] + [
            b"/" + b"a" * MAX_CACHED_TARGET_BYTES,
            b"/b?c=d",
        ]
        requests = [PLAIN.replace(b"/x", path) for path in paths]
        assert told(origin, *requests, CLOSING).count(b"HTTP/1.1 200 ") == len(paths) + 1

    assert b"/x" in TARGET_PARSER.cached
    assert len(TARGET_PARSER.cached) <= MAX_CACHED_TARGETS
    assert all(len(address) <= MAX_CACHED_TARGET_BYTES and b"?" not in address for address in TARGET_PARSER.cached)


def test_whoever_wants_another_protocol_is_answered_in_this_one() -> None:
    wanted = PLAIN[:-2] + b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n"
    with served(HELLO, http=BoundedHttpToolsProtocol, access_log=False) as origin, connected(origin) as connection:
        connection.sendall(wanted)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
@pytest.mark.parametrize("asked", [b"", PLAIN, PLAIN + b"GET /un"], ids=["nothing", "once", "and half of a second"])
def test_a_connection_on_which_nothing_is_asked_any_more_is_closed(asked: bytes) -> None:
    with (
        served(HELLO, http=BoundedHttpToolsProtocol, access_log=False, timeout_keep_alive=1) as origin,
        connected(origin) as connection,
    ):
        connection.sendall(asked)
        said = b""
        while piece := connection.recv(65_536):
            said += piece
    assert said.count(b"HTTP/1.1 200 ") == asked.count(b"\r\n\r\n")


def test_a_connection_in_use_is_not_closed_however_long_an_answer_takes() -> None:
    clock, ended = [0.0], threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await asyncio.to_thread(ended.wait, 20)
        await HELLO(scope, receive, send)

    looked: list[float] = []

    class Watched(BoundedHttpToolsProtocol):
        def _close_after_keep_alive(self) -> None:
            super()._close_after_keep_alive()
            looked.append(self.loop.time())
            if len(looked) == 3:
                clock[0] = self.loop.time()
                ended.set()

    with (
        served(slow, http=Watched, access_log=False, timeout_keep_alive=0.05) as origin,
        connected(origin) as connection,
    ):
        connection.sendall(PLAIN)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert connection.recv(65_536) == b""
        until(lambda: len(looked) >= 4, "the look that closed it")
    # It was kept as long after its answer as any other.
    assert looked[-1] - clock[0] >= 0.04


@pytest.mark.parametrize(
    "endless",
    [b"GET / HTTP/1.1\r\nhost: a\r\nx: ", b"GET /", b"\r\n", PLAIN + b"GET / HTTP/1.1\r\nhost: a\r\nx: "],
    ids=["a header", "an address", "nothing at all", "the second request"],
)
def test_a_head_without_end_is_not_waited_for(endless: bytes) -> None:
    with served(HELLO, http=BoundedHttpToolsProtocol, access_log=False) as origin, connected(origin) as connection:
        connection.sendall(endless)
        said = b""
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                connection.sendall((b"\r\n" if endless == b"\r\n" else b"aa") * 4_096)
            while piece := connection.recv(65_536):
                said += piece
        assert not said or b"HTTP/1.1 431 " in said
        with connected(origin) as another:
            another.sendall(CLOSING)
            assert another.recv(65_536).startswith(b"HTTP/1.1 200 ")


async def test_the_end_of_a_long_body_does_not_count_for_the_request_after_it() -> None:
    protocol = BoundedHttpToolsProtocol(
        uvicorn.Config(answering(start(length(2)), body(b"{}"))), uvicorn.server.ServerState(), {}
    )
    line = Line()
    protocol.connection_made(line)
    size = 200_000
    protocol.data_received(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size)
    await asyncio.wait_for(asyncio.gather(*protocol.tasks), 10)
    assert line.written.startswith(b"HTTP/1.1 200 ")
    line.written = b""

    protocol.data_received(b"a" * size + PLAIN[:-2] + b"x: " + b"a" * 20_000)
    assert line.written == b""
    protocol.data_received(b"a\r\n\r\n")
    await asyncio.wait_for(asyncio.gather(*protocol.tasks), 10)
    assert line.written.startswith(b"HTTP/1.1 200 ")
    protocol.connection_lost(None)


@pytest.mark.parametrize("behind", [b"", PLAIN], ids=["alone", "with another behind it"])
async def test_a_stream_hears_that_its_reader_has_gone(behind: bytes) -> None:
    heard = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"one", more=True))
        heard.extend([(await receive())["type"] for _ in range(2)])
        # Whoever has gone hears nothing, and nobody is blamed.
        await send(body(b"two", more=True))

    protocol = BoundedHttpToolsProtocol(uvicorn.Config(app), uvicorn.server.ServerState(), {})
    line = Line()
    protocol.connection_made(line)
    protocol.data_received(PLAIN + behind)
    (streaming,) = protocol.tasks
    await asyncio.wait_for(asyncio.to_thread(until, lambda: b"one" in line.written, "the first piece"), 10)
    protocol.connection_lost(None)
    await asyncio.wait_for(streaming, 10)

    assert heard == ["http.request", "http.disconnect"]
    assert b"two" not in line.written


def test_trailers_without_end_are_not_waited_for() -> None:
    with served(HELLO, http=BoundedHttpToolsProtocol, access_log=False) as origin, connected(origin) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                connection.sendall(b"x: " + b"a" * 65_533)
            assert connection.recv(65_536) == b"", "more than sixteen megabytes were taken"


def test_a_long_body_is_no_long_head() -> None:
    with served(HELLO, http=BoundedHttpToolsProtocol, access_log=False) as origin:
        request = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n" + b"a" * 900_000
        assert told(origin, request, CLOSING).count(b"HTTP/1.1 200 ") == 2
