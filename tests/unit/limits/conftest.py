"""A Redis of the machine's own for the tests, when there is one."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.limits import redis_client
from tests.programs import program
from tests.serving import WITH_US, until


class CountingServer:
    """A Valkey or Redis on a port of its own, which can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = program("valkey-server", "redis-server")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._running = subprocess.Popen(
            [*WITH_US, self._program, "--port", str(self.port), *quiet],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, "the server to start")

    def stop(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.2) as asking:
                asking.sendall(b"PING\r\n")
                return asking.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs tests is busy: its Redis gets more time to answer than a shop's."""
    monkeypatch.setattr(redis_client, "REDIS_TIMEOUT_SECONDS", 60.0)


@pytest.fixture(scope="session")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingServer]:
    """A running server."""
    server = CountingServer(tmp_path_factory.mktemp("counting"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[CountingServer]:
    """A server that the test may stop and start; it is not running yet."""
    server = CountingServer(tmp_path)
    yield server
    server.stop()
