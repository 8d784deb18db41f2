"""What an adapter remembers about a shop: bounded, and for a while only."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recall(Struct, frozen=True, kw_only=True):
    """How much is remembered, and what it was good for since the process began."""

    kept: int
    hits: int
    """Questions that were answered from memory."""
    misses: int
    """Questions that the shop had to be asked."""


class Remembered(Generic[K, V]):
    """The `size` facts asked for most recently, each for `seconds` after it was learned.

    >>> capitals = Remembered[str, str](size=2, seconds=60, clock=lambda: 0.0)
    >>> for country, city in {"AU": "Canberra", "NZ": "Wellington", "FJ": "Suva"}.items():
    ...     capitals.keep(country, city)
    >>> capitals.find("AU"), capitals.find("FJ")
    (None, 'Suva')
    """

    def __init__(self, *, size: int, seconds: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()
        self._hits = 0
        self._misses = 0

    def find(self, key: K) -> V | None:
        """What was kept under `key`, unless it is too old or was crowded out."""
        kept = self._kept.get(key)
        if kept is None:
            self._misses += 1
            return None
        value, until = kept
        if until <= self._clock():
            del self._kept[key]
            self._misses += 1
            return None
        self._kept.move_to_end(key)
        self._hits += 1
        return value

    def keep(self, key: K, value: V) -> None:
        """Remember; the fact unused for longest makes room."""
        self._kept[key] = (value, self._clock() + self._seconds)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def forget(self, key: K) -> None:
        """Drop what is no longer true; unknown keys are fine."""
        self._kept.pop(key, None)

    @property
    def recall(self) -> Recall:
        """How it did so far."""
        return Recall(kept=len(self._kept), hits=self._hits, misses=self._misses)


def together(memories: Iterable[Remembered[Any, Any]]) -> Recall:
    """How several did as one."""
    recalls = [memory.recall for memory in memories]
    return Recall(
        kept=sum(one.kept for one in recalls),
        hits=sum(one.hits for one in recalls),
        misses=sum(one.misses for one in recalls),
    )
