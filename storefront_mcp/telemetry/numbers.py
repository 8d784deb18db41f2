"""Prometheus: what is counted while requests are answered, in one process or several."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Final, TypeVar

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from storefront_mcp.calls.watching import AVERTED, Asking, Look
from storefront_mcp.telemetry import names
from storefront_mcp.telemetry.clients import Clients
from storefront_mcp.telemetry.names import Metric
from storefront_mcp.telemetry.tally import OTHER, Batch, Counts, Times

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own: where processes keep numbers that are told as one. It is read as the library is imported."""
OK: Final = "ok"
CALL: Final = "tools/call"
EVERY: Final = 1.0
"""Seconds until what was counted is told."""
W = TypeVar("W", bound=MetricWrapperBase)


class Numbers:
    """Counts for all stores of one process."""

    def __init__(self, *, tools: frozenset[str], version: str, clock: Callable[[], float] = perf_counter) -> None:
        """`tools` are the promised ones; whatever else is called is `other`."""
        self.registry = CollectorRegistry()
        self.clock = clock
        self.tools = tools
        self.clients = Clients()
        self.requests = Times(self._made(Batch, names.REQUESTS, buckets=names.FAST), names.FAST)
        self.asked = Counts(self._made(Counter, names.ASKED))
        call_seconds = self._made(Batch, names.CALL_SECONDS, buckets=names.FAST)
        self.calls = Times(call_seconds, names.FAST, told_by=2, events=self._made(Counter, names.CALLS))
        self.shop_seconds = Times(self._made(Batch, names.SHOP_SECONDS, buckets=names.PATIENT), names.PATIENT)
        self.limited = Counts(self._made(Counter, names.LIMITED))
        self.circuit = self._made(Gauge, names.CIRCUIT, multiprocess_mode="livemax")
        self.streams = self._made(Gauge, names.STREAMS, multiprocess_mode="livesum")
        self._made(Gauge, names.BUILD, multiprocess_mode="max").labels(version).set(1)
        if SHARED not in os.environ:
            ProcessCollector(registry=self.registry)

    def at(self, store: str) -> "StoreNumbers":
        """A watcher for one store."""
        return StoreNumbers(self, store)

    def hand_over(self) -> None:
        """Tell the library what was counted since the last time."""
        for counted in (self.requests, self.asked, self.calls, self.shop_seconds, self.limited):
            counted.hand_over()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self.hand_over()
                await asyncio.sleep(EVERY)
        finally:
            self.hand_over()

    def _made(self, kind: Callable[..., W], metric: Metric, **more: Any) -> W:  # noqa: ANN401 -- the library's options
        return kind(metric.name, metric.help, metric.labels, registry=self.registry, **more)


class StoreNumbers:
    """Implements `calls.watching.Watcher`."""

    def __init__(self, numbers: Numbers, store: str) -> None:
        self._numbers = numbers
        self._clients = numbers.clients
        self._store = store
        self._open: bool | None = None
        self.circuit(opened=False)
        numbers.streams.labels(store)

    def asked(self, asking: Asking) -> Look:
        """Count a request; a tool call at its end."""
        numbers, method, protocol, client = self._numbers, asking.method, asking.protocol, self._clients.of(asking)
        if method != CALL:
            numbers.asked.add((self._store, method, protocol, client))
            return AVERTED
        named = asking.named()
        return CallCount(
            numbers, self._store, named if named in numbers.tools else OTHER, client, protocol, numbers.clock()
        )

    def asks_shop(self, operation: str) -> "ShopCount":
        """Time a question to the shop."""
        return ShopCount(self._numbers, self._store, operation, self._numbers.clock())

    def circuit(self, *, opened: bool) -> None:
        """Tell it where it changed."""
        if opened is not self._open:
            self._open = opened
            self._numbers.circuit.labels(self._store).set(int(opened))

    def limited(self, rule: str) -> None:
        """One more."""
        self._numbers.limited.add((self._store, rule))


class CallCount(Struct):
    """One call of a tool."""

    numbers: Numbers
    store: str
    tool: str
    client: str
    protocol: str
    began: float
    outcome: str = OK

    def became(self, outcome: str) -> None:
        """The first word stands."""
        if self.outcome is OK:
            self.outcome = outcome

    def refused(self, code: int) -> None:
        """Where nothing more telling was said."""
        self.became(str(code))

    def ended(self) -> None:
        """Count it."""
        numbers = self.numbers
        seconds = numbers.clock() - self.began
        numbers.calls.add((self.store, self.tool, self.outcome, self.client, self.protocol), seconds)


class ShopCount(Struct):
    """One question to the shop."""

    numbers: Numbers
    store: str
    operation: str
    began: float
    outcome: str = OK

    headers: ClassVar[Mapping[str, str]] = {}

    def became(self, outcome: str) -> None:
        """The first word stands."""
        if self.outcome is OK:
            self.outcome = outcome

    def refused(self, code: int) -> None:
        """Shops speak no protocol of ours."""

    def ended(self) -> None:
        """Count it."""
        numbers = self.numbers
        seconds = numbers.clock() - self.began
        numbers.shop_seconds.add((self.store, self.operation, self.outcome), seconds)


def shared_directory() -> Path | None:
    """Where the processes of this server keep their numbers; None for a single one."""
    return Path(os.environ[SHARED]) if SHARED in os.environ else None
