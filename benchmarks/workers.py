"""What a shopper's session costs with one, two and four workers: `python -m benchmarks.workers [--rounds N]`.

`storefront-mcp serve` as operators start it, with SQLite, limits, audit and cache, before the demo shop in a process of
its own. Each session is one shopper's: four searches, a cart, two additions, another quantity, a look at it and a
shipping quote. Processor time of the serving processes alone, all of them together; medians of interleaved
rounds, and only the ratios are worth anything. A worker that shares badly shows as time that more of them take.
"""

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import httpx
from msgspec import Struct

from benchmarks.asks import HANDSHAKE
from benchmarks.servers import OK, TICKS, free_port

PROGRAM: Final = (sys.executable, "-m", "storefront_mcp.cli")
WORKERS: Final = (1, 2, 4)
PATIENCE: Final = 120.0
SHOPPERS: Final = 8
"""Sessions at once."""
MOST: Final = 1.05
"""Times that a session may cost with more workers."""
SETTINGS: Final = """
port = {port}
workers = {workers}
[[store]]
id = "bench"
origin = "http://127.0.0.1:{port}"
name = "Bench"
currency = "AUD"
[store.upstream]
kind = "maho"
url = "{shop}"
[store.limits]
{limits}
"""
LIMITS: Final = ("address", "guest", "cart", "coupons", "carts", "orders")
WIDE: Final = "100000000/s burst 100000000"


class ServedStore(Struct, frozen=True):
    """A running server with its workers."""

    workers: int
    port: int
    process: "subprocess.Popen[bytes]"

    def cpu(self) -> float:
        """Seconds of processor time of supervisor and workers so far."""
        return sum(process_seconds(pid) for pid in (self.process.pid, *_children(self.process.pid)))


def process_seconds(pid: int) -> float:
    """Of processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _children(pid: int) -> Sequence[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found]


@contextlib.contextmanager
def program(*arguments: str, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One of our commands, ended afterwards."""
    process = subprocess.Popen([*PROGRAM, *arguments], env={**os.environ, **variables}, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def served(folder: Path, workers: int, shop: str, more: str = "") -> Iterator[ServedStore]:
    """A store before that shop, browse and cart open, with so many workers; `more` goes to the end of its settings."""
    port = free_port()
    place = folder / str(workers)
    place.mkdir()
    config = place / "storefront.toml"
    limits = "\n".join(f'{name} = "{WIDE}"' for name in LIMITS)
    text = SETTINGS.format(port=port, workers=workers, shop=shop, limits=limits)
    config.write_text(text + more, encoding="utf-8")
    with program("serve", "--config", str(config)) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        command = [*PROGRAM, "phases", "open", "p1_browse", "p2_cart", "--config", str(config)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        yield ServedStore(workers, port, process)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until something answers there. Raises RuntimeError."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False).status_code == OK:
                return
        time.sleep(0.05)
    message = f"nothing answers at {url}"
    raise RuntimeError(message)


class Shopper:
    """One agent with a connection of its own."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.calls = 0

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 -- what the tool takes
        """Call a tool. Raises AssertionError for a refusal."""
        self.calls += 1
        params = {"name": tool, "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": self.calls, "method": "tools/call", "params": params}
        response = await self._client.post("/mcp", json=body)
        result = response.json().get("result", {})
        if response.status_code != OK or result.get("isError", True):
            message = f"{tool}: {response.status_code} {response.text[:300]}"
            raise AssertionError(message)
        found: dict[str, Any] = result["structuredContent"]
        return found

    async def shop(self) -> None:
        """One session."""
        for query in ("paddle", "shirt", "net"):
            await self.call("search_products", query=query)
        found = (await self.call("search_products", query="ball"))["products"]
        sku = next(one["sku"] for one in found if one.get("in_stock", True))
        cart = (await self.call("create_cart"))["cart_id"]
        filled = await self.call("add_to_cart", cart_id=cart, sku=sku, quantity=1)
        line = filled["lines"][0]["line_id"]
        await self.call("add_to_cart", cart_id=cart, sku=sku, quantity=1)
        await self.call("update_cart_item", cart_id=cart, line_id=line, quantity=3)
        await self.call("view_cart", cart_id=cart)
        address = {"country": "US", "region": "CA", "postcode": "90001", "city": "Los Angeles", "street": "1 Main St"}
        await self.call("get_shipping_methods", cart_id=cart, address=address)


async def cost_of(store: ServedStore, sessions: int) -> float:
    """Milliseconds of processor time that a session costs."""
    before = store.cpu()
    left = iter(range(sessions))

    async def keep_shopping() -> None:
        headers = {"MCP-Protocol-Version": HANDSHAKE, "Accept": "application/json, text/event-stream"}
        url = f"http://127.0.0.1:{store.port}"
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE, trust_env=False) as client:
            for _ in left:
                await Shopper(client).shop()

    await asyncio.gather(*(keep_shopping() for _ in range(SHOPPERS)))
    return (store.cpu() - before) / sessions * 1e3


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50), help="Interleaved rounds.")
@click.option("--sessions", default=100, show_default=True, type=click.IntRange(1), help="In a round, with each.")
def main(rounds: int, sessions: int) -> None:
    """Measure and print."""
    port = free_port()
    shop = f"http://127.0.0.1:{port}"
    found: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        wait_for(f"{shop}/api/rest/v2/store-config", stack.enter_context(program("demo-shop", "--port", str(port))))
        stores = [stack.enter_context(served(folder, workers, shop)) for workers in WORKERS]
        for number in range(rounds + 1):
            for store in stores:
                spent = asyncio.run(cost_of(store, sessions))
                # The first round only warms up.
                if number:
                    found[store.workers].append(spent)
    alone = statistics.median(found[1])
    for workers, costs in found.items():
        ratio = statistics.median(costs) / alone
        verdict = "" if workers == 1 else f"  {'met' if ratio <= MOST else 'not met'} (≤ {MOST})"
        print(f"{workers} workers {statistics.median(costs):8.1f} ms CPU a session  {ratio:5.2f} times{verdict}")


if __name__ == "__main__":
    main()
