"""Which buckets a worker counts in, by the setting `limits_store`."""

from collections.abc import Awaitable, Callable

from storefront_mcp.calls.limits import Buckets
from storefront_mcp.limits.memory import MemoryBuckets


class ClientMissing(Exception):
    """A shared store is named, and the library that speaks to it is not installed."""

    def __init__(self) -> None:
        super().__init__('limits_store needs a client library: pip install "storefront-mcp[redis]"')


def buckets(url: str | None) -> tuple[Buckets, Callable[[], Awaitable[None]]]:
    """Buckets and how to let go of them: shared ones where a URL names a store. Raises ClientMissing."""
    memory = MemoryBuckets()
    if url is None:
        return memory, _nothing_to_close
    try:
        # The library is an extra: a server without a shared store starts without it.
        from storefront_mcp.limits.shared import SharedBuckets  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise ClientMissing from None
    shared = SharedBuckets(url, instead=memory)
    return shared, shared.close


async def _nothing_to_close() -> None:
    """Memory ends with its process."""
