"""The catalogue cache of one store in one worker: one question at a time for each key, and old answers in an outage."""

import asyncio
import contextvars
import datetime as dt
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.catalogue.cache_freshness import EARLY_FACTOR, TIME_SPREAD, FreshnessRule
from storefront_mcp.catalogue.cache_memory import CacheEntry, CacheKey, CacheMemory
from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.errors import ShopBusy, ShopDown, ShopError
from storefront_mcp.instrumentation import JOB_STORE, REQUEST_CONTEXT, RequestContext, request_id

V = TypeVar("V", bound=CatalogueValue)

log: Final = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5.0
"""Between two questions to a shop that does not answer, for one key."""
MAX_RETRY_SECONDS: Final = 60.0
"""The longest pause that a busy shop is given."""
OUTAGE_WAIT_SECONDS: Final = 5.0
"""For how long the shop is waited for where an old answer is at hand."""
FLIGHT_SECONDS: Final = 60.0
"""Of one question with all of its requests, each of which has timeouts of its own."""
MAX_CHANGES: Final = 2_000
"""Changed products that are remembered; with more of them everything counts as changed."""

_encode: Final = msgspec.msgpack.Encoder().encode


class ReadKind(Struct, Generic[V], frozen=True, kw_only=True):
    """One way to read a catalogue."""

    name: str
    rule: FreshnessRule
    error: type[ShopError] | None = None
    """What says that there is no such thing: made of the key that was asked for."""
    skus: Callable[[V], Iterable[str]] | None = None
    """SKUs of the products that a value shows."""


class CatalogueCache:
    """What a shop said, for as long as the rules allow.

    A question that is under way is joined, not repeated. It belongs to the cache: a caller that hangs up ends nothing.
    """

    def __init__(
        self,
        store: str,
        memory: CacheMemory,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        outage_wait: float = OUTAGE_WAIT_SECONDS,
    ) -> None:
        """`clock` measures lives, `now` gives Unix seconds, `chance` a number from 0 to 1."""
        self._store = store
        self.memory: Final = memory
        self._clock = clock
        self._now = now
        self._chance = chance
        self._outage_wait = outage_wait
        self._flights: dict[CacheKey, asyncio.Task[Any]] = {}
        self._changes: dict[str, float] = {}
        """Changed products, case-folded, and when (Unix seconds)."""
        self._all_changed_at = -math.inf
        self.counts: Final[Counter[str]] = Counter()
        """How many reads were answered from where: see `docs/metrics.md`."""

    async def read(self, kind: ReadKind[V], arguments: Hashable, ask: Callable[..., Awaitable[V]], *args: object) -> V:
        """The value of these arguments: as cached, or as `ask(*args)` gives it. Raises as `ask`."""
        if not kind.rule.fresh:
            return await ask(*args)
        key = (kind.name, arguments)
        entry = self.memory.find(key)
        if entry is not None:
            now = self._clock()
            if now < entry.early_at:
                self.counts["memory"] += 1
                value: V = entry.value
                return value
            return await self._read_old(kind, key, entry, now, ask, args)
        if self.memory.is_missing(key, self._clock()) and kind.error is not None:
            self.counts["missing"] += 1
            raise kind.error(str(arguments))
        return await asyncio.shield(self._flight(kind, key, ask, args))

    def forget(self, skus: Iterable[str], *, at: float | None = None) -> None:
        """Ask anew for what shows these products, and for what was asked before `at` (Unix seconds; None: now)."""
        at = self._now() if at is None else at
        changed = self.memory.drop_products(sku.casefold() for sku in skus)
        self._changes.update(dict.fromkeys(changed, at))
        if len(self._changes) > MAX_CHANGES:
            self.forget_all(at=at)

    def forget_all(self, *, at: float | None = None) -> None:
        """Ask anew for everything."""
        self.memory.clear()
        self._changes.clear()
        self._all_changed_at = self._now() if at is None else at

    async def close(self) -> None:
        """Cancel what is under way, and wait for its end."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    async def _read_old(
        self,
        kind: ReadKind[V],
        key: CacheKey,
        entry: CacheEntry,
        now: float,
        ask: Callable[..., Awaitable[V]],
        args: tuple[object, ...],
    ) -> V:
        """The value of an entry that is old, or nearly: refreshed, refreshed behind, or marked."""
        value: V = entry.value
        may_ask = now >= entry.retry_at
        if now < entry.refreshing_until:
            if may_ask and (now >= entry.fresh_until or self._is_early(entry, now)):
                self._flight(kind, key, ask, args, is_awaited=False)
            fresh = now < entry.fresh_until or not entry.failed
            self.counts["memory" if now < entry.fresh_until else "refreshing" if fresh else "stale"] += 1
            return value if fresh else mark_stale(value)
        if now >= entry.outage_until:
            return await asyncio.shield(self._flight(kind, key, ask, args))
        if may_ask:
            flight = self._flight(kind, key, ask, args)
            await asyncio.wait((flight,), timeout=self._outage_wait)
            if flight.done() and not isinstance(flight.exception(), ShopDown | ShopBusy):
                return flight.result()
        self.counts["stale"] += 1
        return mark_stale(value)

    def _is_early(self, entry: CacheEntry, now: float) -> bool:
        """Whether to refresh before the end, more likely the nearer it is (XFetch, Vattani and others 2015)."""
        return now - entry.cost * math.log(max(self._chance(), 1e-9)) >= entry.fresh_until

    def _flight(
        self,
        kind: ReadKind[V],
        key: CacheKey,
        ask: Callable[..., Awaitable[V]],
        args: tuple[object, ...],
        *,
        is_awaited: bool = True,
    ) -> "asyncio.Task[V]":
        """The question under way for a key, begun if there is none; `is_awaited` by whoever asks."""
        flight = self._flights.get(key)
        if flight is not None:
            self.counts["joined"] += 1
            return flight
        context = self._context(is_awaited=is_awaited)
        flight = asyncio.create_task(self._ask(kind, key, ask, args), name=f"read {kind.name}", context=context)
        self._flights[key] = flight
        flight.add_done_callback(lambda ended: self._end_flight(key, ended))
        return flight

    def _context(self, *, is_awaited: bool) -> contextvars.Context:
        """What a question is asked in: of the first caller, if it waits, the trace and the request's id, nothing else.

        Others wait for the same answer, so no header of one of them, above all no token, may be at hand.
        """
        context = contextvars.copy_context() if is_awaited else contextvars.Context()
        request = RequestContext(store=self._store, _id=request_id()) if is_awaited and request_id() else None
        context.run(REQUEST_CONTEXT.set, request)
        context.run(JOB_STORE.set, self._store)
        return context

    def _end_flight(self, key: CacheKey, flight: "asyncio.Task[Any]") -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()

    async def _ask(
        self, kind: ReadKind[V], key: CacheKey, ask: Callable[..., Awaitable[V]], args: tuple[object, ...]
    ) -> V:
        began, fetched = self._clock(), self._now()
        self.counts["shop"] += 1
        try:
            async with asyncio.timeout(FLIGHT_SECONDS):
                value = await ask(*args)
        except TimeoutError as late:
            self._note_failure(key, RETRY_SECONDS)
            raise ShopDown(internal=f"{kind.name}: no whole answer within {FLIGHT_SECONDS:.0f} s") from late
        except ShopBusy as busy:
            self._note_failure(key, min(busy.retry_after, MAX_RETRY_SECONDS))
            raise
        except ShopDown:
            self._note_failure(key, RETRY_SECONDS)
            raise
        except ShopError as refused:
            self.memory.drop(key)
            if kind.error is not None and type(refused) is kind.error and not self._has_changed((), fetched):
                listed = self.memory.is_listed(str(key[1]))
                life = kind.rule.missing_listed if listed else kind.rule.missing
                self.memory.put_missing(key, began + life)
            raise
        self._keep(kind, key, value, fetched=fetched, began=began, cost=self._clock() - began)
        return value

    def _keep(self, kind: ReadKind[V], key: CacheKey, value: V, *, fetched: float, began: float, cost: float) -> None:
        skus = frozenset() if kind.skus is None else frozenset(sku.casefold() for sku in kind.skus(value) if sku)
        if self._has_changed(skus, fetched):
            return
        kept = replace(value, as_of=utc_text(fetched))
        rule, spread = kind.rule, 1 + TIME_SPREAD * (2 * self._chance() - 1)
        fresh_until = began + rule.fresh * spread
        self.memory.put(
            key,
            CacheEntry(
                value=kept,
                fetched=fetched,
                early_at=fresh_until - min(EARLY_FACTOR * cost, rule.fresh / 2),
                fresh_until=fresh_until,
                refreshing_until=max(fresh_until, began + rule.refreshing * spread),
                outage_until=began + max(rule.fresh, rule.outage),
                cost=cost,
                encoded_bytes=len(_encode(kept)),
                skus=skus,
            ),
        )

    def _has_changed(self, skus: Iterable[str], fetched: float) -> bool:
        """Whether what was asked for then is known to be out of date."""
        return fetched <= self._all_changed_at or any(self._changes.get(sku, -math.inf) >= fetched for sku in skus)

    def _note_failure(self, key: CacheKey, pause: float) -> None:
        entry = self.memory.find(key)
        if entry is not None:
            entry.failed, entry.retry_at = True, self._clock() + pause


def utc_text(moment: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the second.

    >>> utc_text(1_800_000_000.7)
    '2027-01-15T08:00:00Z'
    """
    return dt.datetime.fromtimestamp(int(moment), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def mark_stale(value: V) -> V:
    """The value, marked as what the shop said before it stopped answering."""
    return replace(value, stale=True)
