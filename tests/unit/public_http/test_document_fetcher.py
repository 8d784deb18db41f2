"""Documents at strangers' URLs: nothing private is ever connected to, and nothing takes long or much room."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.public_http import document_fetcher
from storefront_mcp.public_http.addresses import is_public_address, resolve_host
from storefront_mcp.public_http.document_fetcher import MAX_DOCUMENT_BYTES, DocumentFetcher
from storefront_mcp.public_http.documents import DocumentUnavailable
from tests.unit.public_http.hostile_host import HostileHost, MuteHost, drip

HOST = "agent.example"
URL = f"https://{HOST}/client.json"
PUBLIC = "93.184.216.34"


def resolver(*addresses: str) -> Any:
    async def resolve(host: str) -> Sequence[str]:
        assert host == HOST
        return addresses

    return resolve


def fetcher(answer: Callable[[httpx.Request], httpx.Response], *addresses: str) -> DocumentFetcher:
    return DocumentFetcher(resolve=resolver(*(addresses or (PUBLIC,))), transport=httpx.MockTransport(answer))


def served(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"client_id": str(request.headers["host"])})


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "3fff::1",
        "5f00::1",
        "192.0.0.9",
        "192.0.0.10",
        "192.0.0.170",
        "192.88.99.1",
        "2606:2800:220:1:248:1893:25c8:1946%eth0",
        "agent.example",
        "",
    ],
)
async def test_what_is_not_public_is_never_connected_to(address: str) -> None:
    assert not is_public_address(address)

    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"connected to {request.url}")

    for addresses in ((address,), (PUBLIC, address), (address, PUBLIC)):
        with pytest.raises(DocumentUnavailable, match="not at a public address"):
            await fetcher(never, *addresses).fetch(URL)


async def test_a_host_without_an_address_is_unavailable() -> None:
    async def nowhere(host: str) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(DocumentUnavailable):
        await DocumentFetcher(resolve=nowhere).fetch(URL)


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """A name server that answers otherwise the second time is not asked a second time."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return served(request)

    document = await fetcher(answer).fetch(f"{URL}?v=1")
    assert document.body == b'{"client_id":"agent.example"}'
    (request,) = seen
    assert (request.url.host, request.url.port, request.url.raw_path) == (PUBLIC, None, b"/client.json?v=1")
    assert (request.headers["host"], request.extensions["sni_hostname"]) == (HOST, HOST)
    assert not {"cookie", "authorization", "user-agent"} & set(request.headers)


async def test_an_ipv6_address_is_connected_to_as_one() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return served(request)

    await fetcher(answer, "2606:2800:220:1::1").fetch(URL)
    assert seen == ["2606:2800:220:1::1"]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda _: httpx.Response(302, headers={"location": "http://169.254.169.254/"}), "302"),
        (lambda _: httpx.Response(404, json={}), "404"),
        (lambda _: httpx.Response(206, json={}), "206"),
        (lambda _: httpx.Response(200, text="{}"), "no JSON"),
        (lambda _: httpx.Response(200, content=b"{}"), "no JSON"),
        (
            lambda _: httpx.Response(200, headers={"content-type": "application/json", "content-encoding": "gzip"}),
            "comp",
        ),
        (lambda _: httpx.Response(200, json={"x": "y" * 6 * 1024}), f"more than {MAX_DOCUMENT_BYTES}"),
    ],
    ids=["redirect", "missing", "part", "text", "untyped", "compressed", "large"],
)
async def test_what_is_no_small_json_document_is_refused(answer: Any, says: str) -> None:
    with pytest.raises(DocumentUnavailable, match=says):
        await fetcher(answer).fetch(URL)


async def test_a_document_of_five_kilobytes_and_of_a_json_dialect_is_taken() -> None:
    filled = b'{"x":"' + b"y" * (MAX_DOCUMENT_BYTES - 8) + b'"}'
    headers = {"content-type": "application/ld+json; charset=utf-8", "cache-control": "max-age=60"}
    document = await fetcher(lambda _: httpx.Response(200, content=filled, headers=headers)).fetch(URL)
    assert (document.body, document.cache_control) == (filled, "max-age=60")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[HostileHost]:
    async with HostileHost(tmp_path, HOST) as host:
        yield host


async def test_a_document_is_read_over_tls_by_the_hosts_own_certificate(host: HostileHost) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()

    host.answer = answer
    assert (await host.fetcher().fetch(URL)).body == b"{}"


async def test_a_certificate_of_somebody_else_is_refused(tmp_path: Path) -> None:
    async with HostileHost(tmp_path, "other.example") as host:
        with pytest.raises(DocumentUnavailable):
            await host.fetcher().fetch(URL)


# In time --------------------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
PATIENCE = 60.0
"""Seconds after which a fetch without a limit fails its test."""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little time for a whole fetch; every step of it may take longer, so that only the limit for the whole is met."""
    monkeypatch.setattr(document_fetcher, "TOTAL_SECONDS", 0.3)


async def refuse_at_the_limit(fetching: DocumentFetcher) -> None:
    """That a fetch is given up as a whole, and not for one of its steps."""
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(DocumentUnavailable, match=f"^{HOST}: TimeoutError$") as refused:
            await fetching.fetch(URL)
    assert not refused.value.host_failed


@pytest.mark.parametrize(
    ("whole", "drops"),
    [
        (HEAD + b"content-length: 62\r\n\r\n", b'{"x":"' + b"y" * 54 + b'"}'),
        (HEAD, b"x-filler: " + b"y" * 50 + b"\r\ncontent-length: 2\r\n\r\n{}"),
        (b"", HEAD + b"content-length: 2\r\n\r\n{}"),
    ],
    ids=["the body", "a header", "the status line"],
)
@pytest.mark.usefixtures("short")
async def test_an_answer_that_comes_drop_by_drop_ends_at_the_limit_for_the_whole(
    host: HostileHost, whole: bytes, drops: bytes
) -> None:
    """Each byte comes well within the time for a step, and all of them together are a good answer."""
    host.answer = lambda writer: drip(writer, whole, drops)
    await refuse_at_the_limit(host.fetcher())
    assert host.connections == 1


@pytest.mark.usefixtures("short")
async def test_an_answer_that_stops_in_the_middle_ends_at_the_limit_for_the_whole(host: HostileHost) -> None:
    never = asyncio.Event()

    async def stop(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"content-length: 4000\r\n\r\n{")
        await writer.drain()
        await never.wait()

    host.answer = stop
    await refuse_at_the_limit(host.fetcher())
    never.set()


@pytest.mark.usefixtures("short")
async def test_a_name_server_that_never_answers_is_waited_for_up_to_the_limit_for_the_whole() -> None:
    never = asyncio.Event()

    async def resolve(_host: str) -> Sequence[str]:
        await never.wait()
        return [PUBLIC]

    await refuse_at_the_limit(DocumentFetcher(resolve=resolve, transport=httpx.MockTransport(served)))


async def test_name_servers_that_never_answer_hold_no_thread_that_others_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread stays in its look-up after that was given up."""
    over = threading.Event()

    def never(*_: Any, **__: Any) -> list[Any]:
        over.wait(PATIENCE)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    looking = [asyncio.create_task(resolve_host(HOST)) for _ in range(64)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(PATIENCE / 2):
            assert await asyncio.to_thread(lambda: "served") == "served"
    finally:
        over.set()
        await asyncio.gather(*looking)


@pytest.mark.usefixtures("short")
async def test_a_tls_handshake_that_never_goes_on_ends_at_the_limit_for_the_whole_and_is_hung_up() -> None:
    async with MuteHost() as mute:
        fetching = DocumentFetcher(resolve=resolver("127.0.0.1"), may_connect=lambda _: True, port=mute.port)
        await refuse_at_the_limit(fetching)
        async with asyncio.timeout(PATIENCE):
            await mute.left.wait()


async def test_a_stream_without_an_end_is_cut_off(host: HostileHost) -> None:
    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    host.answer = flood
    with pytest.raises(DocumentUnavailable, match="more than"):
        await host.fetcher().fetch(URL)


# On this machine ----------------------------------------------------------------------------------------------------


def local(answer: Callable[[httpx.Request], httpx.Response], address: str, **more: Any) -> DocumentFetcher:
    async def resolve(_host: str) -> Sequence[str]:
        return [address]

    return DocumentFetcher(resolve=resolve, transport=httpx.MockTransport(answer), **more)


@pytest.mark.parametrize("loopback", [True, False])
async def test_this_machine_is_connected_to_only_where_the_store_is_on_it(loopback: bool) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return served(request)

    fetching = local(answer, "127.0.0.1", loopback=loopback).fetch("http://localhost:8399/agent.json")
    if loopback:
        await fetching
        (request,) = asked
        assert (request.url.host, request.url.port, request.headers["host"]) == ("127.0.0.1", 8399, "localhost:8399")
    else:
        with pytest.raises(DocumentUnavailable, match="no https"):
            await fetching
        assert asked == []


async def test_a_local_url_without_a_port_is_asked_at_that_of_its_scheme() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url} {request.headers['host']}")
        return served(request)

    for url in ("http://localhost/a", "https://localhost/a"):
        await local(answer, "::1", loopback=True).fetch(url)

    assert asked == ["http://[::1]/a localhost", "https://[::1]/a localhost"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, "127.0.0.1"),
        ("http://localhost:8399/", PUBLIC),
        ("http://localhost:8399/", "169.254.169.254"),
        ("http://localhost:8399/", "nonsense"),
    ],
)
async def test_a_store_on_this_machine_opens_neither_it_to_others_nor_others_by_its_name(
    url: str, address: str
) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"connected to {request.url}")

    with pytest.raises(DocumentUnavailable, match="not at a public address") as refused:
        await local(never, address, loopback=True).fetch(url)
    assert refused.value.host_failed


@pytest.mark.parametrize(
    ("error", "host_failed"),
    [(httpx.ConnectError("no"), True), (httpx.ConnectTimeout("no"), True), (httpx.ReadTimeout("no"), False)],
)
async def test_a_host_has_failed_only_where_it_takes_no_connection(error: Exception, host_failed: bool) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(DocumentUnavailable) as refused:
        await fetcher(fail).fetch(URL)
    assert refused.value.host_failed is host_failed
