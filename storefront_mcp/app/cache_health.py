"""Health check of the in-process cache of the shop and of the Redis store that rate limits share."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from storefront_mcp.commerce.backend import CacheStats
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.findings import Finding, ok, warning
from storefront_mcp.limits.store_check import store_address

if TYPE_CHECKING:
    from redis.asyncio import Redis


class CacheHealthCheck:
    """Reads the cache statistics of this worker, and sends a PING to the Redis store, if one is set."""

    def __init__(
        self,
        stats: Callable[[], CacheStats],
        limits_store: str | None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`limits_store` is the setting. Nothing is connected before the first check."""
        self._stats = stats
        self._url = limits_store
        self._clock = clock
        self._client: Redis | None = None

    async def check(self) -> Finding:
        """One finding about both."""
        memory = _memory_sentence(self._stats())
        if self._url is None:
            return ok(memory)
        # The library is an extra, and was there when the server started: the rate limiter needs it, too.
        from redis.exceptions import RedisError  # noqa: PLC0415

        where = store_address(self._url)
        began = self._clock()
        try:
            await self._connect(self._url).ping()
        except (RedisError, OSError, TimeoutError) as error:
            text = (
                f"{memory} {where} does not answer ({error_name(error)}): until it does, each worker counts limits "
                "for itself, so they are wider. Shopping goes on."
            )
            return warning(text, f"Start {where}, or put limits_store right.")
        took = max((self._clock() - began) * 1000, 1)
        return ok(f"{memory} Limits are counted together at {where}, which answers in {took:.0f} ms.")

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.aclose()

    def _connect(self, url: str) -> "Redis":
        """The client, made once, with the timeouts of the rate limiter."""
        from storefront_mcp.limits.redis_client import create_redis_client  # noqa: PLC0415

        self._client = self._client or create_redis_client(url)
        return self._client


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
