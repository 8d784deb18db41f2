"""What searches feel of a mirror that is being built: `python -m benchmarks.mirror_build [--products N] [--rounds N]`.

A shop of so many products in a process of its own, and `storefront-mcp serve` before it with one worker and a mirror,
on one core with the process that writes it. One shopper searches without a pause, a quiet span and one while everything
is read anew by turns. Medians over rounds of each span's 99th percentile. Part of `make bench ARGS=--scale`.
"""

import contextlib
import http.client
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import click
import msgspec
import uvicorn
from msgspec import Struct

from benchmarks.asks import HANDSHAKE
from benchmarks.catalogue import CatalogueFigure, bounded, table
from benchmarks.catalogue_products import QUERIES, catalogue_of
from benchmarks.machine import cores
from benchmarks.remembered import listening
from benchmarks.servers import OK, PATIENCE, free_port
from benchmarks.workers import ServedStore, process_seconds, served
from storefront_mcp.catalogue.cache import utc_text
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.demo import catalogue_shapes
from storefront_mcp.demo.catalogue.opinions import DemoLinks
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.demo.state import DemoState
from storefront_mcp.records.catalogue_changes import EVERYTHING
from storefront_mcp.records.catalogue_mirrors import MirrorRecord

PRODUCTS: Final = 20_000
QUIET_SECONDS: Final = 5.0
MOST: Final = 1.5
"""Times that the slowest hundredth may take while the mirror is built."""
SEEN_SECONDS: Final = 2.0
"""Until every worker answers from what was written."""
BUILD_SECONDS: Final = 900.0
"""For a build, at most."""
STORE: Final = StoreId("bench")
WRITER: Final = b"storefront_mcp.app.mirror_process"
MIRROR: Final = "[store.mirror]\non = true\n"
SHOP: Final = "from benchmarks.mirror_build import serve_shop; serve_shop({products}, {port})"


class Span(Struct, frozen=True):
    """Searches one after the other."""

    times: list[float]
    """Seconds of each."""

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return sorted(self.times)[int(len(self.times) * 0.99)] * 1e3

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return statistics.median(self.times) * 1e3


class MirroredStore:
    """A running store with a mirror, as a shopper and its operator see it."""

    def __init__(self, store: ServedStore, database: Database) -> None:
        self._store = store
        self._mirrors = SqlMirrorRepository(database)
        self._changes = SqlCatalogueChanges(database)
        self._connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=PATIENCE)
        self._asked = itertools.count(1)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    @property
    def record(self) -> MirrorRecord:
        """How the mirror stands."""
        return next(iter(self._mirrors.list_by_store(STORE)), MirrorRecord(store=STORE, place=""))

    @property
    def writer(self) -> int:
        """Process id of the mirror's writer. Raises StopIteration."""
        threads = Path(f"/proc/{self._store.process.pid}/task").glob("*/children")
        children = (one for thread in threads for one in thread.read_text("ascii").split())
        return next(int(one) for one in children if WRITER in Path(f"/proc/{one}/cmdline").read_bytes())

    def rebuild(self) -> None:
        """Have everything read anew, as `catalogue refresh` does."""
        self._changes.append(STORE, [EVERYTHING], now=time.time())

    def search(self) -> dict[str, Any]:
        """A search that was not made before. Raises AssertionError for a refusal."""
        number = next(self._asked)
        query = QUERIES[number % len(QUERIES)]
        arguments = {"query": query.text, "page_size": 10, "max_price_minor": 10**7 + number}
        params = {"name": "search_products", "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": HANDSHAKE,
        }
        self._connection.request("POST", "/mcp", msgspec.json.encode(body), headers)
        answer = self._connection.getresponse()
        told = answer.read()
        result = msgspec.json.decode(told).get("result", {}) if answer.status == OK else {}
        if result.get("isError", True):
            message = f"{query.text}: {answer.status} {told[:300]!r}"
            raise AssertionError(message)
        found: dict[str, Any] = result["structuredContent"]
        return found

    def searches(self, go_on: Callable[[], bool]) -> Span:
        """Search until told to stop, which is asked a few times a second."""
        times: list[float] = []
        looked = 0.0
        while True:
            began = time.perf_counter()
            if began - looked > 0.2:  # noqa: PLR2004
                if looked and not go_on():
                    return Span(times)
                looked = began = time.perf_counter()
            self.search()
            times.append(time.perf_counter() - began)


def serve_shop(products: int, port: int) -> None:
    """Serve a shop of so many products, whose links to one another are left out: each would be looked for in all."""
    catalogue_shapes.linked_products = lambda *_: DemoLinks()  # type: ignore[attr-defined]
    shop = demo_shop(DemoState(catalogue=catalogue_of(products)[0]))
    uvicorn.run(cast("Any", shop), port=port, log_level="critical")


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something. Raises RuntimeError."""
    deadline = time.monotonic() + BUILD_SECONDS
    while not true():
        if time.monotonic() > deadline:
            message = f"{what} has not come about"
            raise RuntimeError(message)
        time.sleep(0.05)


def peak(pid: int) -> float:
    """The most memory that a process had, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024 / 1e6


@contextlib.contextmanager
def mirrored(products: int) -> Iterator[MirroredStore]:
    """A store whose mirror of so many products is whole."""
    port = free_port()
    here = os.sched_getaffinity(0)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        code = SHOP.format(products=products, port=port)
        stack.enter_context(listening([sys.executable, "-c", code], port))
        # What is started from here on has one core for itself and the writer of its mirror.
        os.sched_setaffinity(0, {cores()[0]})
        try:
            store = stack.enter_context(served(folder, 1, f"http://127.0.0.1:{port}", MIRROR))
        finally:
            os.sched_setaffinity(0, here)
        database = Database(folder / "1" / "storefront.db")
        stack.callback(database.close)
        opened = stack.enter_context(contextlib.closing(MirroredStore(store, database)))
        until(lambda: opened.record.generation > 0, "the mirror")
        until(lambda: "as_of" in opened.search(), "an answer from the mirror")
        yield opened


class RebuildCosts(Struct, frozen=True, kw_only=True):
    """One span without and one with a build, and what the build cost."""

    quiet: Span
    building: Span
    seconds: float
    """That the build took."""
    writer: float
    """Seconds of processor time of the process that writes."""
    seen: float
    """Seconds from the new generation's being on record to the first answer out of it."""


def rebuild_costs(store: MirroredStore) -> RebuildCosts:
    """Measure one round."""
    writer = store.writer
    quiet_until = time.monotonic() + QUIET_SECONDS
    quiet = store.searches(lambda: time.monotonic() < quiet_until)
    before, spent = store.record.generation, process_seconds(writer)
    store.rebuild()
    until(lambda: store.record.building or store.record.generation > before, "a sweep")
    began = time.monotonic()
    building = store.searches(lambda: store.record.generation == before)
    took = time.monotonic() - began
    spent = process_seconds(writer) - spent
    whole = store.record
    told = time.monotonic()
    as_of = utc_text(whole.as_of)
    until(lambda: store.search()["as_of"] >= as_of, "an answer of the new generation")
    seen = time.monotonic() - told
    return RebuildCosts(quiet=quiet, building=building, seconds=took, writer=spent, seen=seen)


def figures(products: int, rounds: int) -> Iterator[CatalogueFigure]:
    """Every row of the table, those with a mark judged."""
    with mirrored(products) as store:
        found = [rebuild_costs(store) for _ in range(rounds)]
        most, record = peak(store.writer), store.record

    def middle(of: Callable[[RebuildCosts], float]) -> float:
        return statistics.median(map(of, found))

    name = f"{record.products:,} products"
    yield CatalogueFigure(f"{name}: a build, s", f"{middle(lambda one: one.seconds):.1f}")
    spent = middle(lambda one: one.writer) / record.products
    yield CatalogueFigure(f"{name}: a build, reading and writing, ms CPU a product", f"{spent * 1e3:.2f}")
    yield CatalogueFigure(f"{name}: the writer at its most, MB", f"{most:.0f}")
    yield CatalogueFigure(f"{name}: on disk, with what it knows of the shop, MB", f"{record.bytes_used / 1e6:.0f}")
    for when, p50, p99 in (
        ("quiet", middle(lambda one: one.quiet.p50), middle(lambda one: one.quiet.p99)),
        ("while it is built", middle(lambda one: one.building.p50), middle(lambda one: one.building.p99)),
    ):
        yield CatalogueFigure(f"{name}: a search, {when}, p50 ms", f"{p50:.2f}")
        yield CatalogueFigure(f"{name}: a search, {when}, p99 ms", f"{p99:.2f}")
    ratio = middle(lambda one: one.building.p99 / one.quiet.p99)
    yield bounded(f"{name}: p99 while it is built, of quiet", ratio, MOST)
    yield bounded("a new generation, until a worker answers from it, s", max(one.seen for one in found), SEEN_SECONDS)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--products", default=PRODUCTS, show_default=True, type=click.IntRange(200, 10**6))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 50))
def main(products: int, rounds: int) -> None:
    """Measure searches beside a build, and print the table."""
    for line in table(figures(products, rounds)):
        click.echo(line)


if __name__ == "__main__":
    main()
