"""Serve an ASGI app over real HTTP on loopback for as long as a test needs it."""

import asyncio
import contextlib
import itertools
import os
import random
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

PATIENCE = 120.0
WITH_US = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
"""Before a command: it ends with the tests, however they end, and its process is the same."""


def _ports() -> Iterator[int]:
    """Ports that the kernel gives to nobody unasked: one stays free while the server that had it is started again.

    Each process of the test runner walks round a share of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    share = range(12_000 + 2_500 * worker, 12_000 + 2_500 * (worker + 1))
    begin = random.SystemRandom().randrange(len(share))
    return itertools.cycle([*share[begin:], *share[:begin]])


PORTS = _ports()


def free_port() -> int:
    """A port nobody listens on now."""
    for port in PORTS:
        with contextlib.suppress(OSError), socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")


def _accepting() -> list[asyncio.Task[Any]]:
    """The tasks in which asyncio sets up connections that it has taken."""
    names = ((task, getattr(task.get_coro(), "__name__", "")) for task in asyncio.all_tasks())
    return [task for task, name in names if name == "_accept_connection2"]


class Quick(uvicorn.Server):
    """uvicorn's, which ends when it is told to, not when it looks next."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.running = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        """As uvicorn's."""
        self._loop = asyncio.get_running_loop()
        for tenth in itertools.count():
            await self.on_tick(tenth)
            if not tenth:
                self.running.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 0.1)
                return

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, without its pause where nobody is connected."""
        for server in self.servers:
            server.close()
        # A connection that is being accepted is counted once its transport is set up, in a task of asyncio's.
        await asyncio.wait([asyncio.ensure_future(asyncio.sleep(0)), *_accepting()])
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            # One that was accepted after all were told to close was not told.
            for connection in [*self.server_state.connections]:
                if (transport := getattr(connection, "transport", None)) is not None:
                    transport.abort()
            await asyncio.sleep(0)
            return
        await self.lifespan.shutdown()

    def end(self) -> None:
        """From another thread."""
        self._loop.call_soon_threadsafe(self._told.set)


@contextlib.contextmanager
def served(app: Any, port: int | None = None, **options: Any) -> Iterator[str]:
    """Run `app` in a thread; yields its origin, `http://127.0.0.1:PORT`. `options` are uvicorn's."""
    chosen = free_port() if port is None else port
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=chosen,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=5,
        **{"log_level": "warning", "timeout_keep_alive": 75, **options},
    )
    server = Quick(config)
    thread = threading.Thread(target=server.run, name=f"server on {chosen}", daemon=True)
    thread.start()
    until(lambda: server.running.wait(0.1) or not thread.is_alive(), "the server to start")
    assert server.running.is_set(), "the server did not start"
    try:
        yield f"http://127.0.0.1:{chosen}"
    finally:
        server.end()
        thread.join(PATIENCE)


def until(true: Any, what: str, *, patience: float = PATIENCE) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, f"waited {patience} s in vain for {what}"
        pause.wait(0.01)
