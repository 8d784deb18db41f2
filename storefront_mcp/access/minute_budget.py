"""`MinuteBudget`: how often one client address may have something done in a minute, counted by each worker."""

from collections.abc import Callable
from typing import Final

from cachetools import TTLCache

MAX_COUNTED_ADDRESSES: Final = 4096
MINUTE_SECONDS: Final = 60.0


class MinuteBudget:
    """Counts by address and minute."""

    def __init__(self, at_most: int, *, now: Callable[[], float]) -> None:
        """`at_most` times a minute; `now` gives Unix seconds."""
        self._at_most = at_most
        self._now = now
        self._spent: TTLCache[tuple[str, int], int] = TTLCache(MAX_COUNTED_ADDRESSES, MINUTE_SECONDS, timer=now)

    def spend(self, address: str) -> bool:
        """Count one more, if there is one left."""
        this = (address, int(self._now() // MINUTE_SECONDS))
        spent = self._spent.get(this, 0)
        if spent >= self._at_most:
            return False
        self._spent[this] = spent + 1
        return True
