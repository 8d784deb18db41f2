"""Worker processes and their supervisor, which end together."""

import logging
import multiprocessing
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import uvicorn
from litestar.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from storefront_mcp.app import create
from storefront_mcp.cli.http_server import DrainingServer, has_terminal, settings_usable
from storefront_mcp.cli.stop_deadline import STOP_SECONDS

START_SECONDS: Final = 120.0
"""Time for a worker to start on a machine that is busy; one that ends before is noticed at once."""
GRACE_SECONDS: Final = STOP_SECONDS + 5.0
"""Time for a worker to end by itself, which it does within STOP_SECONDS of a signal to stop."""
STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
SIGNAL_SECONDS: Final = 0.5
"""Between two looks at what signals came, while a worker is waited for."""

logger = logging.getLogger(__name__)


class WorkerProcess(Process):
    """uvicorn's, with our server."""

    _draining_server: DrainingServer | None = None
    has_answered = False
    """Whether it ever answered: until then it may still be importing, which takes long on a busy machine."""

    @property
    def server(self) -> DrainingServer:
        """The server, made in the worker."""
        if self._draining_server is None:
            self._draining_server = DrainingServer(self.config)
        return self._draining_server

    def start(self) -> None:
        """As uvicorn's; the supervisor keeps no copy of the worker's end of the pipe, which closes as it ends."""
        super().start()
        self.child_conn.close()

    def answers(self, seconds: float, given_up: Callable[[], bool]) -> bool:
        """Whether it answers within `seconds`; False as soon as it has ended or `given_up`."""
        deadline = time.monotonic() + seconds
        try:
            self.parent_conn.send(b"ping")
            while not self.parent_conn.poll(SIGNAL_SECONDS):
                if given_up() or not self.process.is_alive() or time.monotonic() > deadline:
                    return False
            self.parent_conn.recv()
            self.has_answered = True
        except (OSError, EOFError, pickle.UnpicklingError):
            return False
        return True


class WorkerSupervisor(Multiprocess):
    """uvicorn's, which on SIGHUP ends if the terminal was closed, and else replaces its workers one by one.

    Ignores SIGHUP where it was started so (`nohup`).
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], check: Callable[[], None]) -> None:
        """`check` raises CommandFailed where the settings cannot be used."""
        self.processes: list[WorkerProcess]  # type: ignore[assignment]
        self._had_terminal = has_terminal()
        self._check = check
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        super().__init__(config, sockets)
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def handle_hup(self) -> None:
        """End, or replace every worker if the settings can be used."""
        if self._had_terminal and not has_terminal():
            self.handle_term()
        elif settings_usable(self._check):
            super().handle_hup()

    def init_processes(self) -> None:
        """As uvicorn's."""
        self.processes = [self._start_worker() for _ in range(self.processes_num)]

    def handle_ttin(self) -> None:
        """As uvicorn's."""
        self.processes_num += 1
        self.processes.append(self._start_worker())

    def restart_all(self) -> None:
        """As uvicorn's: a worker ends once its replacement serves; the first that does not stops the restart."""
        for index, old in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            new = self._start_worker()
            if not new.wait_until_ready(START_SECONDS, self.should_exit):
                new.kill()
                new.join()
                if not self.should_exit.is_set():
                    logger.error("Worker [%s] did not start, so [%s] and later ones stay.", new.pid, old.pid)
                return
            old.terminate()
            old.join()
            self.processes[index] = new

    def keep_subprocess_alive(self) -> None:
        """As uvicorn's: replace workers that died or hang; end where one could not start."""
        for index, process in enumerate(self.processes):
            seconds = self.config.timeout_worker_healthcheck if process.has_answered else START_SECONDS
            healthy = process.answers(seconds, self._is_told_to_stop)
            # Who signals a group of processes, a terminal or systemd, ends the workers too: none is to be replaced.
            if self._is_told_to_stop():
                return
            if healthy:
                continue
            process.kill()
            process.join()
            if process.exitcode == STARTUP_FAILURE:
                logger.error("Worker [%s] failed to start, so the server ends.", process.pid)
                self.should_exit.set()
            elif not self.should_exit.is_set():
                logger.info("Worker [%s] died.", process.pid)
                self.processes[index] = self._start_worker()

    def terminate_all(self) -> None:
        """As uvicorn's, after closing the listening socket: its backlog is left to the workers that still have it."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()

    def join_all(self) -> None:
        """As uvicorn's; kills a worker that does not end within GRACE_SECONDS."""
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in self.processes:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                logger.error("Worker [%s] did not end within %.0f seconds and is killed.", worker.pid, GRACE_SECONDS)
                worker.process.kill()
                worker.process.join()

    def _is_told_to_stop(self) -> bool:
        """Also by a signal that is not handled yet."""
        return self.should_exit.is_set() or not STOP_SIGNALS.isdisjoint(self.signal_queue)

    def _start_worker(self) -> WorkerProcess:
        process = WorkerProcess(self.config, self.sockets)
        process.start()
        return process


def create_worker_app() -> ASGIApp:
    """App factory of a worker process, which ends when its supervisor does."""
    # A closed terminal signals every process in it; a worker ends when its supervisor tells it to.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if (supervisor := multiprocessing.parent_process()) is not None:
        # The wait ends when the supervisor's end of a pipe is closed, which the kernel does even after SIGKILL.
        watch = threading.Thread(target=_end_after, args=(supervisor,), name="watch the supervisor", daemon=True)
        watch.start()
    return create()


def _end_after(supervisor: multiprocessing.process.BaseProcess, grace_seconds: float = GRACE_SECONDS) -> None:
    """Wait for the end of the supervisor, then send this process SIGTERM, and after `grace_seconds` SIGKILL."""
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(grace_seconds)
    os.kill(os.getpid(), signal.SIGKILL)
