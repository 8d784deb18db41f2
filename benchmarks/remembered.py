"""What a read of the catalogue costs by where its answer comes from: `python -m benchmarks.remembered [--rounds N]`.

One process asks through the adapter, as tools do: a shop behind a socket, in a process of its own, which answers a
search with ten products; a Redis beside it, where there is one; and the memory of the worker. Processor time of this
process, medians of interleaved rounds; only the ratios are worth anything.
"""

import asyncio
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import click

from benchmarks.answer import shop_page
from benchmarks.servers import PATIENCE, free_port
from storefront_mcp.backends.maho import MahoConfig, connect
from storefront_mcp.catalogue.cache import CatalogueCache
from storefront_mcp.catalogue.cache_freshness import CatalogueFreshness, FreshnessRule
from storefront_mcp.catalogue.cache_memory import CacheMemory
from storefront_mcp.catalogue.cache_reader import CatalogueCacheReader
from storefront_mcp.catalogue.cache_shared import SharedAnswerStore
from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.limits.redis_client import create_redis_client
from tools.debian_programs import FOLDER

QUERY: Final = SearchQuery(text="paddle")
LONG: Final = FreshnessRule(fresh=3_600, refreshing=3_600)
FRESHNESS: Final = CatalogueFreshness(search=LONG, product=LONG, browse=LONG, page=LONG)
READS: Final = 1_000
ASKS, SHARED = "asks the shop", "from Valkey or Redis"


class ForgetfulMemory(CacheMemory):
    """Keeps nothing, so that each read goes to the second level."""

    def put(self, key: object, entry: object) -> None:
        """Drop it."""


async def answer_as_shop(port: int) -> None:
    """The shop: the same page for every request."""
    body = shop_page()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/ld+json\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(head + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


async def measure(rounds: int, shop: str, redis_url: str | None) -> dict[str, list[float]]:
    """Microseconds of processor time for a read, by where the answer comes from."""
    backend, close = connect(MahoConfig(url=shop), "AUD")
    remembered = CatalogueCacheReader(backend, CatalogueCache("bench", CacheMemory(max_bytes=10**7)), FRESHNESS)
    readers: dict[str, CatalogueReader] = {ASKS: backend, "from its memory": remembered}
    redis = None if redis_url is None else create_redis_client(redis_url, timeout=5.0)
    if redis is not None:
        shared = SharedAnswerStore(redis, "", ("bench",))
        cache = CatalogueCache("bench", ForgetfulMemory(max_bytes=1), shared=shared)
        readers[SHARED] = CatalogueCacheReader(backend, cache, FRESHNESS)
    found: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, reader in readers.items():
            found[name].append(await cost(lambda reader=reader: reader.search(QUERY)))  # type: ignore[misc]
    await close()
    if redis is not None:
        await redis.aclose()
    return found


async def cost(read: Callable[[], Awaitable[object]]) -> float:
    await read()
    began = time.process_time()
    for _ in range(READS):
        await read()
    return (time.process_time() - began) / READS * 1e6


@contextlib.contextmanager
def listening(command: Sequence[str], port: int) -> "Iterator[subprocess.Popen[bytes]]":
    """A program that listens on a port, ended afterwards. Raises RuntimeError where it does not."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                message = f"{command[0]} does not listen on {port}"
                raise RuntimeError(message)
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def fixed_shop() -> Iterator[str]:
    """The URL of a shop in a process of its own that answers every request with the same page of ten products."""
    port = free_port()
    program = f"import asyncio; from benchmarks.remembered import answer_as_shop as shop; asyncio.run(shop({port}))"
    with listening([sys.executable, "-c", program], port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def own_redis() -> Iterator[str | None]:
    """The URL of a Redis; None where `make redis-server` has not put one here."""
    redis, port = FOLDER / "redis-server" / "bin" / "redis-server", free_port()
    if not redis.exists():
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [str(redis), "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder]
        with listening(command, port):
            yield f"redis://127.0.0.1:{port}/0"


@click.command()
@click.option("--rounds", default=7, help="Interleaved rounds.")
def main(rounds: int) -> None:
    """Measure and print."""
    with fixed_shop() as shop, own_redis() as redis_url:
        found = asyncio.run(measure(rounds, shop, redis_url))
    asked = statistics.median(found[ASKS])
    for name, costs in found.items():
        print(f"{name:24} {statistics.median(costs):8.1f} µs CPU  {statistics.median(costs) / asked:5.2f} times")


if __name__ == "__main__":
    main()
