"""A Redis of the machine's own for the tests, when there is one."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving import WITH_US

SERVER = shutil.which("valkey-server") or shutil.which("redis-server")


class CountingServer:
    """A Valkey or Redis on a port of its own, which can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert SERVER is not None
        quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self._folder)]
        self._running = subprocess.Popen(
            [*WITH_US, SERVER, "--port", str(self.port), *quiet], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_for(self._answers)

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

    @staticmethod
    def _wait_for(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)


@pytest.fixture(scope="session")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountingServer]:
    """A running server."""
    if SERVER is None:
        pytest.skip("neither valkey-server nor redis-server is installed")
    server = CountingServer(tmp_path_factory.mktemp("counting"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[CountingServer]:
    """A server that the test may stop and start; it is not running yet."""
    if SERVER is None:
        pytest.skip("neither valkey-server nor redis-server is installed")
    server = CountingServer(tmp_path)
    yield server
    server.stop()
