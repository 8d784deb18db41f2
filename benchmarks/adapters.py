"""What a proxied read costs by the kind of shop: `python -m benchmarks.adapters [--rounds N]`.

One process asks through each adapter, as tools do, a stand-in of that shop in a process of its own: a search that finds
ten products, and one product. All stand-ins sell the same goods. Processor time of this process, medians of interleaved
rounds; only the ratios are worth anything.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Final

import click
import httpx
from msgspec import Struct

from benchmarks.servers import free_port
from storefront_mcp.backends import maho, medusa, woocommerce
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.search import SearchQuery

QUERY: Final = SearchQuery(text="paddle", size=10)
SKU: Final = "PAD-2"
READS: Final = 100
STARTING_SECONDS: Final = 120.0
PUBLISHABLE_KEY: Final = "pk_" + "5f" * 32
SERVE: Final = "import uvicorn; uvicorn.run({app}, port={port}, log_level='critical')"
STAND_INS: Final = {
    "maho": "from tests.fakes.demo_shop import demo_shop as shop",
    "woocommerce": "from tests.fakes.woocommerce import woo_shop as shop",
    "medusa": "from tests.fakes.medusa.shop import MedusaShop as shop",
}


class AdapterRead(Struct, frozen=True):
    """One read through one adapter."""

    kind: str
    what: str
    read: Callable[[], Awaitable[object]]


def adapter(kind: str, url: str) -> tuple[ShopBackend, Callable[[], Awaitable[None]]]:
    """A backend over a stand-in, and its close function."""
    if kind == "woocommerce":
        return woocommerce.connect(woocommerce.WooConfig(url=url), "AUD")
    if kind == "medusa":
        return medusa.connect(medusa.MedusaConfig(url=url, key=PUBLISHABLE_KEY), "AUD")
    return maho.connect(maho.MahoConfig(url=url), "AUD")


async def measure(rounds: int, urls: dict[str, str]) -> dict[tuple[str, str], list[float]]:
    """Microseconds of processor time for a read, by kind of shop and what was read."""
    opened = {kind: adapter(kind, url) for kind, url in urls.items()}
    reads = [
        AdapterRead(kind, what, read)
        for kind, (backend, _) in opened.items()
        for what, read in (
            ("a search, ten products", lambda backend=backend: backend.search(QUERY)),
            ("a product", lambda backend=backend: backend.product(SKU)),
        )
    ]
    found: dict[tuple[str, str], list[float]] = {(one.kind, one.what): [] for one in reads}
    for _ in range(rounds):
        for one in reads:
            await one.read()
            began = time.process_time()
            for _ in range(READS):
                await one.read()
            found[one.kind, one.what].append((time.process_time() - began) / READS * 1e6)
    for _, close in opened.values():
        await close()
    return found


def wait_for(url: str) -> None:
    """Wait until something answers there."""
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise click.ClickException(f"{url} does not answer")


@click.command()
@click.option("--rounds", default=7, help="Interleaved rounds.")
def main(rounds: int) -> None:
    """Measure and print."""
    urls: dict[str, str] = {}
    with ExitStack() as stack:
        for kind, how in STAND_INS.items():
            port = free_port()
            urls[kind] = f"http://127.0.0.1:{port}"
            code = f"{how}; {SERVE.format(app='shop()', port=port)}"
            running = stack.enter_context(subprocess.Popen([sys.executable, "-c", code]))
            stack.callback(running.terminate)
        for url in urls.values():
            wait_for(url)
        found = asyncio.run(measure(rounds, urls))
    for what in dict.fromkeys(what for _, what in found):
        first = statistics.median(found["maho", what])
        for kind in urls:
            costs = statistics.median(found[kind, what])
            print(f"{what:24} {kind:12} {costs:8.1f} µs CPU  {costs / first:5.2f} times")


if __name__ == "__main__":
    main()
