"""Tell Prometheus: the text of a scrape, for one store or all, and a server of its own for it."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric as Family
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from storefront_mcp.telemetry import names

_shared_by_all: Callable[..., Collector] = MultiProcessCollector
_died: Callable[[int, str], None] = mark_process_dead
MEDIA_TYPE: Final = CONTENT_TYPE_LATEST


class Figures(Protocol):
    """What is on record: the same for all workers. Asked once per scrape."""

    def checkouts(self) -> Mapping[tuple[str, str], int]:
        """How many, by store and state."""

    def lags(self) -> Mapping[str, float]:
        """Seconds that the longest waiting checkout has been due, by store; stores without one may be left out."""

    def flips(self) -> Mapping[tuple[str, str, str], int]:
        """How many, by store, phase and the status after it."""


class OnRecord(Collector):
    """Reads the numbers that are in the database."""

    def __init__(self, figures: Figures, stores: Sequence[str], states: Sequence[str]) -> None:
        """Every store and state is told, also where there is nothing."""
        self._figures = figures
        self._stores = stores
        self._states = states

    def describe(self) -> Iterable[Family]:
        """Nothing: registering must not read."""
        return ()

    def collect(self) -> Iterable[Family]:
        """Read now."""
        checkouts, lags = self._figures.checkouts(), self._figures.lags()
        states = GaugeMetricFamily(names.CHECKOUTS.name, names.CHECKOUTS.help, labels=names.CHECKOUTS.labels)
        lag = GaugeMetricFamily(names.LAG.name, names.LAG.help, labels=names.LAG.labels)
        for store in self._stores:
            lag.add_metric((store,), max(lags.get(store, 0.0), 0.0))
            for state in self._states:
                states.add_metric((store, state), checkouts.get((store, state), 0))
        flips = CounterMetricFamily(names.FLIPS.name, names.FLIPS.help, labels=names.FLIPS.labels)
        for labels, count in sorted(self._figures.flips().items()):
            flips.add_metric(labels, count)
        return states, lag, flips


class Scrape:
    """Everything there is to tell, of this process or of all that share a directory."""

    def __init__(
        self,
        own: CollectorRegistry | None,
        shared: Path | None,
        on_record: Collector,
        *,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`own` numbers are told where none are `shared`; `before` is called before they are read."""
        self._shared = shared
        self._before = before
        self._sources: list[Collector] = [on_record]
        if shared is not None:
            self._sources.append(_shared_by_all(CollectorRegistry(auto_describe=False), str(shared)))
        elif own is not None:
            self._sources.append(own)

    def text(self, store: str | None = None) -> bytes:
        """In Prometheus's text format; of one store, what is of others is left out."""
        return generate_latest(_Seen(self, store))

    def families(self) -> Iterable[Family]:
        """Everything, now."""
        self._before()
        if self._shared is not None:
            _forget_the_dead(self._shared)
        for source in self._sources:
            yield from source.collect()

    def serve(self, host: str, port: int) -> tuple[int, Callable[[], None]]:
        """Tell whoever asks there, from a thread; the port, and what ends it. Raises OSError."""
        server, thread = start_http_server(port, host, registry=_Seen(self, None))

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return int(server.server_address[1]), close


class _Seen(CollectorRegistry):
    """What one reader sees."""

    def __init__(self, scrape: Scrape, store: str | None) -> None:
        super().__init__()
        self._scrape = scrape
        self._store = store

    def collect(self) -> Iterable[Family]:
        for family in self._scrape.families():
            if self._store is not None:
                family.samples = [one for one in family.samples if one.labels.get("store", self._store) == self._store]
            yield family


def _forget_the_dead(shared: Path) -> None:
    """Workers that have ended have no open streams."""
    for path in shared.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not _lives(int(pid)):
            _died(int(pid), str(shared))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
