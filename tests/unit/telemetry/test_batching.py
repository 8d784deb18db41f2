"""Counting in plain numbers comes to what the library would have counted."""

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from storefront_mcp.telemetry.batching import MAX_SERIES, BatchHistogram, CounterBatch, DurationBatch

BOUNDS = (0.01, 0.1, 1.0)
LABELS = st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]))


def _samples(registry: CollectorRegistry) -> list[tuple[str, tuple[tuple[str, str], ...], float]]:
    return sorted(
        (sample.name, tuple(sorted(sample.labels.items())), round(sample.value, 9))
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    )


@given(st.lists(st.tuples(LABELS, st.floats(0, 5) | st.sampled_from(BOUNDS), st.booleans())))
def test_times_are_told_as_the_library_would_have_told_them(
    observed: list[tuple[tuple[str, str], float, bool]],
) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    times = DurationBatch(BatchHistogram("seconds", "", ("one", "two"), registry=ours, buckets=BOUNDS), BOUNDS)
    plain = Histogram("seconds", "", ("one", "two"), registry=theirs, buckets=BOUNDS)
    for labels, seconds, hand_over in observed:
        times.add(labels, seconds)
        plain.labels(*labels).observe(seconds)
        if hand_over:
            times.flush()
    times.flush()
    times.flush()
    assert _samples(ours) == _samples(theirs)


@given(st.lists(st.tuples(LABELS, st.booleans())))
def test_events_are_told_once(observed: list[tuple[tuple[str, str], bool]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = CounterBatch(Counter("events", "", ("one", "two"), registry=ours))
    plain = Counter("events", "", ("one", "two"), registry=theirs)
    for labels, hand_over in observed:
        counts.add(labels)
        plain.labels(*labels).inc()
        if hand_over:
            counts.flush()
    counts.flush()
    counts.flush()
    assert _samples(ours) == _samples(theirs)


@pytest.mark.slow
def test_a_label_that_is_not_bounded_after_all_ends_up_as_other() -> None:
    registry = CollectorRegistry()
    counts = CounterBatch(Counter("events", "", ("store", "name"), registry=registry))
    times = DurationBatch(BatchHistogram("seconds", "", ("store", "name"), registry=registry, buckets=BOUNDS), BOUNDS)
    for number in range(MAX_SERIES + 500):
        counts.add(("s", str(number)))
        times.add(("s", str(number)), 0.5)
    counts.flush()
    times.flush()
    text = generate_latest(registry).decode()
    assert text.count("events_total{") == MAX_SERIES + 1
    assert 'events_total{name="other",store="s"} 500.0' in text
    assert 'seconds_count{name="other",store="s"} 500.0' in text
