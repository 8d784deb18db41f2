"""Streams would keep a stopping server waiting: end them as soon as it is told to stop."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def called_when_stopping(close: Callable[[], None]) -> Iterator[None]:
    """Call `close` on the event loop when a signal to stop comes, before whoever else listens for it.

    Outside the main thread there are no signals to hear.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def stopping(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(close)
        inner = before[signal.Signals(number)]
        if callable(inner):
            inner(number, frame)

    for number in SIGNALS:
        signal.signal(number, stopping)
    try:
        yield
    finally:
        for number, inner in before.items():
            signal.signal(number, inner)
