"""What clients may make one worker keep in a day: so much each, and so much all together."""

import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

DAY_SECONDS: Final = 86_400.0
MAX_HOLDERS: Final = 20_000
"""Clients that are counted by themselves; any more count only in the sum."""


class DailyQuota(Struct, frozen=True, kw_only=True):
    """Bounds of a day."""

    per_holder: int
    in_all: int


class DailyBudget:
    """Counts what each holder (a client address; empty when unknown or shared) makes a worker keep from day to day."""

    def __init__(self, quota: DailyQuota, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._quota = quota
        self._clock = clock
        self._day = -1
        self._spent: dict[str, int] = {}
        self._total = 0

    def spend(self, holder: str) -> bool:
        """Count one more; whether it is within the day's budget."""
        today = int(self._clock() // DAY_SECONDS)
        if today != self._day:
            self._day, self._spent, self._total = today, {}, 0
        spent = self._spent.get(holder, 0)
        if self._total >= self._quota.in_all or (holder and spent >= self._quota.per_holder):
            return False
        if holder and (spent or len(self._spent) < MAX_HOLDERS):
            self._spent[holder] = spent + 1
        self._total += 1
        return True
