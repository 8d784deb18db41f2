"""First level of the catalogue cache: the memory of one worker, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any, Final

from msgspec import Struct

CacheKey = tuple[str, Hashable]
"""What is read, and its arguments."""

MAX_MISSING: Final = 2_000
"""Keys that are remembered as not found; apart, so that guessed SKUs push out no product."""
OBJECT_BYTES_FACTOR: Final = 8
"""Bytes of memory for each encoded one: Python's objects are larger, and the JSON made of them is kept, too."""
ENTRY_BYTES: Final = 1_000
"""Of an entry besides its value."""
MAX_SHARE: Final = 8
"""One entry may take this part of the whole."""


class CacheEntry(Struct, kw_only=True):
    """One value, with its life in the worker's monotonic seconds."""

    value: Any
    """A `CatalogueValue` of the key's kind."""
    fetched: float
    """Unix seconds at which the shop was asked."""
    early_at: float
    """From here on a refresh may begin before the value is old."""
    fresh_until: float
    refreshing_until: float
    outage_until: float
    cost: float
    """Seconds that the shop took."""
    encoded_bytes: int
    skus: frozenset[str] = frozenset()
    """Of the products in it, case-folded."""
    retry_at: float = 0.0
    """After a failed refresh, when the shop is asked next."""
    failed: bool = False
    """Whether the last refresh failed."""

    @property
    def bytes(self) -> int:
        """Of memory, estimated."""
        return ENTRY_BYTES + self.encoded_bytes * OBJECT_BYTES_FACTOR


class CacheMemory:
    """The least recently used entries go first, once all of them take more than `max_bytes`.

    >>> memory = CacheMemory(max_bytes=1_000_000)
    >>> memory.find(("product", "A")), memory.bytes
    (None, 0)
    """

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[CacheKey, CacheEntry] = OrderedDict()
        self._missing: OrderedDict[CacheKey, float] = OrderedDict()
        self.bytes = 0
        """Of all entries, estimated."""

    def __len__(self) -> int:
        """Entries, without those for what is missing."""
        return len(self._entries)

    def find(self, key: CacheKey) -> CacheEntry | None:
        """The entry of a key, however old."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: CacheKey, entry: CacheEntry) -> None:
        """Keep an entry, unless it alone is too large."""
        self.drop(key)
        if entry.bytes > self._max_bytes // MAX_SHARE:
            return
        self._entries[key] = entry
        self.bytes += entry.bytes
        while self.bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self.bytes -= oldest.bytes

    def put_missing(self, key: CacheKey, until: float) -> None:
        """Keep that there is no such thing."""
        self.drop(key)
        self._missing[key] = until
        if len(self._missing) > MAX_MISSING:
            self._missing.popitem(last=False)

    def is_missing(self, key: CacheKey, now: float) -> bool:
        """Whether there was no such thing, not long ago."""
        until = self._missing.get(key)
        return until is not None and now < until

    def is_listed(self, sku: str) -> bool:
        """Whether a kept value shows this SKU."""
        wanted = sku.casefold()
        return any(wanted in entry.skus for entry in self._entries.values())

    def drop(self, key: CacheKey) -> None:
        """Keep nothing of a key."""
        self._missing.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= entry.bytes

    def drop_products(self, skus: Iterable[str]) -> frozenset[str]:
        """Drop all that shows one of these products, case-folded; their SKUs with those of their families."""
        changed = frozenset(skus)
        family = changed.union(
            *(
                entry.skus
                for (kind, _), entry in self._entries.items()
                if kind == "product" and not entry.skus.isdisjoint(changed)
            )
        )
        for key in [key for key, entry in self._entries.items() if not entry.skus.isdisjoint(family)]:
            self.drop(key)
        self._missing.clear()
        return family

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._missing.clear()
        self.bytes = 0
