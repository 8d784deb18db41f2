"""The socket of a server: inherited as systemd passes it, and drained before it is closed."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from storefront_mcp.cli import listening as module
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.http_server import DrainingServer
from storefront_mcp.cli.listening import inherited_socket, listening_address
from storefront_mcp.cli.serve import UVICORN_OPTIONS

Pass = Callable[..., int]


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pass]:
    """Pass a descriptor to this process."""
    passed: list[int] = []

    def passing(descriptor: int, *, count: str = "1", pid: int | None = None) -> int:
        passed.append(own := os.dup(descriptor))
        monkeypatch.setattr(module, "FIRST_INHERITED_FD", own)
        monkeypatch.setenv("LISTEN_PID", str(os.getpid() if pid is None else pid))
        monkeypatch.setenv("LISTEN_FDS", count)
        return own

    yield passing
    for descriptor in passed:
        try:
            os.close(descriptor)
        except OSError:
            continue


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def test_a_listening_socket_is_inherited_once(passing: Pass, bound: socket.socket) -> None:
    bound.listen()
    passing(bound.fileno())
    inherited = inherited_socket()

    assert inherited is not None
    with inherited:
        assert listening_address(inherited) == f"127.0.0.1:{bound.getsockname()[1]}"
    assert inherited_socket() is None
    assert not os.environ.keys() & {"LISTEN_PID", "LISTEN_FDS"}


def test_what_was_passed_to_another_process_is_left_alone(passing: Pass, bound: socket.socket) -> None:
    passing(bound.fileno(), pid=1)

    assert inherited_socket() is None


@pytest.mark.parametrize("count", ["0", "2", "x"])
def test_any_other_number_of_sockets_is_refused(passing: Pass, bound: socket.socket, count: str) -> None:
    passing(bound.fileno(), count=count)

    with pytest.raises(CommandFailed, match=f"LISTEN_FDS is '{count}', and serve takes one socket"):
        inherited_socket()


def test_what_nobody_can_connect_to_is_refused(passing: Pass, bound: socket.socket) -> None:
    passing(bound.fileno())
    with pytest.raises(CommandFailed, match="not a listening TCP socket"):
        inherited_socket()

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        passing(datagrams.fileno())
        with pytest.raises(CommandFailed, match=r"not a listening TCP socket.*ListenStream="):
            inherited_socket()

    read, write = os.pipe()
    passing(read)
    with pytest.raises(CommandFailed, match="Descriptor 3 is not a socket"):
        inherited_socket()
    os.close(read)
    os.close(write)


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.mark.parametrize("ours", [True, False])
def test_connections_in_the_backlog_are_answered_before_the_server_ends(bound: socket.socket, ours: bool) -> None:
    async def run() -> list[bytes]:
        server = DrainingServer(uvicorn.Config(answer, lifespan="off", **UVICORN_OPTIONS))
        if not ours:
            server.shutdown = super(DrainingServer, server).shutdown  # type: ignore[method-assign]
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup([bound])
        # Nothing is accepted here, as the event loop does not run meanwhile.
        clients = [socket.create_connection(bound.getsockname()) for _ in range(20)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nHost: pickle.test\r\n\r\n")
        await server.shutdown([bound])
        answers = [read_all(client) for client in clients]
        for client in clients:
            client.close()
        return answers

    answers = asyncio.run(run())

    answered = sum(text.startswith(b"HTTP/1.1 200") for text in answers)
    assert answered == (20 if ours else 0)


def read_all(client: socket.socket) -> bytes:
    try:
        return b"".join(iter(lambda: client.recv(65_536), b""))
    except ConnectionResetError:
        return b""
