"""Factory of the rate limiter that the setting `limits_store` names."""

from collections.abc import Awaitable, Callable

from storefront_mcp.access.rate_limits import RateLimiter
from storefront_mcp.limits.memory_limiter import MemoryRateLimiter


class RedisClientMissing(Exception):
    """A setting names a Redis, but the extra `redis` is not installed."""

    def __init__(self, setting: str) -> None:
        super().__init__(f'{setting} needs a client library: pip install "storefront-mcp[redis]"')


def create_rate_limiter(url: str | None) -> tuple[RateLimiter, Callable[[], Awaitable[None]]]:
    """A rate limiter and how to close it: in Redis if there is a URL, else in memory. Raises RedisClientMissing."""
    memory = MemoryRateLimiter()
    if url is None:
        return memory, _nothing_to_close
    require_redis_client("limits_store")
    from storefront_mcp.limits.redis_limiter import RedisRateLimiter  # noqa: PLC0415 -- the library is an extra

    shared = RedisRateLimiter(url, fallback=memory)
    return shared, shared.close


def require_redis_client(setting: str) -> None:
    """Raises RedisClientMissing where the library is not there: a server that needs no Redis starts without it."""
    try:
        import redis.asyncio  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise RedisClientMissing(setting) from None


async def _nothing_to_close() -> None:
    """Do nothing."""
