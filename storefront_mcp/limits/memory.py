"""Token buckets in the memory of one worker, as many as fit and no more."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from storefront_mcp.calls.limits import PASSES, Ask, Refusal

AT_MOST: Final = 20_000
"""Keys of one rule of one store; about 3 MB when all rules are full."""


class MemoryBuckets:
    """Implements `calls.limits.Buckets` with the generic cell rate algorithm (ITU-T I.371).

    A bucket is one number: the time at which it will be full again. A full bucket is the same as no bucket, so whoever
    was not heard of longest is forgotten first. Rules have tables of their own: strangers by the thousand never push
    out the one bucket that belongs to everybody.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, at_most: int = AT_MOST) -> None:
        self._clock = clock
        self._at_most = at_most
        self._tables: dict[tuple[str, str], OrderedDict[str, float]] = {}

    def take(self, store: str, asks: Sequence[Ask], *, charge: bool = True) -> Awaitable[Refusal | None]:
        """One token of each, or none of any. Decided at once: nearly every request passes here, twice."""
        now = self._clock()
        fulls, worst = [], None
        # Nobody is called on the way where it can be helped.
        for ask in asks:
            rate = ask.rate
            table = self._tables.get((store, ask.rule))
            if table is None:
                table = self._tables[store, ask.rule] = OrderedDict()
            full = table.get(ask.key, now)
            if full < now:  # noqa: PLR1730 -- as above
                full = now
            interval = rate.interval
            wait = full + interval - rate.burst * interval - now
            # A clock's last digits must not cost a token.
            if wait > interval * 1e-9 and (worst is None or wait > worst.wait):
                worst = Refusal(rule=ask.rule, rate=rate, wait=wait)
            fulls.append((table, ask.key, full + interval))
        if worst is not None:
            return _refused(worst)
        if charge:
            for table, key, full in fulls:
                table[key] = full
                table.move_to_end(key)
                if len(table) > self._at_most:
                    table.popitem(last=False)
        return PASSES

    def __len__(self) -> int:
        """Buckets that are remembered."""
        return sum(map(len, self._tables.values()))


async def _refused(refusal: Refusal) -> Refusal:
    return refusal
