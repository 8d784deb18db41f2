"""Serve an ASGI app over real HTTP on loopback for as long as a test needs it."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

PATIENCE = 20.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


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
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name=f"server on {chosen}", daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive(), "the server to start")
    assert server.started, "the server did not start"
    try:
        yield f"http://127.0.0.1:{chosen}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def until(true: Any, what: str, *, patience: float = PATIENCE) -> None:
    """Wait for a condition, not for a time."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, f"waited {patience} s in vain for {what}"
        pause.wait(0.01)
