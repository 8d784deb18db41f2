"""Nobody has to look for worker processes: they end with their supervisor, however it ends."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.external.clients.programs import QUIET, accepts, settings_of
from tests.processes import is_running, spawned_by
from tests.serving import free_port, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the worker processes in /proc"),
]
PATIENCE = 120.0
SERVE = [sys.executable, "-m", "storefront_mcp.cli", "serve", "--workers", "2"]


class Supervised:
    """`serve` with two workers that answer, and what is left of it."""

    def __init__(self, folder: Path, *, before: tuple[str, ...] = (), terminal: int | None = None) -> None:
        self.port = free_port()
        settings_of(self.port, shop="http://127.0.0.1:9", folder=folder)
        self._said = folder / "said"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [*([] if terminal is None else ["setsid", "--ctty"]), *before, *SERVE],
                cwd=folder,
                env=QUIET,
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=said,
                stderr=said,
                start_new_session=terminal is None,
            )
        self.seen: set[int] = set()

    def workers(self) -> set[int]:
        """Process ids of the workers that the supervisor has."""
        found = set(spawned_by(self.process.pid))
        self.seen |= found
        return found

    def is_ready(self) -> bool:
        """Whether it listens with two workers; fails when it has ended instead."""
        assert self.process.poll() is None, "it has ended"
        return accepts(self.port) and len(self.ready()) == 2

    def ready(self) -> set[int]:
        """Those of them that have been told how to end."""
        return {pid for pid in self.workers() if self._said.read_text().count(f"Started server process [{pid}]")}

    def is_gone(self) -> bool:
        """Whether no worker that there ever was is left, and nobody listens."""
        return not any(map(is_running, self.seen)) and not accepts(self.port)

    def wait_for(self, condition: Callable[[], Any], what: str) -> None:
        try:
            until(condition, what, patience=PATIENCE)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self._said.read_text()}") from None

    def kill(self) -> None:
        """End whatever the test failed to end."""
        for pid in {self.process.pid, *filter(is_running, self.seen)}:
            if self.process.poll() is None or pid != self.process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


Starting = Callable[..., Supervised]


@pytest.fixture
def starting(tmp_path: Path) -> Iterator[Starting]:
    started: list[Supervised] = []

    def start(**options: Any) -> Supervised:
        started.append(server := Supervised(tmp_path, **options))
        server.wait_for(server.is_ready, "two workers")
        return server

    yield start
    for one in started:
        one.kill()


def test_workers_end_when_their_supervisor_is_killed(starting: Starting) -> None:
    server = starting()

    server.process.kill()
    server.process.wait(PATIENCE)

    server.wait_for(server.is_gone, "the workers to end")


def test_everything_ends_when_the_terminal_is_closed(starting: Starting) -> None:
    ours, theirs = pty.openpty()
    server = starting(terminal=theirs)
    os.close(theirs)

    os.close(ours)

    assert server.process.wait(PATIENCE) == 0
    server.wait_for(server.is_gone, "the workers to end")


def test_a_closed_terminal_does_not_matter_under_nohup(starting: Starting) -> None:
    ours, theirs = pty.openpty()
    server = starting(terminal=theirs, before=("nohup",))
    os.close(theirs)
    before = server.ready()

    os.close(ours)
    server.process.send_signal(signal.SIGTTIN)

    server.wait_for(lambda: len(server.ready()) == 3, "a third worker, for whom uvicorn was asked after the SIGHUP")
    assert before < server.ready()


def test_sighup_without_a_terminal_replaces_every_worker(starting: Starting) -> None:
    server = starting()
    before = server.ready()

    server.process.send_signal(signal.SIGHUP)

    server.wait_for(lambda: len(server.ready() - before) == 2, "two other workers")
    server.wait_for(lambda: not any(map(is_running, before)), "those before to end")


def test_a_worker_that_does_not_end_politely_is_ended_at_once(tmp_path: Path) -> None:
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import multiprocessing, os, signal, sys, time\n"
        "from storefront_mcp.cli.workers import _end_after\n"
        "def work():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    print(os.getpid(), flush=True)\n"
        "    _end_after(multiprocessing.parent_process(), grace_seconds=0.01)\n"
        "if __name__ == '__main__':\n"
        "    multiprocessing.get_context('spawn').Process(target=work).start()\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=QUIET) as supervisor:
        assert supervisor.stdout is not None
        worker = int(supervisor.stdout.readline())
        supervisor.kill()

        until(lambda: not is_running(worker), "the worker to end", patience=PATIENCE)
