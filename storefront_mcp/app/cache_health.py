"""Health check of the in-process cache of the shop and of the Redis store that rate limits share."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from storefront_mcp.commerce.backend import CacheStats
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.findings import Finding, ok, warning
from storefront_mcp.limits.store_check import store_address

if TYPE_CHECKING:
    from redis.asyncio import Redis


LIMITS_SHARED_TEXT: Final = "Limits are counted together at"
CATALOGUE_SHARED_TEXT: Final = "Workers share what the shop said at"


class CacheHealthCheck:
    """Reads the cache statistics of this worker, and sends a PING to each Redis that is set."""

    def __init__(
        self,
        stats: Callable[[], CacheStats],
        limits_store: str | None,
        *,
        shared: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`limits_store` and `shared` (`catalogue.shared`) are the settings. Nothing is connected before a check."""
        self._stats = stats
        self._url = limits_store
        self._shared = shared
        self._clock = clock
        self._clients: dict[str, Redis] = {}

    async def check(self) -> Finding:
        """One finding about all of them."""
        said = [_memory_sentence(self._stats())]
        uses = (
            ("limits_store", self._url, "each worker counts limits for itself, so they are wider", LIMITS_SHARED_TEXT),
            ("catalogue.shared", self._shared, "each worker remembers the shop for itself", CATALOGUE_SHARED_TEXT),
        )
        fix = None
        for setting, url, meanwhile, shared in uses:
            if url is None:
                continue
            where, (failure, took) = store_address(url), await self._ping(url)
            if failure is None:
                said.append(f"{shared} {where}, which answers in {took:.0f} ms.")
            else:
                said.append(f"{where} does not answer ({failure}): until it does, {meanwhile}. Shopping goes on.")
                fix = fix or f"Start {where}, or put {setting} right."
        return ok(" ".join(said)) if fix is None else warning(" ".join(said), fix)

    async def _ping(self, url: str) -> tuple[str | None, float]:
        """What keeps a server from answering, and the milliseconds that it took."""
        # The library is an extra, and was there when the server started.
        from redis.exceptions import RedisError  # noqa: PLC0415

        began, failure = self._clock(), None
        try:
            await self._connect(url).ping()
        except (RedisError, OSError, TimeoutError) as error:
            failure = error_name(error)
        return failure, max((self._clock() - began) * 1000, 1)

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    def _connect(self, url: str) -> "Redis":
        """The client of a server, made once, with the timeouts of the rate limiter."""
        from storefront_mcp.limits.redis_client import create_redis_client  # noqa: PLC0415

        if url not in self._clients:
            self._clients[url] = create_redis_client(url)
        return self._clients[url]


def _memory_sentence(stats: CacheStats) -> str:
    """Size and hit rate, in a sentence."""
    asked = stats.hits + stats.misses
    if asked == 0:
        return "This worker has not needed its memory of the shop yet."
    share = stats.hits * 100 // asked
    return (
        f"This worker remembers {stats.kept:,} answers of the shop: {stats.hits:,} of {asked:,} look-ups ({share}%) "
        "did not have to ask it."
    )
