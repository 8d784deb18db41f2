"""Token buckets in Valkey or Redis, counted by all workers together."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from storefront_mcp.calls.limits import Ask, Buckets, Refusal

log: Final = logging.getLogger("storefront_mcp.limits")

PATIENCE: Final = 0.25
"""Seconds that a call waits for the store before the process's own memory answers."""

PAUSE: Final = 5.0
"""Seconds after a failure in which the store is not asked."""

SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss"}

TAKE: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local refused, longest, full = 0, 0, {}
for i, key in ipairs(KEYS) do
  local interval, burst = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local kept = tonumber(redis.call('GET', key) or '0')
  if kept < now then kept = now end
  full[i] = kept + interval
  local wait = full[i] - burst * interval - now
  if wait > 0.001 and wait > longest then refused, longest = i, wait end
end
if refused > 0 then return {refused, tostring(longest)} end
if ARGV[1] == '1' then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.3f', full[i]), 'PX', math.ceil(full[i] - now) + 1)
  end
end
return {0, '0'}
"""
"""The algorithm of `MemoryBuckets`, in milliseconds of the store's own clock, all or nothing in one step."""


class SharedBuckets(Buckets):
    """Implements `calls.limits.Buckets`. While the store fails, `instead` counts: shopping never waits for it."""

    def __init__(self, url: str, *, instead: Buckets, clock: Callable[[], float] = time.monotonic) -> None:
        """`url` is `valkey://…` or `redis://…`, with an `s` more for TLS. Nothing is asked yet."""
        parts = urlsplit(url)
        self.shown = f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}"
        """The address without credentials."""
        self._redis = Redis.from_url(
            parts._replace(scheme=SCHEMES[parts.scheme]).geturl(),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = self._redis.register_script(TAKE)
        self._instead = instead
        self._clock = clock
        self._again_at = 0.0
        self._failing = False

    async def take(self, store: str, asks: Sequence[Ask], *, charge: bool = True) -> Refusal | None:
        """One token of each, or none of any."""
        if self._failing and self._clock() < self._again_at:
            return await self._instead.take(store, asks, charge=charge)
        numbers = [number for ask in asks for number in (ask.rate.interval * 1000, ask.rate.burst)]
        try:
            keys = [f"storefront-mcp:{store}:{ask.rule}:{ask.key}" for ask in asks]
            refused, wait = await self._take(keys=keys, args=[int(charge), *numbers])
        except (RedisError, OSError, TimeoutError) as error:
            self._fails(error)
            return await self._instead.take(store, asks, charge=charge)
        if self._failing:
            self._failing = False
            log.warning("%s answers again: limits are shared between workers", self.shown)
        if not refused:
            return None
        ask = asks[refused - 1]
        return Refusal(rule=ask.rule, rate=ask.rate, wait=float(wait) / 1000)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()

    def _fails(self, error: Exception) -> None:
        self._again_at = self._clock() + PAUSE
        if not self._failing:
            log.warning("%s fails (%s): each worker counts for itself", self.shown, type(error).__name__)
        self._failing = True
