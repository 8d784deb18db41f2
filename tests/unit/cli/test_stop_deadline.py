"""Whatever hangs while a server stops, it ends, and says what hung."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import uvicorn

from storefront_mcp.cli.workers import WorkerProcess, WorkerSupervisor
from tests.external.clients.programs import QUIET
from tests.processes import is_running

pytestmark = pytest.mark.slow
PATIENCE = 300.0

SERVER = """
import asyncio, os, signal, socket, sys, threading
import uvicorn
from storefront_mcp.cli import http_server, stop_deadline
from storefront_mcp.cli.http_server import DrainingServer

def quick():
    return deadline(0.2)

deadline = http_server.StopDeadline
http_server.StopDeadline = quick

async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    await receive()
    HANG
    await send({"type": "lifespan.shutdown.complete"})

listening = socket.socket()
listening.bind(("127.0.0.1", 0))
DrainingServer(uvicorn.Config(app, lifespan="on")).run([listening])
"""


@pytest.mark.parametrize(
    ("hang", "told"),
    [
        ("await asyncio.Event().wait()", "The shutdown takes too long"),
        ("threading.Event().wait()", "threading.py"),
        ("await asyncio.to_thread(threading.Event().wait)", "The shutdown takes too long"),
    ],
    ids=["a task", "the event loop", "a thread"],
)
def test_a_shutdown_that_hangs_is_ended_and_says_where(hang: str, told: str, tmp_path: Path) -> None:
    program = tmp_path / "hangs.py"
    program.write_text(SERVER.replace("HANG", hang))
    ended = subprocess.run(
        [sys.executable, program], env=QUIET, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert told in ended.stderr


def test_a_shutdown_in_time_ends_as_it_always_did(tmp_path: Path) -> None:
    program = tmp_path / "ends.py"
    program.write_text(SERVER.replace("HANG", "pass").replace("deadline(0.2)", "deadline()"))
    ended = subprocess.run(
        [sys.executable, program], env=QUIET, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert ended.returncode == -signal.SIGTERM
    assert "Timeout" not in ended.stderr


SUPERVISOR = """
import os, signal, socket, sys, threading
import uvicorn
from storefront_mcp.cli import workers
from storefront_mcp.cli.workers import WorkerSupervisor

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        print("worker", os.getpid(), flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if "stubborn" in sys.argv:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            os.kill(os.getpid(), signal.SIGSTOP)
        await send({"type": "lifespan.shutdown.complete"})

def main():
    workers.GRACE_SECONDS = 1.0
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config("supervised:app", workers=2, lifespan="on", timeout_worker_healthcheck=900)
    WorkerSupervisor(config, [listening], lambda: None).run()

if __name__ == "__main__":
    main()
"""


def supervised(folder: Path, *words: str) -> tuple["subprocess.Popen[str]", list[int]]:
    """A supervisor with two workers, in a group of processes of its own, and their process ids."""
    program = folder / "supervised.py"
    program.write_text(SUPERVISOR)
    process = subprocess.Popen(
        [sys.executable, program, *words],
        env={**QUIET, "PYTHONPATH": f"{folder}{os.pathsep}{QUIET.get('PYTHONPATH', '')}"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, [int(process.stdout.readline().split()[1]) for _ in range(2)]


class EndedWorker(WorkerProcess):
    """A worker that has ended on the signal that its supervisor got too."""

    def __init__(self) -> None:
        self.killed = False

    def answers(self, seconds: float, given_up: Callable[[], bool]) -> bool:
        return False

    def kill(self) -> None:
        self.killed = True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_starts_no_worker_anew(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    supervisor = WorkerSupervisor(uvicorn.Config(SERVER, workers=1), [], lambda: None)
    worker = EndedWorker()
    supervisor.processes = [worker]
    supervisor.signal_queue.append(number)
    supervisor.keep_subprocess_alive()
    assert supervisor.processes == [worker]
    assert not worker.killed


def test_a_worker_that_does_not_end_is_killed_by_its_supervisor(tmp_path: Path) -> None:
    process, workers = supervised(tmp_path, "stubborn")
    process.send_signal(signal.SIGTERM)
    _, logged = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "is killed" in logged
    assert not any(map(is_running, workers))
