"""Whether the Valkey or Redis of `limits_store` answers."""

from urllib.parse import urlsplit

from storefront_mcp.commerce.error_codes import error_name


def store_address(url: str) -> str:
    """Host and port of a URL, without its credentials."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"


async def shared_counts_failure(url: str) -> str | None:
    """What keeps calls from being counted there, as "does not answer (…)"; None when it answers a PING."""
    # The library is an extra.
    try:
        from redis.exceptions import AuthenticationError, RedisError  # noqa: PLC0415

        from storefront_mcp.limits.redis_client import create_redis_client  # noqa: PLC0415
    except ModuleNotFoundError:
        return 'needs a client library, pip install "storefront-mcp[redis]"'
    client = create_redis_client(url)
    try:
        await client.ping()
    except AuthenticationError:
        return "refuses our password"
    except (RedisError, OSError, TimeoutError) as error:
        return f"does not answer ({error_name(error)})"
    finally:
        await client.aclose()
    return None
