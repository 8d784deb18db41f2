"""Usage figures for the console: counted in memory, written to the database every few seconds."""

import asyncio
import datetime as dt
import logging
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from storefront_mcp.access.rate_limits import DailyBudget, DailyQuota
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.instrumentation import NULL_OBSERVATION, ObservedRequest, RequestObservation, request_holder
from storefront_mcp.records.outcomes import OK
from storefront_mcp.records.usage import DURATION_BOUNDS_SECONDS, DurationSummary, Kind, UsageRepository, UsageRow
from storefront_mcp.telemetry.client_names import (
    MAX_CLIENT_CHARS,
    OTHER_CLIENT,
    UNKNOWN_CLIENT,
    client_label,
)
from storefront_mcp.telemetry.observation import CountedObservation

log: Final = logging.getLogger("storefront_mcp.telemetry")

WRITE_INTERVAL_SECONDS: Final = 5.0
"""Seconds between writes; a `kill -9` may lose that much."""
KEPT_MINUTES: Final = 8 * 24 * 60
PRUNE_INTERVAL_SECONDS: Final = 3600.0
MAX_ROWS_PER_MINUTE: Final = 2_000
"""Distinct rows between two writes, the rest is counted as one; also the size of the caches of clients, plain
dicts as each request looks one up: it saves 2 µs."""
ROW_QUOTA: Final = DailyQuota(per_holder=50_000, in_all=200_000)
"""Rows that one worker adds in a day, by one client address and in all; the rest is counted as `other`."""
MAX_SEARCH_CHARS: Final = 80
VERSION_PATTERN: Final = re.compile(r"\b\d{1,4}(?:\.\d{1,4}){0,2}\b")
CALL_METHOD: Final = "tools/call"

_UsageKey = tuple[StoreId, Kind, str, str, str]
"""Store, kind, name, client, outcome."""


class UsageRecorder:
    """Counts usage of all stores of one process."""

    def __init__(
        self,
        repository: UsageRepository,
        *,
        tools: frozenset[str],
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.perf_counter,
        every: float = WRITE_INTERVAL_SECONDS,
        budget: DailyBudget | None = None,
    ) -> None:
        """`tools` are the promised ones; any other name is counted as `other`. `every` is in seconds."""
        self.tools = tools
        self.clock = clock
        self._repository = repository
        self._now = now
        self._every = every
        self._client_labels: dict[bytes, str] = {}
        self._seen: dict[_UsageKey, list[float]] = {}
        self._prune_at = 0.0
        self._budget = budget or DailyBudget(ROW_QUOTA)
        self._minute = -1
        self._stored: set[_UsageKey] = set()

    def at(self, store: StoreId) -> "UsageInstrumentation":
        """The instrumentation of one store."""
        return UsageInstrumentation(self, store)

    def add(self, key: _UsageKey, seconds: float) -> None:
        """Count one operation."""
        counts = self._seen.get(key)
        if counts is None:
            if len(self._seen) >= MAX_ROWS_PER_MINUTE or not self._may_store(key):
                store, kind, _, _, outcome = key
                key = (store, kind, OTHER_CLIENT, OTHER_CLIENT, outcome)
            counts = self._seen.setdefault(key, [0.0] * (2 + len(DURATION_BOUNDS_SECONDS) + 1))
        counts[0] += seconds
        # The first bound is checked without a call of bisect: most operations are below it.
        counts[1] = max(counts[1], seconds)
        counts[2 if seconds <= DURATION_BOUNDS_SECONDS[0] else 2 + bisect_left(DURATION_BOUNDS_SECONDS, seconds)] += 1

    def _may_store(self, key: _UsageKey) -> bool:
        """Whether a row may be added to this minute's; one that is there costs nothing more."""
        minute = int(self._now().timestamp()) // 60
        if minute != self._minute:
            self._minute, self._stored = minute, set()
        if key not in self._stored:
            if not self._budget.spend(request_holder()):
                return False
            self._stored.add(key)
        return True

    def count_missed_search(self, store: StoreId, words: str) -> None:
        """Count a search that found nothing."""
        text = " ".join("".join(sign if sign.isprintable() else " " for sign in words.lower()).split())[
            :MAX_SEARCH_CHARS
        ]
        if text:
            self.add((store, "missed", text, "", OK), 0.0)

    def client(self, request: ObservedRequest) -> str:
        """The label of a known client, with its version."""
        raw = request.raw_client()
        known = self._client_labels.get(raw)
        if known is None:
            client = request.client()[:MAX_CLIENT_CHARS]
            known, version = client_label(client), VERSION_PATTERN.search(client)
            if version and known not in {OTHER_CLIENT, UNKNOWN_CLIENT}:
                known = f"{known} {version[0]}"
            if len(raw) <= MAX_CLIENT_CHARS:
                if len(self._client_labels) >= MAX_ROWS_PER_MINUTE:
                    self._client_labels.clear()
                self._client_labels[raw] = known
        return known

    async def run(self) -> None:
        """Write every few seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(self._every)
                # Swapped on the loop's thread, where everything is counted.
                await asyncio.to_thread(self._write, self._take_batch())
        finally:
            self.write()

    def write(self) -> None:
        """Write what was counted; blocks."""
        self._write(self._take_batch())

    def _take_batch(self) -> dict[_UsageKey, list[float]]:
        seen, self._seen = self._seen, {}
        return seen

    def _write(self, seen: Mapping[_UsageKey, Sequence[float]]) -> None:
        minute = int(self._now().timestamp()) // 60
        stores: dict[StoreId, list[UsageRow]] = {}
        for (store, kind, name, client, outcome), (total, slowest, *within) in seen.items():
            counts = [int(count) for count in within]
            line = UsageRow(
                minute=minute,
                kind=kind,
                name=name,
                client=client,
                outcome=outcome,
                sum=DurationSummary(sum(counts), total, slowest, tuple(counts[:-1])),
            )
            stores.setdefault(store, []).append(line)
        try:
            for store, lines in stores.items():
                self._repository.add(store, lines)
            if seen and self.clock() >= self._prune_at:
                self._prune_at = self.clock() + PRUNE_INTERVAL_SECONDS
                self._repository.prune(minute - KEPT_MINUTES)
        except Exception:
            # Usage figures are dropped rather than let them disturb calls.
            log.exception("%d lines of traffic could not be written and are lost", len(seen))


class UsageInstrumentation:
    """Implements `Instrumentation` for one store."""

    def __init__(self, recorder: UsageRecorder, store: StoreId) -> None:
        self._recorder = recorder
        self._store = store
        self._known: dict[tuple[str, bytes], _UsageKey] = {}

    def observe_request(self, request: ObservedRequest) -> RequestObservation:
        """Observe a tool call; other requests are not counted."""
        if request.method != CALL_METHOD:
            return NULL_OBSERVATION
        recorder = self._recorder
        source = (request.name, request.raw_client())
        key = self._known.get(source)
        call = self._key(source, request) if key is None else key
        return UsageObservation(recorder, call, recorder.clock(), request.source)

    def _key(self, source: tuple[str, bytes], request: ObservedRequest) -> _UsageKey:
        """The key of a successful call, cached but for tools that are not promised."""
        named, raw_client = source
        tool = named if named in self._recorder.tools else OTHER_CLIENT
        key: _UsageKey = (self._store, "tool", tool, self._recorder.client(request), OK)
        if tool is named and len(raw_client) <= MAX_CLIENT_CHARS:
            if len(self._known) >= MAX_ROWS_PER_MINUTE:
                self._known.clear()
            self._known[source] = key
        return key

    def observe_upstream_call(self, operation: str) -> "UsageObservation":
        """Observe a request to the shop."""
        return UsageObservation(self._recorder, (self._store, "shop", operation, "", OK), self._recorder.clock())

    def set_circuit_state(self, *, opened: bool) -> None:
        """Not counted."""

    def count_limited(self, rule: str) -> None:
        """Not counted: it is in the audit."""


class UsageObservation(CountedObservation):
    """One tool call or request to the shop."""

    recorder: UsageRecorder
    key: _UsageKey
    began: float
    protocol: str = ""
    """That a tool call came over."""

    def end(self) -> None:
        """Count it."""
        recorder, key = self.recorder, self.key
        seconds = recorder.clock() - self.began
        recorder.add(key if self.outcome == OK else (*key[:4], self.outcome), seconds)
        if self.protocol:
            recorder.add((key[0], "protocol", self.protocol, "", self.outcome), seconds)
