"""Prometheus instrumentation and metrics registry, in one process or several."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from storefront_mcp.instrumentation import NULL_OBSERVATION, ObservedRequest, RequestObservation
from storefront_mcp.telemetry import metrics
from storefront_mcp.telemetry.batching import OTHER_LABEL, BatchHistogram, CounterBatch, DurationBatch
from storefront_mcp.telemetry.client_names import ClientNames
from storefront_mcp.telemetry.metrics import MetricDefinition
from storefront_mcp.telemetry.observation import CountedObservation

MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Directory of the library's multiprocess mode; the library reads it on import."""
CALL_METHOD: Final = "tools/call"
FLUSH_INTERVAL_SECONDS: Final = 1.0
W = TypeVar("W", bound=MetricWrapperBase)


class PrometheusMetrics:
    """The metrics registry of one process, for all stores."""

    def __init__(self, *, tools: frozenset[str], version: str, clock: Callable[[], float] = perf_counter) -> None:
        """`tools` are the promised ones; any other name is counted as `other`."""
        self.registry = CollectorRegistry()
        self.clock = clock
        self.tools = tools
        self.clients = ClientNames()
        self.requests = DurationBatch(
            self._create(BatchHistogram, metrics.REQUESTS, buckets=metrics.FAST_BUCKETS_SECONDS),
            metrics.FAST_BUCKETS_SECONDS,
        )
        self.agent_requests = CounterBatch(self._create(Counter, metrics.MCP_REQUESTS))
        call_seconds = self._create(BatchHistogram, metrics.CALL_SECONDS, buckets=metrics.FAST_BUCKETS_SECONDS)
        self.calls = DurationBatch(
            call_seconds, metrics.FAST_BUCKETS_SECONDS, histogram_labels=2, events=self._create(Counter, metrics.CALLS)
        )
        self.shop_seconds = DurationBatch(
            self._create(BatchHistogram, metrics.SHOP_SECONDS, buckets=metrics.SLOW_BUCKETS_SECONDS),
            metrics.SLOW_BUCKETS_SECONDS,
        )
        self.limited = CounterBatch(self._create(Counter, metrics.LIMITED))
        self._catalogue_reads = self._create(Counter, metrics.CATALOGUE_READS)
        self._catalogue_bytes = self._create(Gauge, metrics.CATALOGUE_BYTES, multiprocess_mode="livesum")
        self._catalogues: dict[str, tuple[Mapping[str, int], Callable[[], int], dict[str, int]]] = {}
        """By store the counts of its cache, its bytes, and what was counted before."""
        self.circuit = self._create(Gauge, metrics.CIRCUIT, multiprocess_mode="livemax")
        self.streams = self._create(Gauge, metrics.STREAMS, multiprocess_mode="livesum")
        self._create(Gauge, metrics.BUILD, multiprocess_mode="max").labels(version).set(1)
        if MULTIPROCESS_VARIABLE not in os.environ:
            ProcessCollector(registry=self.registry)

    def at(self, store: str) -> "PrometheusInstrumentation":
        """The instrumentation of one store."""
        return PrometheusInstrumentation(self, store)

    def flush(self) -> None:
        """Pass what was counted since the last flush to the library."""
        for batch in (self.requests, self.agent_requests, self.calls, self.shop_seconds, self.limited):
            batch.flush()
        for store, (counts, held_bytes, told) in self._catalogues.items():
            for source, count in counts.items():
                if count != told.get(source, 0):
                    self._catalogue_reads.labels(store, source).inc(count - told.get(source, 0))
                    told[source] = count
            self._catalogue_bytes.labels(store).set(held_bytes())

    def add_catalogue(self, store: str, counts: Mapping[str, int], held_bytes: Callable[[], int]) -> None:
        """Tell of a store's cache with each flush: reads by source, which only grow, and bytes."""
        self._catalogues[store] = (counts, held_bytes, {})

    async def run(self) -> None:
        """Flush every second until cancelled, and once more then."""
        try:
            while True:
                self.flush()
                await asyncio.sleep(FLUSH_INTERVAL_SECONDS)
        finally:
            self.flush()

    def _create(self, kind: Callable[..., W], metric: MetricDefinition, **more: Any) -> W:  # noqa: ANN401 -- the library's options
        return kind(metric.name, metric.help, metric.labels, registry=self.registry, **more)


class PrometheusInstrumentation:
    """Implements `Instrumentation` for one store."""

    def __init__(self, numbers: PrometheusMetrics, store: str) -> None:
        self._numbers = numbers
        self._clients = numbers.clients
        self._store = store
        self._open: bool | None = None
        self.set_circuit_state(opened=False)
        numbers.streams.labels(store)

    def observe_request(self, request: ObservedRequest) -> RequestObservation:
        """Count a request at once; a tool call when it ends."""
        numbers, method, protocol, client = (
            self._numbers,
            request.method,
            request.protocol,
            self._clients.label(request),
        )
        if method != CALL_METHOD:
            numbers.agent_requests.add((self._store, method, protocol, client))
            return NULL_OBSERVATION
        named = request.name
        return CallObservation(
            numbers, self._store, named if named in numbers.tools else OTHER_LABEL, client, protocol, numbers.clock()
        )

    def observe_upstream_call(self, operation: str) -> "UpstreamCallObservation":
        """Time a request to the shop."""
        return UpstreamCallObservation(self._numbers, self._store, operation, self._numbers.clock())

    def set_circuit_state(self, *, opened: bool) -> None:
        """Set the gauge when the state changed."""
        if opened is not self._open:
            self._open = opened
            self._numbers.circuit.labels(self._store).set(int(opened))

    def count_limited(self, rule: str) -> None:
        """Count one rejected request."""
        self._numbers.limited.add((self._store, rule))


class CallObservation(CountedObservation):
    """One tool call."""

    numbers: PrometheusMetrics
    store: str
    tool: str
    client: str
    protocol: str
    began: float

    def end(self) -> None:
        """Count it."""
        numbers = self.numbers
        seconds = numbers.clock() - self.began
        numbers.calls.add((self.store, self.tool, self.outcome, self.client, self.protocol), seconds)


class UpstreamCallObservation(CountedObservation):
    """One request to the shop."""

    numbers: PrometheusMetrics
    store: str
    operation: str
    began: float

    def end(self) -> None:
        """Count it."""
        numbers = self.numbers
        seconds = numbers.clock() - self.began
        numbers.shop_seconds.add((self.store, self.operation, self.outcome), seconds)


def multiprocess_directory() -> Path | None:
    """The directory shared by the processes of this server; None for a single process."""
    return Path(os.environ[MULTIPROCESS_VARIABLE]) if MULTIPROCESS_VARIABLE in os.environ else None
