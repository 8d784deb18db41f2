"""Put together what operators see from outside: who looks on, who is told, and whether we can serve."""

import asyncio
import contextlib
import datetime as dt
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, cast

from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from storefront_mcp.calls.watching import Watcher
from storefront_mcp.checkout.states import NEXT
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.figures import DatabaseFigures
from storefront_mcp.database.readiness import unready
from storefront_mcp.identity.redaction import redact_logs, without_secrets
from storefront_mcp.settings.observing import LogSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.telemetry.together import watcher_of
from storefront_mcp.telemetry.wanted import wanted
from storefront_mcp.web.door import Door
from storefront_mcp.web.health import Readiness

if TYPE_CHECKING:
    from storefront_mcp.telemetry.telling import OnRecord, Scrape

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
VERSION: Final = version("storefront-mcp")
ROUTES: Final = (
    "/mcp",
    "/mcp/sse",
    "/mcp/sse/message",
    "/mcp/token",
    "/mcp/token/",
    "/mcp/config",
    "/healthz",
    "/readyz",
    "/metrics",
    "/pay/",
    "/sandbox/",
    "/webhooks/",
    "/media/",
    "/demo/",
    "/operator/",
)
"""What requests are counted by besides the published documents."""


class MetricsUnserved(Exception):
    """The address for metrics cannot be listened on."""


class Observing:
    """Looks on in one worker; where nothing is switched on, nobody does. Raises ExtraMissing."""

    def __init__(
        self, settings: Settings, database: Database, *, tools: Iterable[str], now: Callable[[], dt.datetime]
    ) -> None:
        """`tools` are the promised ones."""
        self._settings = settings
        self._database = database
        self._now = now
        self.rests: list[Callable[[], bool]] = []
        """Of each shop, whether it is given a rest now."""
        self._numbers = self._tracing = None
        known = frozenset(tools)
        # Both bring libraries that a server without them need not load.
        if settings.metrics.on:
            from storefront_mcp.telemetry.numbers import Numbers  # noqa: PLC0415

            self._numbers = Numbers(tools=known, version=VERSION)
        if wanted(os.environ):
            from storefront_mcp.telemetry.tracing import Tracing  # noqa: PLC0415

            self._tracing = Tracing(os.environ, version=VERSION, tools=known)

    def at(self, store: StoreId) -> Watcher | None:
        """Who looks on at a store; None for nobody."""
        return watcher_of([one.at(store) for one in (self._numbers, self._tracing) if one is not None])

    def around(self, app: ASGIApp, stores: Mapping[str, StoreId], documents: Iterable[str]) -> ASGIApp:
        """The app with its requests counted; the app itself where nobody counts. `stores` by Host value."""
        if self._numbers is None:
            return app
        from storefront_mcp.telemetry.edge import Edge  # noqa: PLC0415

        return cast("ASGIApp", Edge(app, self._numbers, stores, [*ROUTES, *documents]))

    def routes(self, doors: Mapping[StoreId, Door]) -> list[HTTPRouteHandler]:
        """`/readyz`, and `/metrics` where it is told there."""
        return [*readiness(self._database, self.rests).routes(), *self._metrics(doors)]

    def _metrics(self, doors: Mapping[StoreId, Door]) -> list[HTTPRouteHandler]:
        if self._numbers is None or self._settings.metrics.host is not None:
            return []
        from storefront_mcp.telemetry.numbers import shared_directory  # noqa: PLC0415
        from storefront_mcp.telemetry.telling import MEDIA_TYPE, Scrape  # noqa: PLC0415
        from storefront_mcp.web.metrics import metrics_route  # noqa: PLC0415

        scrape = Scrape(
            self._numbers.registry, shared_directory(), on_record(self._settings, self._database, self._now)
        )
        return [metrics_route(doors, scrape.text, MEDIA_TYPE)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell what is seen, until the block ends. Raises MetricsUnserved."""
        with self._told_from_here():
            handing = (
                None if self._numbers is None else asyncio.create_task(self._numbers.run(), name="hand over numbers")
            )
            try:
                yield
            finally:
                if handing is not None:
                    handing.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await handing
                if self._tracing is not None:
                    await asyncio.to_thread(self._tracing.close)

    @contextlib.contextmanager
    def _told_from_here(self) -> Iterator[None]:
        """On an address of its own, where this is the only worker."""
        if self._numbers is None or self._settings.metrics.host is None or SHARED in os.environ:
            yield
            return
        from storefront_mcp.telemetry.telling import Scrape  # noqa: PLC0415

        with _served(
            Scrape(self._numbers.registry, None, on_record(self._settings, self._database, self._now)), self._settings
        ):
            yield


def readiness(database: Database, resting: Sequence[Callable[[], bool]]) -> Readiness:
    """Whether this worker can serve; `resting` says of each shop whether it is given a rest."""

    async def written() -> str | None:
        return await asyncio.to_thread(unready, database)

    async def asked() -> str | None:
        down = sum(rests() for rests in resting)
        # One shop of several that is down must not take the others from their buyers.
        return "no shop answers" if resting and down == len(resting) else None

    return Readiness({"database": written, "upstream": asked})


def log_as(settings: LogSettings) -> None:
    """Log the way the settings want it, without secrets."""
    # structlog brings rich along, which only a server that starts need load.
    from storefront_mcp.telemetry import logs  # noqa: PLC0415

    redact_logs()
    logs.set_up(settings.format, settings.level, clean=without_secrets)


@contextlib.contextmanager
def told_for_workers(settings: Settings, *, now: Callable[[], dt.datetime] = utc_now) -> Iterator[None]:
    """What the process above several workers does for their numbers: a place to share, and an address to tell them at.

    Call it before there are any. Raises MetricsUnserved.
    """
    if not settings.metrics.on:
        yield
        return
    from storefront_mcp.telemetry.telling import Scrape  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="storefront-metrics-"))
        os.environ[SHARED] = directory
        stack.callback(os.environ.pop, SHARED, None)
        if settings.metrics.host is not None:
            database = Database(settings.database)
            stack.callback(database.close)
            stack.enter_context(_served(Scrape(None, Path(directory), on_record(settings, database, now)), settings))
        yield


def on_record(settings: Settings, database: Database, now: Callable[[], dt.datetime]) -> "OnRecord":
    """The numbers that are in the database."""
    from storefront_mcp.telemetry.telling import OnRecord  # noqa: PLC0415

    figures = DatabaseFigures(database, now=now)
    return OnRecord(figures, [store.id for store in settings.stores], list(NEXT))


@contextlib.contextmanager
def _served(scrape: "Scrape", settings: Settings) -> Iterator[None]:
    host, port = settings.metrics.host or "", settings.metrics.port
    try:
        _, close = scrape.serve(host, port)
    except OSError as error:
        raise MetricsUnserved(
            f"Metrics cannot be told on {host}:{port}: {error.strerror}. See metrics.host and metrics.port."
        ) from None
    try:
        yield
    finally:
        close()
