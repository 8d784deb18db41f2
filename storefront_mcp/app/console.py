"""Console wiring: its repositories, health checks, usage recording and location for each store."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from litestar.handlers import HTTPRouteHandler

from storefront_mcp.app.background import background_jobs
from storefront_mcp.app.cache_health import CacheHealthCheck
from storefront_mcp.app.health_checks import StoreHealthChecks
from storefront_mcp.app.missed_searches import MissedSearchRecorder
from storefront_mcp.cards import CARDS
from storefront_mcp.cards.site.icon import brand_hue
from storefront_mcp.commerce.backend import CacheStats, CatalogueReader
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.console.dependencies import ConsoleDependencies, TitledFinding
from storefront_mcp.console.pages import console_routes
from storefront_mcp.console.rendering import ConsoleRenderer
from storefront_mcp.console.routing import ConsoleLocation
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.console_sessions import SqlConsoleSessionRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.database.order_events import SqlOrderEventQueue
from storefront_mcp.database.order_mails import SqlOrderMailQueue
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.database.usage import SqlUsageRepository, count_orders
from storefront_mcp.findings import Finding
from storefront_mcp.identity.api_key_format import mint_key
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.telemetry.composite import combine
from storefront_mcp.telemetry.usage import UsageRecorder
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.site import StoreSite

if TYPE_CHECKING:
    from storefront_mcp.doctor.patient import ExaminationSubject

EXAMINATION_TIMEOUT_SECONDS: Final = 40.0
"""Time budget of the doctor when it is run from the console."""


class ConsoleWiring:
    """Consoles of all stores of one worker."""

    def __init__(
        self, settings: Settings, database: Database, *, tools: Iterable[str], now: Callable[[], dt.datetime]
    ) -> None:
        """`tools` are the promised ones."""
        self._locations = {store.id: console_location(store) for store in settings.stores if store.console.on}
        self._database = database
        self._readiness = DatabaseReadiness(database)
        self._now = now
        # Not the refresher's: a flip repository remembers which flips it has already read.
        self._flips = SqlFlipRepository(database, now=now)
        self._usage = UsageRecorder(SqlUsageRepository(database), tools=frozenset(tools), now=now)
        self._health_checks: dict[StoreId, StoreHealthChecks] = {}
        self._signs_in = frozenset(store.id for store in settings.stores if store.sign_in.on)
        self._settings = settings

    def hosts(self) -> Mapping[str, StoreId]:
        """Hosts that serve a console alone."""
        return {location.host: store for store, location in self._locations.items() if location.host is not None}

    def instrumentation(self, store: StoreId, instrumentation: Instrumentation | None) -> Instrumentation | None:
        """The store's instrumentation combined with the usage recorder."""
        usage = self._usage.at(store) if store in self._locations else None
        return combine([one for one in (instrumentation, usage) if one is not None])

    def add(
        self,
        store_settings: StoreSettings,
        reader: CatalogueReader,
        *,
        cache_stats: Callable[[], CacheStats],
        circuit_open: Callable[[], bool],
        forwarding: Callable[[], Finding],
    ) -> CatalogueReader:
        """Add a store; returns its reader, decorated to record searches without results if the store has a console."""
        if store_settings.id not in self._locations:
            return reader
        self._health_checks[store_settings.id] = StoreHealthChecks(
            partial(_subject, self._settings, store_settings),
            self._readiness,
            rests=circuit_open,
            cache=CacheHealthCheck(cache_stats, self._settings.limits_store, shared=self._settings.catalogue.shared),
            forwarding=forwarding,
            now=self._now,
        )
        return MissedSearchRecorder(reader, partial(self._usage.count_missed_search, store_settings.id))

    def routes(
        self,
        sites: Mapping[StoreId, StoreSite],
        planned: Mapping[StoreId, Roadmap],
        authenticators: Mapping[StoreId, BearerAuthenticator],
        rate_limiters: Mapping[StoreId, RequestRateLimiter],
        payment_url: Callable[[StoreId, str], str | None],
    ) -> list[HTTPRouteHandler]:
        """The pages of the stores that have a console."""
        dependencies = ConsoleDependencies(
            console_sessions=SqlConsoleSessionRepository(self._database),
            flips=self._flips,
            sites=sites,
            planned=planned,
            # Without encryption keys: the console shows no personal data.
            checkouts=SqlCheckoutRepository(self._database),
            order_mails=SqlOrderMailQueue(self._database),
            # Without encryption keys: the console shows no session.
            order_events=SqlOrderEventQueue(self._database),
            api_keys=SqlApiKeyRepository(self._database, now=self._now),
            mint_key=mint_key,
            # Without encryption keys: the console shows no session of a shop.
            oauth=SqlOAuthRepository(self._database, None, now=self._now),
            signs_in=self._signs_in.__contains__,
            audit=AuditLog(self._database, now=self._now),
            cards=CARDS,
            authenticators=authenticators,
            rate_limiters=rate_limiters,
            health_checks={store: checks.check for store, checks in self._health_checks.items()},
            examine=partial(_examine, self._settings),
            usage=SqlUsageRepository(self._database),
            payment_url=payment_url,
            count_orders=partial(count_orders, self._database),
            now=self._now,
        )
        return console_routes(self._locations, dependencies, ConsoleRenderer(brand_hue))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write the usage counts periodically until the block ends."""
        async with background_jobs({"write usage figures": self._usage.run()}):
            yield

    async def close(self) -> None:
        """Close the health checks and the flip repository."""
        for checks in self._health_checks.values():
            await checks.close()
        self._flips.close()


def _subject(settings: Settings, store: StoreSettings) -> "ExaminationSubject":
    """A store as the doctor examines it."""
    from storefront_mcp.app.diagnostics import doctor_subject  # noqa: PLC0415 -- large, and a server may never need it

    return doctor_subject(settings, store, config="the settings")


async def _examine(settings: Settings, store: StoreId) -> Sequence[TitledFinding]:
    """The findings of a whole examination, the worst first, within the time that a browser waits."""
    from storefront_mcp.doctor import TimeBudget, examine  # noqa: PLC0415 -- as above

    store_settings = next(one for one in settings.stores if one.id == store)
    report = await examine(_subject(settings, store_settings), budget=TimeBudget(total=EXAMINATION_TIMEOUT_SECONDS))
    good = [one for one in report.findings if one[1].level == "ok"]
    return [(check.title, finding) for check, finding in (*report.ranked, *good)]


def console_location(store: StoreSettings) -> ConsoleLocation:
    """Path, host and session lifetime of a store's console."""
    return ConsoleLocation(path=store.console.path, host=store.console.host, session_seconds=store.console.lasts)


def console_url(store: StoreSettings) -> str:
    """The URL of a store's console."""
    if store.console.host is None:
        return store.origin + store.console.path
    return f"{store.origin.partition('://')[0]}://{store.console.host}{store.console.path}"
