"""Token buckets in the memory of one worker, as many as fit and no more."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from storefront_mcp.calls.limits import Ask, Refusal

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

    async def take(self, store: str, asks: Sequence[Ask], *, charge: bool = True) -> Refusal | None:
        """One token of each, or none of any."""
        now = self._clock()
        if len(asks) == 1:
            # The way of nearly every request: no calls of functions where it can be helped.
            ask = asks[0]
            rate, key = ask.rate, ask.key
            table = self._tables.get((store, ask.rule)) or self._table(store, ask)
            full = table.get(key, now)
            if full < now:  # noqa: PLR1730 -- as above
                full = now
            interval = rate.interval
            wait = full + interval - rate.burst * interval - now
            # A clock's last digits must not cost a token.
            if wait > interval * 1e-9:
                return Refusal(rule=ask.rule, rate=rate, wait=wait)
            if charge:
                table[key] = full + interval
                table.move_to_end(key)
                if len(table) > self._at_most:
                    table.popitem(last=False)
            return None
        refusals = [refusal for ask in asks if (refusal := await self.take(store, (ask,), charge=False))]
        if refusals:
            return max(refusals, key=lambda refusal: refusal.wait)
        if charge:
            for ask in asks:
                table = self._table(store, ask)
                self._keep(table, ask.key, max(table.get(ask.key, now), now) + ask.rate.interval)
        return None

    def __len__(self) -> int:
        """Buckets that are remembered."""
        return sum(map(len, self._tables.values()))

    def _table(self, store: str, ask: Ask) -> "OrderedDict[str, float]":
        table = self._tables.get((store, ask.rule))
        if table is None:
            table = self._tables[store, ask.rule] = OrderedDict()
        return table

    def _keep(self, table: "OrderedDict[str, float]", key: str, full: float) -> None:
        table[key] = full
        table.move_to_end(key)
        if len(table) > self._at_most:
            table.popitem(last=False)
