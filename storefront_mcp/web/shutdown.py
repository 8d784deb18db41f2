"""Close open streams when a stop signal arrives, which would otherwise hold up the shutdown."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def call_on_stop_signal(close: Callable[[], None]) -> Iterator[None]:
    """Call `close` on the event loop on SIGTERM and SIGINT, before the handlers that were set already.

    Does nothing outside the main thread, where Python delivers no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def stopping(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(close)
        handler = previous[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in STOP_SIGNALS:
        signal.signal(number, stopping)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
