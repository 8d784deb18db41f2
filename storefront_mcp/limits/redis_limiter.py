"""Rate limiter in Valkey or Redis, which all workers share."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from storefront_mcp.access.rate_limits import LimitExceeded, PermitRequest, RateLimiter
from storefront_mcp.commerce.error_codes import error_name
from storefront_mcp.limits.redis_client import create_redis_client
from storefront_mcp.limits.store_check import store_address

log: Final = logging.getLogger("storefront_mcp.limits")

FAILURE_BACKOFF_SECONDS: Final = 5.0
"""Time after a failure in which the fallback counts."""

TAKE_SCRIPT: Final = """
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
"""The algorithm of `MemoryRateLimiter`, in milliseconds of the server's clock; all permits or none, atomically."""


class RedisRateLimiter(RateLimiter):
    """`RateLimiter` that falls back to another one while the server fails, so that calls go on."""

    def __init__(self, url: str, *, fallback: RateLimiter, clock: Callable[[], float] = time.monotonic) -> None:
        """`url` as for `create_redis_client`; connects on first use."""
        self.address = f"{urlsplit(url).scheme}://{store_address(url)}"
        """The URL without credentials."""
        self._redis = create_redis_client(url)
        self._take = self._redis.register_script(TAKE_SCRIPT)
        self._fallback = fallback
        self._clock = clock
        self._retry_at = 0.0
        self._failing = False

    async def take(self, store: str, asks: Sequence[PermitRequest], *, charge: bool = True) -> LimitExceeded | None:
        """Take one permit of each rule, or none of any; with `charge` false, only check. None if allowed."""
        if self._failing and self._clock() < self._retry_at:
            return await self._fallback.take(store, asks, charge=charge)
        numbers = [number for permit in asks for number in (permit.rate.interval * 1000, permit.rate.burst)]
        try:
            keys = [f"storefront-mcp:{store}:{permit.rule}:{permit.key}" for permit in asks]
            refused, wait = await self._take(keys=keys, args=[int(charge), *numbers])
        except (RedisError, OSError, TimeoutError) as error:
            self._record_failure(error)
            return await self._fallback.take(store, asks, charge=charge)
        if self._failing:
            self._failing = False
            log.warning("%s answers again: limits are shared between workers", self.address)
        if not refused:
            return None
        permit = asks[refused - 1]
        return LimitExceeded(rule=permit.rule, rate=permit.rate, wait=float(wait) / 1000)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _record_failure(self, error: Exception) -> None:
        self._retry_at = self._clock() + FAILURE_BACKOFF_SECONDS
        if not self._failing:
            log.warning("%s fails (%s): each worker counts for itself", self.address, error_name(error))
        self._failing = True
