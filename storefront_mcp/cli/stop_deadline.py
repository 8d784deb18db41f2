"""A process that was told to stop ends within a bound, and one that has to be ended says what it was doing."""

import asyncio
import faulthandler
import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Final

GRACEFUL_SECONDS: Final = 25
"""For requests in flight; proxies and container hosts allow about as much."""
STOP_SECONDS: Final = 50.0
"""For all of a shutdown: requests in flight, entries that wait to be written, and connections."""
TELL_SECONDS: Final = 5.0
"""Before the end of those, what is still awaited is logged."""
MAX_FRAMES: Final = 4
"""Told of each task."""

logger = logging.getLogger(__name__)


class StopDeadline:
    """Ends this process with status 1, and its threads' stacks on stderr, if it still runs `seconds` after `start`."""

    def __init__(self, seconds: float = STOP_SECONDS) -> None:
        self._seconds = seconds
        self._started = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to count, once. For a signal handler: it takes no lock that the interrupted code may hold."""
        if self._started:
            return
        self._started = True
        if sys.__stderr__ is not None:
            faulthandler.dump_traceback_later(self._seconds, exit=True, file=sys.__stderr__)
        loop.call_soon_threadsafe(loop.call_later, max(0.0, self._seconds - TELL_SECONDS), _tell, loop)

    def cancel(self) -> None:
        """It has ended in time."""
        if self._started:
            faulthandler.cancel_dump_traceback_later()


def _tell(loop: asyncio.AbstractEventLoop) -> None:
    logger.error("The shutdown takes too long. What is awaited:\n%s", "\n".join(_list_tasks(loop)))


def _list_tasks(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    for task in asyncio.all_tasks(loop):
        frames = task.get_stack(limit=MAX_FRAMES)
        yield f"task {task.get_name()}\n" + "".join("".join(traceback.format_stack(one, limit=1)) for one in frames)
