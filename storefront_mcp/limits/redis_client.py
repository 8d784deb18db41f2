"""Builder of the Redis client that the rate limiter and the cache's health check use."""

from typing import Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

REDIS_TIMEOUT_SECONDS: Final = 0.25
"""Longest wait to connect and for an answer; after it the rate limiter falls back to the process's own memory."""
URL_SCHEMES: Final = {"valkey": "redis", "valkeys": "rediss", "redis": "redis", "rediss": "rediss"}


def create_redis_client(url: str, *, timeout: float | None = None) -> Redis:
    """A client without retries for `valkey://…` or `redis://…`, with an `s` more for TLS. Connects on first use."""
    seconds = REDIS_TIMEOUT_SECONDS if timeout is None else timeout
    return Redis.from_url(
        urlsplit(url)._replace(scheme=URL_SCHEMES[urlsplit(url).scheme]).geturl(),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
    )
