"""How long a supervisor waits for a worker's answer: as long as a start may take, until it has answered once."""

import multiprocessing
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from storefront_mcp.cli.workers import START_SECONDS, WorkerProcess, WorkerSupervisor


class PipedWorker(WorkerProcess):
    """A worker that is no process: what it answers is in its pipe already."""

    def __init__(self, *answers: bytes) -> None:
        self.parent_conn, self.child_conn = multiprocessing.Pipe()
        self.process: Any = SimpleNamespace(is_alive=lambda: True, pid=1)
        self.waited: list[float] = []
        for answer in answers:
            self.child_conn.send(answer)

    def answers(self, seconds: float, given_up: Callable[[], bool]) -> bool:
        self.waited.append(seconds)
        return super().answers(seconds, given_up)


def test_a_worker_that_still_imports_is_given_the_time_of_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    config = uvicorn.Config("nothing:app", workers=1, timeout_worker_healthcheck=7)
    supervisor = WorkerSupervisor(config, [], lambda: None)
    worker = PipedWorker(b"pong", b"pong")
    supervisor.processes = [worker]
    supervisor.keep_subprocess_alive()
    supervisor.keep_subprocess_alive()
    assert worker.waited == [START_SECONDS, 7]


def test_a_worker_that_does_not_answer_has_not_answered() -> None:
    worker = PipedWorker()
    assert not worker.answers(0.0, lambda: True)
    assert not worker.has_answered
