"""Faults of a run during which faulty answers are to be expected, and which requests met one."""

import contextlib
from collections.abc import AsyncIterator, Callable


class Disturbances:
    """Counts the faults that go on, and those that ever began."""

    def __init__(self) -> None:
        self._going_on = 0
        self._begun = 0

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A fault that goes on until the block ends."""
        self._begun += 1
        self._going_on += 1
        try:
            yield
        finally:
            self._going_on -= 1

    def watch(self) -> Callable[[], bool]:
        """Begin to watch; the answer tells whether any fault has gone on since, however short it was."""
        met, begun = self._going_on > 0, self._begun
        return lambda: met or self._begun != begun
