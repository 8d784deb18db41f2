"""Rate limiters: in the memory of one worker, or in a Valkey or Redis that workers share."""

from storefront_mcp.limits.factory import RedisClientMissing, create_rate_limiter, require_redis_client
from storefront_mcp.limits.memory_limiter import MemoryRateLimiter

__all__ = ["MemoryRateLimiter", "RedisClientMissing", "create_rate_limiter", "require_redis_client"]
