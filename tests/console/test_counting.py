"""Counting in memory, bounded whatever clients say, and written down without anybody waiting."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.calls.traffic import WITHIN, Line, Sum
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.telemetry import traffic as counting
from storefront_mcp.telemetry.traffic import Traffic
from storefront_mcp.web.console.traffic import figures, funnel, plotted
from tests.serving import until

STORE = StoreId("pickle")
NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)
MINUTE = int(NOW.timestamp()) // 60


class MemoryBook:
    """A record in memory."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.broken = False
        self.pruned: list[int] = []

    def add(self, store: StoreId, lines: Sequence[Line]) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.lines += lines

    def read(self, store: StoreId, *, since: int, step: int) -> Sequence[Line]:
        return self.lines

    def prune(self, before: int) -> int:
        self.pruned.append(before)
        return 0


class Asking:
    """A call as watchers see it."""

    protocol = "2025-11-25"
    id = 1

    def __init__(self, method: str, tool: str, client: str) -> None:
        self.method, self._tool, self._client = method, tool, client

    def named(self) -> str:
        return self._tool

    def program(self) -> bytes:
        return self._client.encode()

    def client(self) -> str:
        return self._client

    def trace(self) -> dict[str, str]:
        return {}

    ambient = trace


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def traffic(book: MemoryBook) -> Traffic:
    return Traffic(book, tools=frozenset({"view_cart"}), now=lambda: NOW, clock=lambda: 0.0, every=0.01)


def test_only_calls_of_promised_tools_have_names(traffic: Traffic, book: MemoryBook) -> None:
    watcher = traffic.at(STORE)
    for method, tool, client in (
        ("tools/call", "view_cart", "claude-code 2.1.3"),
        ("tools/call", "view_cart", "claude-code 2.1.3"),
        ("tools/call", "drop_table", "my agent 9"),
        ("tools/list", "", ""),
    ):
        look = watcher.asked(Asking(method, tool, client))
        look.refused(-32602) if tool == "drop_table" else None
        look.became("ignored: the first word stands") if tool == "drop_table" else None
        look.ended()
    shop = watcher.asks_shop("GET /products")
    shop.became("ShopDown")
    shop.ended()
    watcher.circuit(opened=True)
    watcher.limited("guest")
    assert dict(shop.headers) == {}
    traffic.write()
    assert sorted((line.kind, line.name, line.client, line.outcome, line.sum.count) for line in book.lines) == [
        ("shop", "GET /products", "", "ShopDown", 1),
        ("tool", "other", "other", "-32602", 1),
        ("tool", "view_cart", "claude 2.1.3", "ok", 2),
    ]
    assert book.pruned == [MINUTE - 8 * 1440]


def test_what_was_searched_for_is_one_short_line(traffic: Traffic, book: MemoryBook) -> None:
    traffic.missed(STORE, "  Snorkel\n\x00MASK ")
    traffic.missed(STORE, " \t ")
    traffic.missed(STORE, "y" * 500)
    traffic.write()
    assert sorted(line.name for line in book.lines) == ["snorkel mask", "y" * 80]


def test_clients_cannot_make_it_grow(traffic: Traffic, book: MemoryBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST", 5)
    for number in range(50):
        traffic.missed(STORE, f"words {number}")
        traffic.program(Asking("tools/call", "view_cart", f"curl {number}"))
    traffic.program(Asking("tools/call", "view_cart", "curl " + "9" * 300))
    watcher = traffic.at(STORE)
    for number in range(50):
        for tool, client in (("view_cart", f"curl {number}"), (f"tool {number}", "curl"), ("view_cart", "c" * 999)):
            watcher.asked(Asking("tools/call", tool, client))
    assert len(watcher._known) <= 5
    assert {named for named, _ in watcher._known} == {"view_cart"}
    traffic.write()
    assert len(book.lines) == 6
    assert sum(line.sum.count for line in book.lines) == 50
    assert max(line.sum.count for line in book.lines if line.name == "other") == 45


async def test_it_is_written_again_and_again_and_at_the_end(traffic: Traffic, book: MemoryBook) -> None:
    writing = asyncio.create_task(traffic.run())
    traffic.missed(STORE, "one")
    await asyncio.to_thread(until, lambda: book.lines, "the first line")
    traffic.missed(STORE, "two")
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    assert [line.name for line in book.lines] == ["one", "two"]


def test_a_record_that_fails_stops_nobody(traffic: Traffic, book: MemoryBook, caplog: pytest.LogCaptureFixture) -> None:
    book.broken = True
    traffic.missed(STORE, "one")
    with caplog.at_level(logging.ERROR):
        traffic.write()
    assert "1 lines of traffic could not be written" in caplog.text
    book.broken = False
    traffic.write()
    assert book.lines == []


@given(st.lists(st.floats(0, 60), min_size=1, max_size=60), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_never_below_the_truth_and_never_above_the_slowest(times: list[float], share: float) -> None:
    book = MemoryBook()
    traffic = Traffic(book, tools=frozenset(), now=lambda: NOW)
    for seconds in times:
        traffic.add((STORE, "shop", "GET /", "", "ok"), seconds)
    traffic.write()
    (line,) = book.lines
    told, fits = line.sum.quantile(share), sum(seconds <= line.sum.quantile(share) for seconds in times)
    assert told <= max(times)
    assert fits >= share * len(times)
    assert line.sum.count == len(times)
    assert sum(line.sum.within) == sum(seconds <= WITHIN[-1] for seconds in times)


def test_figures_and_bars_add_up() -> None:
    fast, slow = Sum(3, 0.03, 0.02, (3, 0, 0, 0, 0)), Sum(1, 12.0, 12.0, (0, 0, 0, 0, 0))
    lines = [
        Line(minute=0, kind="tool", name="get_product", sum=fast),
        Line(minute=10, kind="tool", name="get_product", outcome="ShopDown", sum=slow),
        Line(minute=10, kind="tool", name="search_products", sum=fast),
    ]
    first, second = figures(lines, lambda line: line.name)
    assert (first.name, first.calls, first.errors, first.slowest) == ("get_product", 4, 1, 12.0)
    assert (first.median, first.p95) == (0.025, 12.0)
    assert second.median == 0.02
    bars, most = plotted(lines, 0, 19, 10)
    assert most == 4
    assert [(bar.x, bar.good, bar.bad) for bar in bars] == [(0.0, 75.0, 0.0), (300.0, 75.0, 25.0)]
    assert plotted([], 0, 19, 10) == ([], 0)
    stages = funnel(lines, 2)
    assert [(stage.title, stage.count) for stage in stages][:2] == [("Searched", 3), ("Looked at a product", 3)]
    assert stages[-1].count == 2
    assert all(stage.share == 0 for stage in funnel([], 0))
