"""Prometheus text exposition, for one store or all, and a scrape server on its own port."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from storefront_mcp.records.order_events import ORDER_EVENT_STATUSES
from storefront_mcp.telemetry import metrics

_multiprocess_collector: Callable[..., Collector] = MultiProcessCollector
_mark_dead: Callable[[int, str], None] = mark_process_dead
log: Final = logging.getLogger("storefront_mcp.telemetry")

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST


class MetricsSource(Protocol):
    """Gauges computed from the database, the same for all workers; read once per scrape."""

    def checkouts(self) -> Mapping[tuple[str, str], int]:
        """Number by store and state."""

    def guest_rows(self) -> Mapping[str, float]:
        """The part of each bound of `[guests]` that is filled, by its name."""

    def lags(self) -> Mapping[str, float]:
        """Seconds that the longest waiting checkout has been due, by store; stores without one may be missing."""

    def flips(self) -> Mapping[tuple[str, str, str], int]:
        """Number by store, phase and the status after it."""

    def order_events(self) -> Mapping[tuple[str, str], int]:
        """Number of events about orders by store and status; those that there are none of may be missing."""

    def alerts(self) -> Mapping[tuple[str, str], bool]:
        """By store and condition, whether an alert is raised."""

    def mirrors(self) -> Mapping[str, tuple[int, float, int]]:
        """Products, age in seconds and problems of the mirrors by store; those without one are missing."""

    def is_writable(self) -> bool:
        """Whether the database takes a write. Never raises."""

    def disk(self) -> tuple[int, int] | None:
        """Free and total bytes of its disk; None for a server. Never raises."""


class DatabaseCollector(Collector):
    """Prometheus collector of a MetricsSource."""

    def __init__(self, source: MetricsSource, stores: Sequence[str], states: Sequence[str]) -> None:
        """Every store and state gets a sample, 0 where there is nothing."""
        self._source = source
        self._stores = stores
        self._states = states

    def describe(self) -> Iterable[Family]:
        """Empty, so that registering does not read the database."""
        return ()

    def collect(self) -> Iterable[Family]:
        """Read the database. What it does not tell is left out, so that a scrape shows that it fails."""
        writable = GaugeMetricFamily(metrics.WRITABLE.name, metrics.WRITABLE.help, int(self._source.is_writable()))
        disk = self._source.disk()
        sizes = zip((metrics.DISK_FREE, metrics.DISK_SIZE), disk or (), strict=False)
        known = [writable, *(GaugeMetricFamily(metric.name, metric.help, value) for metric, value in sizes)]
        try:
            return [*known, *self._figures()]
        except Exception:
            log.exception("the figures of the database cannot be read")
            return known

    def _figures(self) -> Iterable[Family]:
        checkouts, lags = self._source.checkouts(), self._source.lags()
        states = GaugeMetricFamily(metrics.CHECKOUTS.name, metrics.CHECKOUTS.help, labels=metrics.CHECKOUTS.labels)
        lag = GaugeMetricFamily(metrics.LAG.name, metrics.LAG.help, labels=metrics.LAG.labels)
        for store in self._stores:
            lag.add_metric((store,), max(lags.get(store, 0.0), 0.0))
            for state in self._states:
                states.add_metric((store, state), checkouts.get((store, state), 0))
        flips = CounterMetricFamily(metrics.FLIPS.name, metrics.FLIPS.help, labels=metrics.FLIPS.labels)
        for labels, count in sorted(self._source.flips().items()):
            flips.add_metric(labels, count)
        alerts = GaugeMetricFamily(metrics.ALERTS.name, metrics.ALERTS.help, labels=metrics.ALERTS.labels)
        for key, raised in sorted(self._source.alerts().items()):
            alerts.add_metric(key, int(raised))
        room = GaugeMetricFamily(metrics.GUEST_ROWS.name, metrics.GUEST_ROWS.help, labels=metrics.GUEST_ROWS.labels)
        for bound, filled in self._source.guest_rows().items():
            room.add_metric((bound,), filled)
        return states, lag, flips, alerts, room, self._order_events(), *self._mirrors()

    def _order_events(self) -> Family:
        counts = self._source.order_events()
        known = metrics.ORDER_EVENTS
        events = GaugeMetricFamily(known.name, known.help, labels=known.labels)
        for store in self._stores:
            for status in ORDER_EVENT_STATUSES:
                events.add_metric((store, status), counts.get((store, status), 0))
        return events

    def _mirrors(self) -> Sequence[Family]:
        known = (metrics.MIRROR_PRODUCTS, metrics.MIRROR_AGE, metrics.MIRROR_PROBLEMS)
        families = [GaugeMetricFamily(metric.name, metric.help, labels=metric.labels) for metric in known]
        mirrors = self._source.mirrors()
        for store in self._stores:
            for family, figure in zip(families, mirrors.get(store, (0, 0.0, 0)), strict=True):
                family.add_metric((store,), figure)
        return families


class MetricsScrape:
    """All metrics of this process, or of all processes that share a multiprocess directory."""

    def __init__(
        self,
        own: CollectorRegistry | None,
        shared: Path | None,
        on_record: Collector,
        *,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`own` is read where there is no `shared` directory; `before` is called before each read."""
        self._shared = shared
        self._before = before
        self._sources: list[Collector] = [on_record]
        if shared is not None:
            self._sources.append(_multiprocess_collector(CollectorRegistry(auto_describe=False), str(shared)))
        elif own is not None:
            self._sources.append(own)

    def text(self, store: str | None = None) -> bytes:
        """In Prometheus's text format; with `store`, without the samples of other stores."""
        return generate_latest(_StoreRegistryView(self, store))

    def families(self) -> Iterable[Family]:
        """Every metric family, read now."""
        self._before()
        if self._shared is not None:
            _drop_dead_processes(self._shared)
        for source in self._sources:
            yield from source.collect()

    def serve(self, host: str, port: int) -> tuple[int, Callable[[], None]]:
        """Serve scrapes from a thread; returns the port and a function that ends it. Raises OSError."""
        server, thread = start_http_server(port, host, registry=_StoreRegistryView(self, None))

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return int(server.server_address[1]), close


class _StoreRegistryView(CollectorRegistry):
    """The registry as one reader may see it."""

    def __init__(self, scrape: MetricsScrape, store: str | None) -> None:
        super().__init__()
        self._scrape = scrape
        self._store = store

    def collect(self) -> Iterable[Family]:
        for family in self._scrape.families():
            if self._store is not None:
                family.samples = [one for one in family.samples if one.labels.get("store", self._store) == self._store]
            yield family


def _drop_dead_processes(shared: Path) -> None:
    """Remove the live gauges of workers that have ended."""
    for path in shared.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            _mark_dead(int(pid), str(shared))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
