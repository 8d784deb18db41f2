"""A server is restarted while clients call it, and no request fails."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.external.clients.programs import QUIET, settings_of
from tests.serving import WITH_US, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
PATIENCE = 240.0
FEW, MANY = 3, 60
"""Restarts beside all other tests, and for `make faults`."""
PASS_SOCKET = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # Under nohup it is ignored, and so it would be here.
os.dup2(int(sys.argv[1]), 3)
os.execve(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"})
"""


class RestartedServer:
    """`serve` on a socket that the test holds, as systemd would."""

    def __init__(self, folder: Path, workers: int, held: socket.socket) -> None:
        self._held = held
        self.port = held.getsockname()[1]
        self._workers = workers
        self._folder = folder
        self.settings = settings_of(self.port, shop="http://127.0.0.1:9", folder=folder)
        self._log = (folder / "log").open("ab")
        self.start()

    def start(self) -> None:
        descriptor = self._held.fileno()
        serve = ["-m", "storefront_mcp.cli", "serve", "--workers", str(self._workers)]
        self.process = subprocess.Popen(
            [*WITH_US, sys.executable, "-c", PASS_SOCKET, str(descriptor), sys.executable, *serve],
            cwd=self._folder,
            env=QUIET,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            pass_fds=[descriptor],
        )

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def starts(self) -> int:
        """How many workers have started to serve."""
        return self.log().count("Application startup complete")

    def hang_up(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def wait_for(self, condition: Callable[[], Any], what: str) -> None:
        def held() -> Any:
            assert self.process.poll() is None, "it has ended"
            return condition()

        try:
            until(held, what, patience=PATIENCE)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log()}") from None

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._log.close()


class Load:
    """Clients that call one after the other on new connections, and on one each that they keep."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.outcomes: Counter[object] = Counter()
        self._threads = [threading.Thread(target=run) for run in (self._new, self._new, self._kept, self._kept)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)

    def _new(self) -> None:
        while not self._stop.is_set():
            connection = self._connection()
            self._call(connection, retries=0)
            connection.close()

    def _kept(self) -> None:
        connection = self._connection()
        while not self._stop.is_set():
            # A connection that was kept may be closed by either side: every client tries once more on a new one.
            self._call(connection, retries=1)
        connection.close()

    def _call(self, connection: http.client.HTTPConnection, *, retries: int) -> None:
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            self.outcomes[answer.status] += 1
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            connection.close()
            if retries:
                self._call(connection, retries=0)
            else:
                self.outcomes[repr(error)] += 1
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.outcomes[repr(error)] += 1


@pytest.fixture
def held() -> Iterator[socket.socket]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(2048)
        yield held


@pytest.fixture
def rounds(pytestconfig: pytest.Config) -> int:
    return MANY if pytestconfig.option.markexpr == "faults" else FEW


@pytest.fixture(params=[1, 2])
def server(request: pytest.FixtureRequest, tmp_path: Path, held: socket.socket) -> Iterator[RestartedServer]:
    server = RestartedServer(tmp_path, request.param, held)
    server.wait_for(lambda: server.starts() == request.param, "the workers")
    yield server
    server.close()


@pytest.mark.faults
def test_sighup_under_load_fails_no_request(server: RestartedServer, rounds: int) -> None:
    process = server.process.pid
    workers = server.starts()
    with Load(server.port) as load:
        for number in range(1, rounds + 1):
            server.hang_up()
            server.wait_for(lambda number=number: server.starts() == workers * (number + 1), "the next workers")
        done = load.outcomes[200]
        server.wait_for(lambda: load.outcomes[200] > done + 100, "answers of the last ones")
    assert set(load.outcomes) == {200}, load.outcomes
    assert (server.process.pid, server.process.poll()) == (process, None)
    assert server.end() == 0


@pytest.mark.faults
def test_a_restart_behind_a_socket_of_systemd_fails_no_request(server: RestartedServer, rounds: int) -> None:
    workers = server.starts()
    with Load(server.port) as load:
        for number in range(1, rounds + 1):
            assert server.end() == 0
            server.start()
            server.wait_for(lambda number=number: server.starts() == workers * (number + 1), "the next start")
    assert set(load.outcomes) == {200}, load.outcomes
    assert server.end() == 0


def test_settings_that_cannot_be_used_leave_the_server_as_it_is(server: RestartedServer) -> None:
    starts = server.starts()
    text = server.settings.read_text()
    server.settings.write_text(text.replace('"AUD"', '"AU"'))
    server.hang_up()
    server.wait_for(lambda: "wants three capital letters of ISO 4217" in server.log(), "the reason")
    assert "Received SIGHUP, and go on as before: the settings cannot be used." in server.log()
    assert server.starts() == starts

    server.settings.write_text(text)
    server.hang_up()
    server.wait_for(lambda: server.starts() == 2 * starts, "the next workers")
    os.kill(server.process.pid, signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
