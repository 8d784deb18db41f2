"""Serve an ASGI app over real HTTP on loopback for as long as a test needs it."""

import asyncio
import contextlib
import itertools
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

PATIENCE = 20.0
WITH_US = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
"""Before a command: it ends with the tests, however they end, and its process is the same."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


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
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
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
