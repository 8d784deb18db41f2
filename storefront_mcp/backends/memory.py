"""What an adapter remembers about a shop: bounded, and for a while only."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


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

    def find(self, key: K) -> V | None:
        """What was kept under `key`, unless it is too old or was crowded out."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        value, until = kept
        if until <= self._clock():
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
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
