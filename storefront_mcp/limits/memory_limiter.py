"""Rate limiter in the memory of one worker, with a bounded number of buckets."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from storefront_mcp.access.rate_limits import (
    LimitExceeded,
    Meter,
    PermitRequest,
    RateLimit,
    RateLimiter,
    RuleName,
)

MAX_BUCKETS: Final = 20_000
"""Keys of one rule of one store, about 3 MB when all rules are full.

Plain dicts: each request takes two permits or more, and one of cachetools' maps would cost 3 µs for each."""
CLOCK_EPSILON: Final = 1e-9
"""Share of a permit that rounding of the clock may cost."""


class MemoryRateLimiter(RateLimiter):
    """`RateLimiter` with the generic cell rate algorithm (ITU-T I.371).

    A bucket is one number: the time at which it will be full again. A full bucket equals no bucket, so the least
    recently used one is dropped first. Each rule has its own table: many client addresses never push out the one
    bucket of a rule that all share.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._tables: defaultdict[tuple[str, str], OrderedDict[str, float]] = defaultdict(OrderedDict)

    async def take(self, store: str, asks: Sequence[PermitRequest], *, charge: bool = True) -> LimitExceeded | None:
        """Take one permit of each rule, or none of any; with `charge` false, only check. None if allowed."""
        now = self._clock()
        fulls, worst = [], None
        for permit in asks:
            rate = permit.rate
            table = self._tables[store, permit.rule]
            full = max(table.get(permit.key, now), now) + rate.interval
            wait = full - rate.burst * rate.interval - now
            if wait > rate.interval * CLOCK_EPSILON and (worst is None or wait > worst.wait):
                worst = LimitExceeded(rule=permit.rule, rate=rate, wait=wait)
            fulls.append((table, permit.key, full))
        if worst is not None:
            return worst
        if charge:
            for table, key, full in fulls:
                table[key] = full
                table.move_to_end(key)
                if len(table) > self._max_buckets:
                    table.popitem(last=False)
        return None

    def meter(self, store: str, rule: RuleName, rate: RateLimit) -> Meter:
        """A function that takes one permit of a rule: `take` with everything looked up once, for the hot path."""
        table, clock, max_buckets, interval = self._tables[store, rule], self._clock, self._max_buckets, rate.interval
        tolerance = (rate.burst - 1 + CLOCK_EPSILON) * interval

        async def take_one(key: str) -> LimitExceeded | None:
            now = clock()
            full = table.get(key, now)
            if full < now:  # noqa: PLR1730 -- a call costs as much as all the rest
                full = now
            if full - now > tolerance:
                return await self.take(store, (PermitRequest(rule, key, rate),))
            table[key] = full + interval
            table.move_to_end(key)
            if len(table) > max_buckets:
                table.popitem(last=False)
            return None

        return take_one

    def __len__(self) -> int:
        """Buckets in memory."""
        return sum(map(len, self._tables.values()))
