"""A look at what is kept near: what a worker remembers of the shop, and the store in which workers count together."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from storefront_mcp.backends.memory import Recall
from storefront_mcp.web.console.books import Finding

if TYPE_CHECKING:
    from redis.asyncio import Redis

TITLE: Final = "Cache"


class CacheLook:
    """Looks at the memory of this worker, and asks the shared store, if one is set, with a PING."""

    def __init__(
        self, recall: Callable[[], Recall], limits_store: str | None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """`limits_store` is the setting. Nothing is connected before the first look."""
        self._recall = recall
        self._url = limits_store
        self._clock = clock
        self._client: Redis | None = None

    async def look(self) -> Sequence[Finding]:
        """One finding, whatever there is."""
        memory = _said(self._recall())
        if self._url is None:
            return [Finding(title=TITLE, standing="good", text=memory)]
        # The library is an extra, and was there when the server started: the buckets need it, too.
        from redis.exceptions import RedisError  # noqa: PLC0415

        where = _shown(self._url)
        began = self._clock()
        try:
            await self._connected(self._url).ping()
        except (RedisError, OSError, TimeoutError) as error:
            text = (
                f"{memory} {where} does not answer ({type(error).__name__}): until it does, each worker counts limits "
                "for itself, so they are wider. Shopping goes on."
            )
            return [Finding(title=TITLE, standing="warn", text=text, fix=f"Start {where}, or put limits_store right.")]
        took = max((self._clock() - began) * 1000, 1)
        text = f"{memory} Limits are counted together at {where}, which answers in {took:.0f} ms."
        return [Finding(title=TITLE, standing="good", text=text)]

    async def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            await self._client.aclose()

    def _connected(self, url: str) -> "Redis":
        """As patient as a call that is counted there."""
        from redis.asyncio import Redis  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415

        from storefront_mcp.limits.shared import PATIENCE, SCHEMES  # noqa: PLC0415

        if self._client is None:
            parts = urlsplit(url)
            self._client = Redis.from_url(
                parts._replace(scheme=SCHEMES[parts.scheme]).geturl(),
                socket_timeout=PATIENCE,
                socket_connect_timeout=PATIENCE,
                retry=Retry(NoBackoff(), 0),
            )
        return self._client


def _said(recall: Recall) -> str:
    """How a worker's memory does, in a sentence."""
    asked = recall.hits + recall.misses
    if asked == 0:
        return "This worker has not needed its memory of the shop yet."
    share = recall.hits * 100 // asked
    return (
        f"This worker remembers {recall.kept:,} answers of the shop: {recall.hits:,} of {asked:,} look-ups ({share}%) "
        "did not have to ask it."
    )


def _shown(url: str) -> str:
    """The address without credentials."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"
