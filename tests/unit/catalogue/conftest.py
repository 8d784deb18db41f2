"""A cache between a test and a shop that counts, under a clock that stands still."""

from typing import Any

import pytest
from msgspec import Struct

from storefront_mcp.catalogue.cache import CatalogueCache
from storefront_mcp.catalogue.cache_freshness import CatalogueFreshness
from storefront_mcp.catalogue.cache_memory import CacheMemory
from storefront_mcp.catalogue.cache_reader import CatalogueCacheReader
from tests.fakes.counting_reader import CountingReader
from tests.fakes.memory_backend import MemoryBackend

START = 1_800_000_000.0


class Clock(Struct):
    """Monotonic and Unix seconds, which pass when they are told to."""

    passed: float = 0.0
    jumped: float = 0.0
    """How far the time of day was set forward."""

    def monotonic(self) -> float:
        return self.passed

    def unix(self) -> float:
        return START + self.passed + self.jumped

    def advance(self, seconds: float) -> None:
        self.passed += seconds


class CacheBench:
    """One store's cache, with all around it."""

    def __init__(
        self,
        freshness: CatalogueFreshness | None = None,
        *,
        max_bytes: int = 10_000_000,
        chance: float = 0.5,
        **options: Any,
    ) -> None:
        self.backend = MemoryBackend()
        self.shop = CountingReader(self.backend)
        self.clock = Clock()
        self.memory = CacheMemory(max_bytes=max_bytes)
        self.cache = CatalogueCache(
            "pickle",
            self.memory,
            clock=self.clock.monotonic,
            now=self.clock.unix,
            chance=lambda: chance,
            **options,
        )
        self.reader = CatalogueCacheReader(self.shop, self.cache, freshness or CatalogueFreshness())


@pytest.fixture
def bench() -> CacheBench:
    return CacheBench()
