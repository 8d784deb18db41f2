"""Cache of look-ups in a blocking record: all who want the same thing at once share one."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from cachetools import TLRUCache

_K = TypeVar("_K")
_V = TypeVar("_V")
_Entry = tuple[float, asyncio.Task[_V]]


class LookUpCache(Generic[_K, _V]):
    """What a record said of a key, for some seconds from when it was asked."""

    def __init__(self, find: Callable[[_K], _V], *, seconds: float, size: int, clock: Callable[[], float]) -> None:
        """`find` is called in a thread; `size` bounds the keys."""
        self._find = find
        self._clock = clock
        self._entries: TLRUCache[_K, _Entry[_V]] = TLRUCache(
            size, lambda _key, entry, _now: entry[0] + seconds, timer=clock
        )

    async def find(self, key: _K) -> _V:
        """What the record says. Raises what `find` raises, which is not kept."""
        entry = self._entries.get(key)
        if entry is None:
            # The time before the look-up: the next one sees what was written meanwhile.
            moment = self._clock()
            task = asyncio.create_task(asyncio.to_thread(self._find, key), name="look up a credential")
            entry = self._entries[key] = (moment, task)
            task.add_done_callback(partial(self._forget_failure, key))
        _, task = entry
        return task.result() if task.done() else await asyncio.shield(task)

    def __len__(self) -> int:
        """How many keys are in it."""
        return len(self._entries)

    def _forget_failure(self, key: _K, task: asyncio.Task[_V]) -> None:
        if task.cancelled() or task.exception() is not None:
            entry = self._entries.get(key)
            if entry is not None and entry[1] is task:
                self._entries.pop(key, None)
