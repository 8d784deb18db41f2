"""Counting in memory, bounded whatever clients say, and written down without anybody waiting."""

import asyncio
import contextlib
import datetime as dt
import logging
import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, strategies as st

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.usage import figures, funnel, plot
from storefront_mcp.instrumentation import ObservedRequest
from storefront_mcp.records.usage import DURATION_BOUNDS_SECONDS, DurationSummary, UsageRow
from storefront_mcp.telemetry import usage as counting
from storefront_mcp.telemetry.usage import UsageRecorder
from tests.fakes.memory_backend import roadmap
from tests.serving import until

STORE = StoreId("pickle")
NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
MINUTE = int(NOW.timestamp()) // 60


class MemoryBook:
    """A record in memory."""

    def __init__(self) -> None:
        self.lines: list[UsageRow] = []
        self.broken = False
        self.pruned: list[int] = []

    def add(self, store: StoreId, lines: Sequence[UsageRow]) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.lines += lines

    def read(self, store: StoreId, *, since: int, step: int) -> Sequence[UsageRow]:
        return self.lines

    def prune(self, before: int) -> int:
        self.pruned.append(before)
        return 0


def request(method: str, tool: str, client: str) -> ObservedRequest:
    """A call as watchers see it."""
    headers = [(b"user-agent", client.encode())]
    return ObservedRequest(id=1, method=method, protocol="2025-11-25", name=tool, headers=headers)


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def traffic(book: MemoryBook) -> UsageRecorder:
    return UsageRecorder(book, tools=frozenset({"view_cart"}), now=lambda: NOW, clock=lambda: 0.0, every=0.01)


def test_only_calls_of_promised_tools_have_names(traffic: UsageRecorder, book: MemoryBook) -> None:
    instrumentation = traffic.at(STORE)
    for method, tool, client in (
        ("tools/call", "view_cart", "claude-code 2.1.3"),
        ("tools/call", "view_cart", "claude-code 2.1.3"),
        ("tools/call", "drop_table", "my agent 9"),
        ("tools/list", "", ""),
    ):
        observation = instrumentation.observe_request(request(method, tool, client))
        observation.record_error_code(-32602) if tool == "drop_table" else None
        observation.record_outcome("ignored: the first word stands") if tool == "drop_table" else None
        observation.end()
    shop = instrumentation.observe_upstream_call("GET /products")
    shop.record_outcome("shop_unavailable")
    shop.end()
    instrumentation.set_circuit_state(opened=True)
    instrumentation.count_limited("guest")
    assert dict(shop.headers) == {}
    traffic.write()
    assert sorted((line.kind, line.name, line.client, line.outcome, line.sum.count) for line in book.lines) == [
        ("protocol", "mcp", "", "-32602", 1),
        ("protocol", "mcp", "", "ok", 2),
        ("shop", "GET /products", "", "shop_unavailable", 1),
        ("tool", "other", "other", "-32602", 1),
        ("tool", "view_cart", "claude 2.1.3", "ok", 2),
    ]
    assert book.pruned == [MINUTE - 8 * 1440]


def test_calls_are_counted_by_the_protocol_that_they_came_over(traffic: UsageRecorder, book: MemoryBook) -> None:
    instrumentation = traffic.at(STORE)
    for source in ("mcp", "ucp", "ucp", "a2a"):
        asked = msgspec.structs.replace(request("tools/call", "view_cart", "curl"), source=source)
        instrumentation.observe_request(asked).end()
    traffic.write()
    by_protocol = [line for line in book.lines if line.kind == "protocol"]
    assert [(row.name, row.calls) for row in figures(by_protocol, lambda line: line.name)] == [
        ("ucp", 2),
        ("a2a", 1),
        ("mcp", 1),
    ]
    (tool,) = [line for line in book.lines if line.kind == "tool"]
    assert tool.sum.count == 4, "and once by the tool"


def test_what_was_searched_for_is_one_short_line(traffic: UsageRecorder, book: MemoryBook) -> None:
    traffic.count_missed_search(STORE, "  Snorkel\n\x00MASK ")
    traffic.count_missed_search(STORE, " \t ")
    traffic.count_missed_search(STORE, "y" * 500)
    traffic.write()
    assert sorted(line.name for line in book.lines) == ["snorkel mask", "y" * 80]


def test_clients_cannot_make_it_grow(traffic: UsageRecorder, book: MemoryBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_ROWS_PER_MINUTE", 5)
    for number in range(50):
        traffic.count_missed_search(STORE, f"words {number}")
        traffic.client(request("tools/call", "view_cart", f"curl {number}"))
    traffic.client(request("tools/call", "view_cart", "curl " + "9" * 300))
    instrumentation = traffic.at(STORE)
    for number in range(50):
        for tool, client in (("view_cart", f"curl {number}"), (f"tool {number}", "curl"), ("view_cart", "c" * 999)):
            instrumentation.observe_request(request("tools/call", tool, client))
    assert len(instrumentation._known) <= 5
    assert {named for named, _ in instrumentation._known} == {"view_cart"}
    traffic.write()
    assert len(book.lines) == 6
    assert sum(line.sum.count for line in book.lines) == 50
    assert max(line.sum.count for line in book.lines if line.name == "other") == 45


async def test_it_is_written_again_and_again_and_at_the_end(traffic: UsageRecorder, book: MemoryBook) -> None:
    writing = asyncio.create_task(traffic.run())
    traffic.count_missed_search(STORE, "one")
    await asyncio.to_thread(until, lambda: book.lines, "the first line")
    traffic.count_missed_search(STORE, "two")
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    assert [line.name for line in book.lines] == ["one", "two"]


def test_a_record_that_fails_stops_nobody(
    traffic: UsageRecorder, book: MemoryBook, caplog: pytest.LogCaptureFixture
) -> None:
    book.broken = True
    traffic.count_missed_search(STORE, "one")
    with caplog.at_level(logging.ERROR):
        traffic.write()
    assert "1 lines of traffic could not be written" in caplog.text
    book.broken = False
    traffic.write()
    assert book.lines == []


@given(st.lists(st.floats(0, 60), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_in_the_range_of_the_true_one_and_not_above_the_slowest(times: list[float], share: float) -> None:
    book = MemoryBook()
    traffic = UsageRecorder(book, tools=frozenset(), now=lambda: NOW)
    for seconds in times:
        traffic.add((STORE, "shop", "GET /", "", "ok"), seconds)
    traffic.write()
    (line,) = book.lines
    told, true = line.sum.quantile(share), sorted(times)[math.ceil(share * len(times)) - 1]
    assert 0 <= told <= max(times)
    edges = (0.0, *DURATION_BOUNDS_SECONDS, math.inf)
    assert any(lower <= told <= upper and lower <= true <= upper for lower, upper in pairwise(edges))
    assert line.sum.count == len(times)
    assert sum(line.sum.within) == sum(seconds <= DURATION_BOUNDS_SECONDS[-1] for seconds in times)


def test_a_quantile_is_no_edge_of_a_range() -> None:
    hundred = DurationSummary(100, 20.0, 0.45, (10, 40, 50, 0, 0))

    assert hundred.quantile(0.3) == pytest.approx(0.025 + 0.075 * 20 / 40)
    assert hundred.quantile(0.95) == pytest.approx(0.1 + 0.35 * 45 / 50)
    assert DurationSummary(4, 60.0, 30.0, (0, 0, 0, 0, 0)).quantile(0.5) == pytest.approx(20.0)
    assert DurationSummary().quantile(0.5) == 0.0


def test_figures_and_bars_add_up() -> None:
    fast, slow = DurationSummary(3, 0.03, 0.02, (3, 0, 0, 0, 0)), DurationSummary(1, 12.0, 12.0, (0, 0, 0, 0, 0))
    lines = [
        UsageRow(minute=0, kind="tool", name="get_product", sum=fast),
        UsageRow(minute=10, kind="tool", name="get_product", outcome="shop_unavailable", sum=slow),
        UsageRow(minute=10, kind="tool", name="search_products", sum=fast),
    ]
    first, second = figures(lines, lambda line: line.name)
    assert (first.name, first.calls, first.errors, first.slowest) == ("get_product", 4, 1, 12.0)
    assert (first.median, first.p95) == (pytest.approx(0.025 * 2 / 3), pytest.approx(10 + 2 * 0.8))
    assert second.median == 0.01
    bars, most = plot(lines, 0, 19, 10)
    assert most == 4
    assert [(bar.x, bar.good, bar.bad) for bar in bars] == [(0.0, 75.0, 0.0), (300.0, 75.0, 25.0)]
    assert plot([], 0, 19, 10) == ([], 0)
    planned = roadmap()
    stages = funnel(planned, lines, 2)
    assert [(stage.title, stage.count) for stage in stages][:2] == [("Searched", 3), ("Looked at a product", 3)]
    assert stages[-1].count == 2
    assert all(stage.share == 0 for stage in funnel(planned, [], 0))
