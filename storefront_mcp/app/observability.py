"""Observability wiring: Prometheus, OpenTelemetry, logging, readiness."""

import asyncio
import contextlib
import datetime as dt
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, cast

from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from storefront_mcp.app.background import background_jobs
from storefront_mcp.checkout.states import TRANSITIONS
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.metrics_queries import SqlMetricsSource
from storefront_mcp.database.readiness import DatabaseReadiness
from storefront_mcp.identity.redaction import redact_logs, redact_secrets
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.telemetry import LogSettings
from storefront_mcp.settings.validation import metrics_problems
from storefront_mcp.telemetry.composite import combine
from storefront_mcp.telemetry.otel_env import otel_enabled
from storefront_mcp.web.access_log import AccessLog
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.health import ReadinessCheck

if TYPE_CHECKING:
    from storefront_mcp.telemetry.exposition import DatabaseCollector, MetricsScrape

MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
VERSION: Final = version("storefront-mcp")
ROUTES: Final = (
    "/mcp",
    "/mcp/sse",
    "/mcp/sse/message",
    "/mcp/token",
    "/mcp/token/",
    "/mcp/customers/",
    "/mcp/config",
    "/healthz",
    "/readyz",
    "/metrics",
    "/pay/",
    "/cart/",
    "/sandbox/",
    "/webhooks/",
    "/media/",
    "/demo/",
    "/operator/",
)
"""Route labels of HTTP metrics besides the published documents."""


class MetricsPortUnavailable(Exception):
    """`metrics.host` and `metrics.port` cannot be listened on."""


class ObservabilityWiring:
    """Metrics, tracing and readiness of one worker; no-ops where disabled.

    Raises OtelUnavailable if `OTEL_*` asks for what is not installed.
    """

    def __init__(
        self, settings: Settings, database: Database, *, tools: Iterable[str], now: Callable[[], dt.datetime]
    ) -> None:
        """`tools` are the promised ones."""
        self._settings = settings
        self._database = database
        self.readiness = DatabaseReadiness(database)
        self._now = now
        self.circuits_open: list[Callable[[], bool]] = []
        """Of each backend, whether its circuit breaker is open."""
        self._metrics = self._tracing = None
        known = frozenset(tools)
        # Both import large libraries.
        if settings.metrics.on:
            from storefront_mcp.telemetry.prometheus import PrometheusMetrics  # noqa: PLC0415

            self._metrics = PrometheusMetrics(tools=known, version=VERSION)
        if otel_enabled(os.environ):
            from storefront_mcp.telemetry.tracing import TracingSetup  # noqa: PLC0415

            self._tracing = TracingSetup(os.environ, version=VERSION, tools=known)

    def instrumentation(self, store: StoreId) -> Instrumentation | None:
        """The instrumentation of a store; None where nothing is enabled."""
        return combine([one.at(store) for one in (self._metrics, self._tracing) if one is not None])

    def add_catalogue(self, store: StoreId, counts: Mapping[str, int], held_bytes: Callable[[], int]) -> None:
        """Have a store's catalogue cache counted, where metrics are on."""
        if self._metrics is not None:
            self._metrics.add_catalogue(store, counts, held_bytes)

    def wrap(self, app: ASGIApp, stores: Mapping[str, StoreId], documents: Iterable[str]) -> ASGIApp:
        """The app in the middleware of metrics and access log that the settings enable. `stores` by Host value."""
        if self._settings.logs.requests:
            app = AccessLog(app)
        if self._metrics is None:
            return app
        from storefront_mcp.telemetry.http_metrics import HttpMetricsMiddleware  # noqa: PLC0415

        return cast("ASGIApp", HttpMetricsMiddleware(app, self._metrics, stores, [*ROUTES, *documents]))

    def routes(self, authenticators: Mapping[StoreId, BearerAuthenticator]) -> list[HTTPRouteHandler]:
        """`/readyz`, and `/metrics` where metrics have no address of their own."""
        return [*readiness(self.readiness, self.circuits_open).routes(), *self._metrics_routes(authenticators)]

    def _metrics_routes(self, authenticators: Mapping[StoreId, BearerAuthenticator]) -> list[HTTPRouteHandler]:
        if self._metrics is None or self._settings.metrics.host is not None:
            return []
        from storefront_mcp.telemetry.exposition import MEDIA_TYPE, MetricsScrape  # noqa: PLC0415
        from storefront_mcp.telemetry.prometheus import multiprocess_directory  # noqa: PLC0415
        from storefront_mcp.web.metrics import metrics_route  # noqa: PLC0415

        scrape = MetricsScrape(
            self._metrics.registry,
            multiprocess_directory(),
            self._collector(),
        )
        return [metrics_route(authenticators, scrape.text, MEDIA_TYPE)]

    def _collector(self) -> "DatabaseCollector":
        return database_collector(self._settings, self._database, self.readiness, self._now)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Export metrics and traces until the block ends. Raises MetricsPortUnavailable."""
        with self._serve_metrics():
            jobs = {} if self._metrics is None else {"hand over numbers": self._metrics.run()}
            try:
                async with background_jobs(jobs):
                    yield
            finally:
                if self._tracing is not None:
                    await asyncio.to_thread(self._tracing.close)

    @contextlib.contextmanager
    def _serve_metrics(self) -> Iterator[None]:
        """Serve metrics on `metrics.host`, unless the supervisor does it for several workers."""
        if self._metrics is None or self._settings.metrics.host is None or MULTIPROCESS_VARIABLE in os.environ:
            yield
            return
        from storefront_mcp.telemetry.exposition import MetricsScrape  # noqa: PLC0415

        with _serve(
            MetricsScrape(self._metrics.registry, None, self._collector()),
            self._settings,
        ):
            yield


def readiness(database: DatabaseReadiness, circuits_open: Sequence[Callable[[], bool]]) -> ReadinessCheck:
    """The readiness check of a worker; `circuits_open` is of each backend whether its circuit breaker is open."""

    async def database_problem() -> str | None:
        return await asyncio.to_thread(database.unready_reason)

    async def upstream_problem() -> str | None:
        down = sum(is_open() for is_open in circuits_open)
        # One shop of several that is down must not take the others from their buyers.
        return "no shop answers" if circuits_open and down == len(circuits_open) else None

    checks = {"database": database_problem, "upstream": upstream_problem}
    return ReadinessCheck(checks, database=database.identity, displaced=database.is_displaced)


def configure_logging(settings: LogSettings) -> None:
    """Configure logging with secrets redacted."""
    # structlog imports rich, which no other command needs.
    from storefront_mcp.telemetry import logs  # noqa: PLC0415

    redact_logs()
    logs.set_up_logging(settings.format, settings.level, clean=redact_secrets)


def check_metrics_address(settings: Settings) -> None:
    """Raises MetricsPortUnavailable where `metrics.host` and `metrics.port` are taken, before anything is started."""
    for problem in metrics_problems(settings.metrics, settings.host, settings.port):
        raise MetricsPortUnavailable(f"{problem.key}: {problem.sentence}")
    if settings.metrics.on and settings.metrics.host is not None:
        family = socket.AF_INET6 if ":" in settings.metrics.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.metrics.host, settings.metrics.port))
            except OSError as error:
                raise _metrics_port_unavailable(settings, error) from None


def _metrics_port_unavailable(settings: Settings, error: OSError) -> MetricsPortUnavailable:
    address = f"{settings.metrics.host}:{settings.metrics.port}"
    return MetricsPortUnavailable(
        f"Metrics cannot be told on {address}: {error.strerror}. See metrics.host and metrics.port."
    )


@contextlib.contextmanager
def serve_worker_metrics(settings: Settings, *, now: Callable[[], dt.datetime] = utc_now) -> Iterator[None]:
    """In the supervisor: the directory of multiprocess metrics, and the server on `metrics.host`.

    Enter it before the first worker starts. Raises MetricsPortUnavailable.
    """
    if not settings.metrics.on:
        yield
        return
    from storefront_mcp.telemetry.exposition import MetricsScrape  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="storefront-metrics-"))
        os.environ[MULTIPROCESS_VARIABLE] = directory
        stack.callback(os.environ.pop, MULTIPROCESS_VARIABLE, None)
        if settings.metrics.host is not None:
            database = Database(settings.database)
            stack.callback(database.close)
            collector = database_collector(settings, database, DatabaseReadiness(database), now)
            stack.enter_context(_serve(MetricsScrape(None, Path(directory), collector), settings))
        yield


def database_collector(
    settings: Settings, database: Database, readiness: DatabaseReadiness, now: Callable[[], dt.datetime]
) -> "DatabaseCollector":
    """The collector of metrics that are queried from the database."""
    from storefront_mcp.telemetry.exposition import DatabaseCollector  # noqa: PLC0415

    stores = [store.id for store in settings.stores]
    folder = None if settings.database.server else Path(settings.database).parent
    figures = SqlMetricsSource(
        database, readiness, stores=stores, folder=folder, bounds=settings.guests.in_all, now=now
    )
    return DatabaseCollector(figures, stores, list(TRANSITIONS))


@contextlib.contextmanager
def _serve(scrape: "MetricsScrape", settings: Settings) -> Iterator[None]:
    host, port = settings.metrics.host or "", settings.metrics.port
    try:
        _, close = scrape.serve(host, port)
    except OSError as error:
        raise _metrics_port_unavailable(settings, error) from None
    try:
        yield
    finally:
        close()
