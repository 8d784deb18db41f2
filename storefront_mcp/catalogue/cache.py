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
from storefront_mcp.catalogue.cache_level import SharedAnswer, SharedKey, SharedLevel
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
CLAIM_WAIT_SECONDS: Final = 0.6
"""For how long the answer of a worker that asks the shop now is waited for: most of a real shop's come within it."""
CLAIM_LOOKS: Final = 12
"""Looks for it meanwhile."""
CLOCK_SKEW_SECONDS: Final = 2.0
"""By which clocks of machines may differ."""
FLIGHT_SECONDS: Final = 60.0
"""Of one question with all of its requests, each of which has timeouts of its own."""
MAX_CHANGES: Final = 2_000
"""Changed products that are remembered; with more of them everything counts as changed."""

_encode: Final = msgspec.msgpack.Encoder().encode


class ReadKind(Struct, Generic[V], frozen=True, kw_only=True):
    """One way to read a catalogue."""

    name: str
    shape: type[V]
    rule: FreshnessRule
    error: type[ShopError] | None = None
    """What says that there is no such thing: made of the key that was asked for."""
    skus: Callable[[V], Iterable[str]] | None = None
    """SKUs of the products that a value shows."""


class CatalogueCache:
    """What a shop said, for as long as the rules allow.

    A question that is under way is joined, not repeated. It belongs to the cache: a caller that hangs up ends nothing.
    """

    def __init__(  # noqa: PLR0913 -- all but two have a value that fits
        self,
        store: str,
        memory: CacheMemory,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
        outage_wait: float = OUTAGE_WAIT_SECONDS,
        shared: SharedLevel | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` measures lives, `now` gives Unix seconds, `chance` a number from 0 to 1; `sleep` waits for others."""
        self._store = store
        self.memory: Final = memory
        self._clock = clock
        self._now = now
        self._chance = chance
        self._outage_wait = outage_wait
        self._shared = shared
        self._sleep = sleep
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
        flight = asyncio.create_task(
            self._ask(kind, key, ask, args, is_awaited=is_awaited), name=f"read {kind.name}", context=context
        )
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
        self,
        kind: ReadKind[V],
        key: CacheKey,
        ask: Callable[..., Awaitable[V]],
        args: tuple[object, ...],
        *,
        is_awaited: bool,
    ) -> V:
        """What another worker was told, else what the shop says; in an outage what it told another worker before."""
        shared, may_ask = await self._find_shared(kind, key)
        if shared is not None and self._is_of_use(kind, key, shared):
            self.counts["shared"] += 1
            return self._keep_shared(kind, key, shared)
        entry = self.memory.find(key)
        if not (may_ask or is_awaited) and entry is not None:
            # Another worker refreshes it.
            entry.retry_at = self._clock() + CLAIM_WAIT_SECONDS
            value: V = entry.value
            return value
        try:
            return await self._ask_shop(kind, key, ask, args)
        except (ShopDown, ShopBusy):
            if shared is None or shared.value is None or self._age(shared) >= kind.rule.outage:
                raise
            self.counts["stale"] += 1
            old = self._keep_shared(kind, key, shared)
            self._note_failure(key, RETRY_SECONDS)
            return mark_stale(old)

    async def _find_shared(self, kind: ReadKind[V], key: CacheKey) -> tuple[SharedAnswer | None, bool]:
        """What others keep, and whether this worker is to ask the shop; else what the one that asks has got by now."""
        if self._shared is None:
            return None, True
        wanted = SharedKey(kind.name, kind.shape, key[1])
        found = await self._shared.find(wanted)
        found = found if found is None or self._is_valid(kind, found) else None
        if found is not None and self._is_of_use(kind, key, found):
            return found, False
        if await self._shared.claim(wanted):
            return found, True
        for _ in range(CLAIM_LOOKS):
            await self._sleep(CLAIM_WAIT_SECONDS / CLAIM_LOOKS)
            fresh = await self._shared.find(wanted)
            if fresh is not None and self._is_valid(kind, fresh) and self._is_of_use(kind, key, fresh):
                return fresh, False
        return found, False

    def _is_valid(self, kind: ReadKind[V], found: SharedAnswer) -> bool:
        """Whether it is neither of a clock that is wrong, nor known to be out of date."""
        skus = () if found.value is None else self._skus(kind, found.value)
        return found.fetched <= self._now() + CLOCK_SKEW_SECONDS and not self._has_changed(
            skus, found.fetched - CLOCK_SKEW_SECONDS
        )

    def _is_of_use(self, kind: ReadKind[V], key: CacheKey, found: SharedAnswer) -> bool:
        """Whether it need not be asked for: fresher than what this worker has, and not old."""
        age = self._age(found)
        if found.value is None:
            return kind.error is not None and age < kind.rule.missing
        entry = self.memory.find(key)
        if entry is not None:
            return found.fetched > entry.fetched and age < kind.rule.fresh
        return age < max(kind.rule.fresh, kind.rule.refreshing)

    def _age(self, found: SharedAnswer) -> float:
        return max(self._now() - found.fetched, 0.0)

    def _keep_shared(self, kind: ReadKind[V], key: CacheKey, found: SharedAnswer) -> V:
        began = self._clock() - self._age(found)
        if found.value is None and kind.error is not None:
            self.memory.put_missing(key, began + kind.rule.missing)
            raise kind.error(str(key[1]))
        value: V = found.value
        encoded = len(_encode(value))
        self._put(kind, key, value, encoded, fetched=found.fetched, began=began, cost=found.cost)
        return value

    async def _ask_shop(
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
                await self._share(kind, key, _encode(None), fetched=fetched, cost=0.0, life=life)
            raise
        if not self._has_changed(self._skus(kind, value), fetched):
            kept, cost = replace(value, as_of=utc_text(fetched)), self._clock() - began
            encoded = _encode(kept)
            self._put(kind, key, kept, len(encoded), fetched=fetched, began=began, cost=cost)
            await self._share(kind, key, encoded, fetched=fetched, cost=cost, life=kind.rule.longest)
        return value

    async def _share(
        self, kind: ReadKind[V], key: CacheKey, encoded: bytes, *, fetched: float, cost: float, life: float
    ) -> None:
        if self._shared is not None:
            wanted = SharedKey(kind.name, kind.shape, key[1])
            await self._shared.put(wanted, encoded, fetched=fetched, cost=cost, life=life)

    def _put(
        self,
        kind: ReadKind[V],
        key: CacheKey,
        value: V,
        encoded_bytes: int,
        *,
        fetched: float,
        began: float,
        cost: float,
    ) -> None:
        rule, spread = kind.rule, 1 + TIME_SPREAD * (2 * self._chance() - 1)
        fresh_until = began + rule.fresh * spread
        self.memory.put(
            key,
            CacheEntry(
                value=value,
                fetched=fetched,
                early_at=fresh_until - min(EARLY_FACTOR * cost, rule.fresh / 2),
                fresh_until=fresh_until,
                refreshing_until=max(fresh_until, began + rule.refreshing * spread),
                outage_until=began + max(rule.fresh, rule.outage),
                cost=cost,
                encoded_bytes=encoded_bytes,
                skus=self._skus(kind, value),
            ),
        )

    @staticmethod
    def _skus(kind: ReadKind[V], value: V) -> frozenset[str]:
        """SKUs of the products in a value, case-folded."""
        return frozenset() if kind.skus is None else frozenset(sku.casefold() for sku in kind.skus(value) if sku)

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
