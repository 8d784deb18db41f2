"""Counters and histograms that are kept in plain numbers and flushed to prometheus_client in batches.

One observation of the library costs 0.7 µs, and 5 µs where several processes share a file; one here costs 0.2 µs.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from prometheus_client import Counter, Histogram

Labels = tuple[str, ...]
MAX_SERIES: Final = 2_000
"""Series of one metric in one process. Labels are bounded anyway; this is the second line of defence."""
OTHER_LABEL: Final = "other"


class BatchHistogram(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, total: float, counts: Sequence[int]) -> None:
        """Add observations by bucket, the last one unbounded, and their sum in seconds."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class DurationBatch:
    """Durations in seconds by label values."""

    def __init__(
        self,
        metric: BatchHistogram,
        bounds: Sequence[float],
        *,
        histogram_labels: int | None = None,
        events: Counter | None = None,
    ) -> None:
        """`bounds` are the histogram's, in seconds, without +Inf.

        A histogram may have only the first `histogram_labels` labels; the counter `events` then has all of them.
        """
        self._metric = metric
        self._bounds = bounds
        self._histogram_labels = histogram_labels
        self._events = events
        self._seen: dict[Labels, tuple[list[float], list[int]]] = {}

    def add(self, labels: Labels, seconds: float) -> None:
        """Record one duration."""
        try:
            total, counts = self._seen[labels]
        except KeyError:
            total, counts = self._new_series(labels)
        total[0] += seconds
        counts[bisect_left(self._bounds, seconds)] += 1

    def flush(self) -> None:
        """Add to the library's metrics, and start from zero."""
        for labels, (total, counts) in self._seen.items():
            if any(counts):
                self._metric.labels(*labels[: self._histogram_labels]).add(total[0], counts)
                if self._events is not None:
                    self._events.labels(*labels).inc(sum(counts))
                total[0] = 0.0
                counts[:] = [0] * len(counts)

    def _new_series(self, labels: Labels) -> tuple[list[float], list[int]]:
        if len(self._seen) >= MAX_SERIES:
            labels = (labels[0], *(OTHER_LABEL,) * (len(labels) - 1))
        return self._seen.setdefault(labels, ([0.0], [0] * (len(self._bounds) + 1)))


class CounterBatch:
    """Events by label values."""

    def __init__(self, metric: Counter) -> None:
        self._metric = metric
        self._seen: dict[Labels, int] = {}

    def add(self, labels: Labels) -> None:
        """Count one event."""
        try:
            self._seen[labels] += 1
        except KeyError:
            if len(self._seen) >= MAX_SERIES:
                labels = (labels[0], *(OTHER_LABEL,) * (len(labels) - 1))
            self._seen[labels] = self._seen.get(labels, 0) + 1

    def flush(self) -> None:
        """Add to the library's metrics, and start from zero."""
        for labels, count in self._seen.items():
            if count:
                self._metric.labels(*labels).inc(count)
                self._seen[labels] = 0
