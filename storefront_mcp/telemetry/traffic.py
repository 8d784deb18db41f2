"""Count what the console shows: in memory while requests are answered, and into the record every few seconds."""

import asyncio
import datetime as dt
import logging
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from msgspec import Struct

from storefront_mcp.calls.traffic import OK, WITHIN, Kind, Line, Sum, TrafficBook
from storefront_mcp.calls.watching import AVERTED, Asking, Look
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.telemetry.clients import LONGEST as LONGEST_CLIENT, OTHER, UNKNOWN, recognised

log: Final = logging.getLogger("storefront_mcp.telemetry")

EVERY: Final = 5.0
"""Seconds between two looks at what is to be written; what a `kill -9` may lose."""
KEPT: Final = 8 * 24 * 60
"""Minutes."""
PRUNE_EVERY: Final = 3600.0
MOST: Final = 2_000
"""Different things that are told apart between two writings; the rest is one. Also programs that are remembered."""
LONGEST: Final = 80
"""Characters of searched words that are kept."""
VERSION: Final = re.compile(r"\b\d{1,4}(?:\.\d{1,4}){0,2}\b")
CALL: Final = "tools/call"

_Thing = tuple[StoreId, Kind, str, str, str]
"""What is told apart: store, kind, name, client, outcome."""


class Traffic:
    """Counts for all stores of one process."""

    def __init__(
        self,
        book: TrafficBook,
        *,
        tools: frozenset[str],
        now: Callable[[], dt.datetime],
        clock: Callable[[], float] = time.perf_counter,
        every: float = EVERY,
    ) -> None:
        """`tools` are the promised ones; whatever else is called is `other`."""
        self.tools = tools
        self.clock = clock
        self._book = book
        self._now = now
        self._every = every
        self._programs: dict[bytes, str] = {}
        self._seen: dict[_Thing, list[float]] = {}
        self._prune_at = 0.0

    def at(self, store: StoreId) -> "StoreTraffic":
        """Who looks on at a store."""
        return StoreTraffic(self, store)

    def add(self, thing: _Thing, seconds: float) -> None:
        """One more."""
        counts = self._seen.get(thing)
        if counts is None:
            if len(self._seen) >= MOST:
                store, kind, _, _, outcome = thing
                thing = (store, kind, OTHER, OTHER, outcome)
            counts = self._seen.setdefault(thing, [0.0] * (2 + len(WITHIN) + 1))
        counts[0] += seconds
        # Written out: most take less than the first bound, and calls cost as much as all of this.
        counts[1] = max(counts[1], seconds)
        counts[2 if seconds <= WITHIN[0] else 2 + bisect_left(WITHIN, seconds)] += 1

    def missed(self, store: StoreId, words: str) -> None:
        """Somebody searched for this and found nothing."""
        text = " ".join("".join(sign if sign.isprintable() else " " for sign in words.lower()).split())[:LONGEST]
        if text:
            self.add((store, "missed", text, "", OK), 0.0)

    def program(self, asking: Asking) -> str:
        """A known program and its version, for whatever a client says of itself."""
        said = asking.program()
        known = self._programs.get(said)
        if known is None:
            client = asking.client()[:LONGEST_CLIENT]
            known, version = recognised(client), VERSION.search(client)
            if version and known not in {OTHER, UNKNOWN}:
                known = f"{known} {version[0]}"
            if len(said) <= LONGEST_CLIENT:
                if len(self._programs) >= MOST:
                    self._programs.clear()
                self._programs[said] = known
        return known

    async def run(self) -> None:
        """Write what was counted until cancelled, and then what is left."""
        try:
            while True:
                await asyncio.sleep(self._every)
                # Taken on the loop's thread, which counts: between two events, never within one.
                await asyncio.to_thread(self._write, self._taken())
        finally:
            self.write()

    def write(self) -> None:
        """Write what was counted, now."""
        self._write(self._taken())

    def _taken(self) -> dict[_Thing, list[float]]:
        seen, self._seen = self._seen, {}
        return seen

    def _write(self, seen: Mapping[_Thing, Sequence[float]]) -> None:
        minute = int(self._now().timestamp()) // 60
        stores: dict[StoreId, list[Line]] = {}
        for (store, kind, name, client, outcome), (total, slowest, *within) in seen.items():
            counts = [int(count) for count in within]
            line = Line(
                minute=minute,
                kind=kind,
                name=name,
                client=client,
                outcome=outcome,
                sum=Sum(sum(counts), total, slowest, tuple(counts[:-1])),
            )
            stores.setdefault(store, []).append(line)
        try:
            for store, lines in stores.items():
                self._book.add(store, lines)
            if seen and self.clock() >= self._prune_at:
                self._prune_at = self.clock() + PRUNE_EVERY
                self._book.prune(minute - KEPT)
        except Exception:
            # Figures are worth less than what they are about: nobody waits for them.
            log.exception("%d lines of traffic could not be written and are lost", len(seen))


class StoreTraffic:
    """Implements `calls.watching.Watcher` for one store."""

    def __init__(self, traffic: Traffic, store: StoreId) -> None:
        self._traffic = traffic
        self._store = store
        self._known: dict[tuple[str, bytes], _Thing] = {}

    def asked(self, asking: Asking) -> Look:
        """An agent's request begins; only calls of tools are counted."""
        if asking.method != CALL:
            return AVERTED
        traffic = self._traffic
        said = (asking.named(), asking.program())
        thing = self._known.get(said)
        return Stopwatch(traffic, self._thing(said, asking) if thing is None else thing, traffic.clock())

    def _thing(self, said: tuple[str, bytes], asking: Asking) -> _Thing:
        """What a call counts as while nothing goes wrong; of a tool that is not promised, no name is remembered."""
        named, program = said
        tool = named if named in self._traffic.tools else OTHER
        thing: _Thing = (self._store, "tool", tool, self._traffic.program(asking), OK)
        if tool is named and len(program) <= LONGEST_CLIENT:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[said] = thing
        return thing

    def asks_shop(self, operation: str) -> "Stopwatch":
        """A question to the shop begins."""
        return Stopwatch(self._traffic, (self._store, "shop", operation, "", OK), self._traffic.clock())

    def circuit(self, *, opened: bool) -> None:
        """Seen by a look at the shop, not counted."""

    def limited(self, rule: str) -> None:
        """On record in the audit."""


class Stopwatch(Struct):
    """One thing under way. Implements `calls.watching.ShopLook`."""

    traffic: Traffic
    thing: _Thing
    began: float
    outcome: str = OK

    headers: ClassVar[Mapping[str, str]] = {}

    def became(self, outcome: str) -> None:
        """The first word stands."""
        if self.outcome == OK:
            self.outcome = outcome

    def refused(self, code: int) -> None:
        """Where nothing more telling was said."""
        self.became(str(code))

    def ended(self) -> None:
        """Count it."""
        traffic, thing = self.traffic, self.thing
        seconds = traffic.clock() - self.began
        traffic.add(thing if self.outcome == OK else (*thing[:4], self.outcome), seconds)
