"""Bounded cache with a time to live and hit counts, for what an adapter reads from a shop."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from cachetools import TTLCache

from storefront_mcp.commerce.backend import CacheStats

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(TTLCache[K, V]):
    """LRU cache of at most `size` values, each kept for `seconds` after it was put.

    >>> capitals = TtlCache[str, str](size=2, seconds=60, clock=lambda: 0.0)
    >>> for country, city in {"AU": "Canberra", "NZ": "Wellington", "FJ": "Suva"}.items():
    ...     capitals[country] = city
    >>> capitals.find("AU"), capitals.find("FJ")
    (None, 'Suva')
    """

    def __init__(
        self, *, size: int, seconds: float, clock: Callable[[], float], weigh: Callable[[V], int] | None = None
    ) -> None:
        """With `weigh`, `size` bounds the sum of the values' weights; a value beyond it raises ValueError."""
        super().__init__(size, seconds, timer=clock, getsizeof=weigh)
        self._hits = 0
        self._misses = 0

    def find(self, key: K) -> V | None:
        """The value of `key`; None when absent, expired or evicted. Counts a hit or a miss."""
        value: V | None = self.get(key)
        if value is None:
            self._misses += 1
        else:
            self._hits += 1
        return value

    @property
    def stats(self) -> CacheStats:
        """Size, hits and misses so far."""
        return CacheStats(kept=len(self), hits=self._hits, misses=self._misses)


def merged_stats(memories: Iterable[TtlCache[Any, Any]]) -> CacheStats:
    """The sums of several caches' stats."""
    stats = [memory.stats for memory in memories]
    return CacheStats(
        kept=sum(one.kept for one in stats),
        hits=sum(one.hits for one in stats),
        misses=sum(one.misses for one in stats),
    )
