"""Catalogue wiring: the cache between tools and each store's shop."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from storefront_mcp.app.backends import webhook_reader_of
from storefront_mcp.app.background import background_jobs
from storefront_mcp.catalogue.cache import CatalogueCache
from storefront_mcp.catalogue.cache_changes import CatalogueChangeWatch
from storefront_mcp.catalogue.cache_freshness import CatalogueFreshness, FreshnessRule
from storefront_mcp.catalogue.cache_level import SharedLevel
from storefront_mcp.catalogue.cache_memory import CacheMemory
from storefront_mcp.catalogue.cache_reader import CatalogueCacheReader
from storefront_mcp.catalogue.index import CatalogueMirror
from storefront_mcp.catalogue.mirrored_reader import MirroredCatalogueReader
from storefront_mcp.catalogue.query.language import LanguageWords, language_words
from storefront_mcp.commerce.backend import CacheStats, ShopBackend
from storefront_mcp.commerce.guest_carts import CartObserver
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.engine import Database
from storefront_mcp.limits import require_redis_client
from storefront_mcp.limits.store_check import store_address
from storefront_mcp.settings.alerts import signing_key
from storefront_mcp.settings.catalogue import StoreCatalogueSettings
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.web.shop_webhook import CatalogueListener, StandardWebhookReader, shop_webhook_routes

if TYPE_CHECKING:
    from redis.asyncio import Redis

BYTES_PER_MB: Final = 1_000_000


CountCatalogue = Callable[[StoreId, Mapping[str, int], Callable[[], int]], None]
"""Is given a store's reads by source and the bytes of its cache, to look at from time to time."""


class _StoreCatalogue(Struct, frozen=True, kw_only=True):
    backend: ShopBackend
    reader: CatalogueCacheReader


class CatalogueWiring:
    """The catalogue caches of all stores of one worker."""

    def __init__(
        self, settings: Settings, database: Database, *, counting: CountCatalogue, now: Callable[[], dt.datetime]
    ) -> None:
        self._counting = counting
        self._max_bytes = settings.catalogue.memory_mb * BYTES_PER_MB // len(settings.stores)
        self._now: Callable[[], float] = lambda: now().timestamp()
        self._stores: dict[StoreId, _StoreCatalogue] = {}
        self._watch = CatalogueChangeWatch(SqlCatalogueChanges(database), now=self._now)
        self._shared_url = settings.catalogue.shared
        self._redis: Redis | None = None
        self._listeners: dict[StoreId, CatalogueListener] = {}

    def add(
        self, settings: StoreSettings, backend: ShopBackend, mirror: CatalogueMirror | None = None
    ) -> tuple[MirroredCatalogueReader, CartObserver]:
        """What tools read a store's catalogue by, and what its carts are to tell."""
        memory = CacheMemory(max_bytes=self._max_bytes)
        cache = CatalogueCache(settings.id, memory, now=self._now, shared=self._shared_level(settings))
        reader = CatalogueCacheReader(backend, cache, freshness_of(settings.catalogue))
        self._counting(settings.id, cache.counts, lambda: memory.bytes)
        self._stores[settings.id] = _StoreCatalogue(backend=backend, reader=reader)
        secret = settings.catalogue.webhook_secret
        key = None if secret is None else signing_key(secret)
        if key is not None:
            self._listeners[settings.id] = CatalogueListener(
                read=webhook_reader_of(settings, StandardWebhookReader(key)),
                changed=partial(self._watch.report, settings.id),
                all_changed=partial(self._watch.report_all, settings.id),
            )
        language = partial(search_language, settings.locale, settings.mirror.synonyms)
        searching = MirroredCatalogueReader(reader, mirror, language, settings.currency)
        return searching, self._watch.add(settings.id, cache)

    @property
    def routes(self) -> list[HTTPRouteHandler]:
        """`/webhooks/shop`, where a store has a secret for it."""
        return shop_webhook_routes(self._listeners, now=self._now)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Learn what has changed, and exchange it with the other workers until the block ends."""
        await self._watch.poll()
        try:
            async with background_jobs({"exchange changes of catalogues": self._watch.run()}):
                yield
        finally:
            await self.close()

    def stats(self, store: StoreId) -> CacheStats:
        """What is cached of a shop's answers, by its adapter too, and how often that saved a question."""
        found = self._stores[store]
        both = (found.reader.cache_stats, found.backend.cache_stats)
        return CacheStats(
            kept=sum(one.kept for one in both),
            hits=sum(one.hits for one in both),
            misses=sum(one.misses for one in both),
        )

    async def close(self) -> None:
        """End what is under way, and close the connections."""
        for one in self._stores.values():
            await one.reader.cache.close()
        if self._redis is not None:
            await self._redis.aclose()

    def _shared_level(self, settings: StoreSettings) -> SharedLevel | None:
        """Where a store's answers are shared; None where nothing is set. Raises RedisClientMissing."""
        url = self._shared_url
        if url is None:
            return None
        require_redis_client("catalogue.shared")
        # The library is an extra.
        from storefront_mcp.catalogue.cache_shared import SHARED_TIMEOUT_SECONDS, SharedAnswerStore  # noqa: PLC0415
        from storefront_mcp.limits.redis_client import create_redis_client  # noqa: PLC0415

        self._redis = self._redis or create_redis_client(url, timeout=SHARED_TIMEOUT_SECONDS)
        return SharedAnswerStore(self._redis, store_address(url), shop_identity(settings))


def shop_identity(settings: StoreSettings) -> tuple[object, ...]:
    """What tells the answers of one store's shop from those of any other, and of another currency or language."""
    upstream = settings.upstream
    return (settings.id, upstream.kind, upstream.url, upstream.store_code, settings.currency, settings.locale)


@lru_cache
def search_language(locale: str, synonyms: str | None = None) -> LanguageWords:
    """How searches over a mirror are read in a language; its stems are the search library's, which is an extra.

    `synonyms` is the path of an operator's file of them.
    """
    from storefront_mcp.catalogue.tantivy_engine.schema import snowball_stem  # noqa: PLC0415

    lines = [] if synonyms is None else Path(synonyms).read_text(encoding="utf-8").splitlines()
    return language_words(locale, snowball_stem(locale), lines)


def freshness_of(settings: StoreCatalogueSettings) -> CatalogueFreshness:
    """The rules of a store: what is refreshed behind may be so many times as old as what is fresh."""
    day = 24 * settings.outage
    return CatalogueFreshness(
        search=FreshnessRule(fresh=settings.search, refreshing=10 * settings.search, outage=settings.outage),
        product=FreshnessRule(fresh=settings.product, outage=settings.outage),
        browse=FreshnessRule(fresh=settings.browse, refreshing=12 * settings.browse, outage=day),
        page=FreshnessRule(fresh=settings.page, refreshing=6 * settings.page, outage=day),
    )
