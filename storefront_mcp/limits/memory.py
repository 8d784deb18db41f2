"""Token buckets in the memory of one worker, as many as fit and no more."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from storefront_mcp.calls.limits import PASSES, Ask, Buckets, Meter, Rate, Refusal, RuleName

AT_MOST: Final = 20_000
"""Keys of one rule of one store; about 3 MB when all rules are full."""
DUST: Final = 1e-9
"""Of a token: a clock's last digits must not cost one."""


class MemoryBuckets(Buckets):
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
        """One token of each, or none of any. Decided at once."""
        now = self._clock()
        fulls, worst = [], None
        for ask in asks:
            rate = ask.rate
            table = self._table(store, ask.rule)
            full = max(table.get(ask.key, now), now) + rate.interval
            wait = full - rate.burst * rate.interval - now
            if wait > rate.interval * DUST and (worst is None or wait > worst.wait):
                worst = Refusal(rule=ask.rule, rate=rate, wait=wait)
            fulls.append((table, ask.key, full))
        if worst is not None:
            return _refused(worst)
        if charge:
            for table, key, full in fulls:
                table[key] = full
                table.move_to_end(key)
                if len(table) > self._at_most:
                    table.popitem(last=False)
        return PASSES

    def meter(self, store: str, rule: RuleName, rate: Rate) -> Meter:
        """As `take` for one token, with nothing left to look up: nearly every request passes two of these."""
        table, clock, at_most, interval = self._table(store, rule), self._clock, self._at_most, rate.interval
        behind = (rate.burst - 1 + DUST) * interval

        def taken(key: str) -> Awaitable[Refusal | None]:
            now = clock()
            full = table.get(key, now)
            if full < now:  # noqa: PLR1730 -- a call costs as much as all the rest
                full = now
            if full - now > behind:
                return self.take(store, (Ask(rule, key, rate),))
            table[key] = full + interval
            table.move_to_end(key)
            if len(table) > at_most:
                table.popitem(last=False)
            return PASSES

        return taken

    def _table(self, store: str, rule: RuleName) -> OrderedDict[str, float]:
        return self._tables.setdefault((store, rule), OrderedDict())

    def __len__(self) -> int:
        """Buckets that are remembered."""
        return sum(map(len, self._tables.values()))


async def _refused(refusal: Refusal) -> Refusal:
    return refusal
