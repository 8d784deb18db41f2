"""`storefront-mcp serve` before a Maho store: it ends politely, and its workers are one server."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from storefront_mcp.demo.shop import demo_shop
from tests.external.clients.programs import Program, accepts, ran, running, settings_of
from tests.external.clients.shopping import check, shop
from tests.fakes.agent import VERSIONS, Agent, Json, value
from tests.serving import PATIENCE, free_port, served, until

pytestmark = pytest.mark.clients

linux = pytest.mark.skipif(sys.platform != "linux", reason="finds the worker processes in /proc")
SOON = 60.0
"""Seconds from a flip's word to its effect, on a busy machine."""


class Gate:
    """Stands before an app and holds up requests for one path until it is opened."""

    def __init__(self, app: Any, path: str) -> None:
        self._app = app
        self._path = path
        self.reached = threading.Event()
        self.opened = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and self._path in scope["path"]:
            self.reached.set()
            await asyncio.to_thread(self.opened.wait, PATIENCE)
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def maho(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `storefront-mcp demo-shop`."""
    port = free_port()
    with running("demo-shop", "--port", str(port), port=port, cwd=tmp_path_factory.mktemp("maho")):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def serving(shop: str, folder: Path, *phases: str, workers: int = 1) -> Iterator[tuple[Program, str]]:
    """`storefront-mcp serve` for a shop with these phases open; yields it and its origin."""
    port = free_port()
    settings_of(port, shop=shop, folder=folder)
    ran("phases", "open", *phases, cwd=folder)
    with running("serve", "--workers", str(workers), port=port, cwd=folder) as server:
        yield server, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def storefront(maho: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a server before the Maho store."""
    phases = ("p1_browse", "p2_cart", "p3_checkout")
    with serving(maho, tmp_path_factory.mktemp("storefront"), *phases) as (_, origin):
        yield origin


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_server_before_a_maho_store_sells_to_agents_of_every_version(storefront: str, version: str) -> None:
    async with Agent(storefront, version) as agent:

        async def call(tool: str, **arguments: object) -> Json:
            result = await agent.call(tool, **arguments)
            return {"refusal": result["content"][0]["text"]} if result["isError"] else {"value": value(result)}

        check(await shop(call))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=linux)])
async def test_a_server_that_is_told_to_end_answers_what_it_has_begun(tmp_path: Path, workers: int) -> None:
    slow = Gate(demo_shop(), "/products")
    try:
        with served(slow) as url, serving(url, tmp_path, "p1_browse", workers=workers) as (server, origin):
            async with Agent(origin, "2025-11-25") as agent:
                asked = asyncio.create_task(agent.call("search_products", query="tee"))
                assert await asyncio.to_thread(slow.reached.wait, PATIENCE)
                if workers > 1:
                    await asyncio.to_thread(until, lambda: len(server.workers) == workers, "every worker")
                server.tell(signal.SIGTERM)
                ending = (lambda: len(server.workers) == 1) if workers > 1 else (lambda: not accepts(port_of(origin)))
                await asyncio.to_thread(until, ending, "the server to take nothing new")
                assert not asked.done()
                slow.opened.set()
                assert value(await asked)["products"]
            before = time.monotonic()
            assert await asyncio.to_thread(server.ended) == 0
            assert time.monotonic() - before < 20, "it waited for idle connections"
    finally:
        slow.opened.set()


def port_of(origin: str) -> int:
    return int(origin.rpartition(":")[2])


@contextlib.contextmanager
def only(worker: int, workers: list[int], database: Path) -> Iterator[None]:
    """Let one worker answer everything: the others stand still, and hold no lock of the database meanwhile."""
    others = [other for other in workers if other != worker]

    def tell(what: signal.Signals) -> None:
        for other in others:
            # One that stood still for too long was replaced.
            with contextlib.suppress(ProcessLookupError):
                os.kill(other, what)

    try:
        tell(signal.SIGSTOP)
        while not writable(database):
            tell(signal.SIGCONT)
            until(lambda: writable(database), "the writer to end")
            tell(signal.SIGSTOP)
        yield
    finally:
        tell(signal.SIGCONT)


def writable(database: Path) -> bool:
    """Whether a writer gets the lock of a database in a second."""
    with contextlib.closing(sqlite3.connect(database, timeout=1.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


@linux
async def test_two_workers_see_a_flip_and_share_carts(maho: str, tmp_path: Path) -> None:
    with serving(maho, tmp_path, "p1_browse", workers=2) as (server, origin):
        await asyncio.to_thread(until, lambda: server.output.count("Application startup complete") == 2, "two workers")
        workers = first, second = server.workers
        database = tmp_path / "storefront.db"
        for worker in workers:
            with only(worker, workers, database):
                assert await listed(origin, 6, within=PATIENCE)

        await asyncio.to_thread(ran, "phases", "open", "p2_cart", cwd=tmp_path)
        for worker in workers:
            with only(worker, workers, database):
                assert await listed(origin, 16, within=SOON)

        with only(first, workers, database):
            async with Agent(origin, "2025-11-25") as agent:
                cart = value(await agent.call("create_cart"))["cart_id"]
                made = value(await agent.call("add_to_cart", cart_id=cart, sku="PAD-2"))
        with only(second, workers, database):
            async with Agent(origin, "2025-11-25") as agent:
                assert value(await agent.call("view_cart", cart_id=cart)) == made
        assert server.workers == workers, "a worker died and was replaced"
        server.tell(signal.SIGTERM)
        assert await asyncio.to_thread(server.ended) == 0


async def listed(origin: str, count: int, *, within: float) -> bool:
    """Whether this many tools are listed in time; each look is a connection of its own."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with asyncio.timeout(within), httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)) as client:
        while True:
            answer = await client.post(f"{origin}/mcp", json=message)
            assert answer.status_code == 200
            if len(answer.json()["result"]["tools"]) == count:
                return True
