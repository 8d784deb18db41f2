"""Put it together: the only place that knows which phases, cards and backends exist."""

import asyncio
import contextlib
import datetime as dt
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

from litestar import Litestar
from litestar.types import ASGIApp

from cards import CARDS
from cards.root.pages import render_page, render_page_markdown
from storefront_mcp.app.admitting import Admitting
from storefront_mcp.app.console import Console
from storefront_mcp.app.garbage import spare_what_stands
from storefront_mcp.app.housing import Housing
from storefront_mcp.app.observing import Observing, log_as
from storefront_mcp.app.promises import all_phases, planned_roadmap
from storefront_mcp.app.selling import Selling, personal_seal
from storefront_mcp.app.shops import Close, backend_of
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Speaker, Store
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.flips import DatabaseFlags
from storefront_mcp.database.handles import DatabaseHandles
from storefront_mcp.database.keys import shared_key
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.versions import OFFERED, OVER_SSE, STREAMABLE
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.roadmap.watch import Watch
from storefront_mcp.settings.providers import outside_provider
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import StoreSettings
from storefront_mcp.web.ending import called_when_stopping
from storefront_mcp.web.framework import pages_app
from storefront_mcp.web.front import Front
from storefront_mcp.web.gate import Gate
from storefront_mcp.web.mcp import McpEndpoint
from storefront_mcp.web.pages import Pages
from storefront_mcp.web.site import Site
from storefront_mcp.web.sse import SseEndpoint

__all__ = ["CONFIG", "PATHS", "VERSION", "all_phases", "create", "create_app", "planned_roadmap", "speaker"]

VERSION: Final = version("storefront-mcp")
CONFIG: Final = "STOREFRONT_CONFIG"
PATHS: Final = frozenset(path for card in CARDS for path in card.paths)
"""Of every published document."""


def speaker(settings: StoreSettings, *, sse: bool = True) -> Speaker:
    """What a store's MCP server says of itself: read off the engine, never written by hand.

    `sse` is whether the older transport is served: its streams live in one process, so only by a single worker.
    """
    return Speaker(
        name=settings.speaker_name,
        version=VERSION,
        protocol_versions=STREAMABLE,
        sse_versions=OVER_SSE if sse else (),
        preferred_version=OFFERED.id,
        capabilities=capabilities(OFFERED),
    )


class PageLayout:
    """The shop's own pages in the dress of the root documents."""

    def html(self, store: Store, roadmap: Roadmap, page: Page) -> bytes:
        """As a web page."""
        return render_page(store, roadmap, page.title, page.html, identifier=page.identifier)

    def markdown(self, store: Store, page: Page) -> bytes:
        """As markdown."""
        return render_page_markdown(store, page.title, page.markdown)


def create() -> ASGIApp:
    """The app of a worker process; its settings' path comes by the environment."""
    settings = Settings.load(Path(os.environ[CONFIG]), os.environ)
    log_as(settings.logs)
    app = create_app(settings)
    spare_what_stands()
    return app


def create_app(settings: Settings, *, now: Callable[[], dt.datetime] = utc_now) -> ASGIApp:
    """The whole server as one ASGI app. Raises what the settings, the database or a phase find wrong."""
    database = Database(settings.database)
    observing = Observing(settings, database, tools=_promised(), now=now)
    flags = DatabaseFlags(database)
    handles = DatabaseHandles(database, now=now)
    key = shared_key(database, "request state")
    selling = Selling(
        database,
        secret=shared_key(database, "checkouts"),
        seal=personal_seal(settings),
        keeps=dt.timedelta(days=settings.personal_data.keep_days),
        now=now,
    )
    housing = Housing(settings, database, now=now)
    planned = {store.id: planned_roadmap(store, today=now().date()) for store in settings.stores}
    sites: dict[StoreId, Site] = {}
    now_shown = dict(planned)

    def show(store: StoreId, roadmap: Roadmap) -> None:
        now_shown[store] = roadmap
        if store in sites:
            sites[store].show(roadmap)

    watch = Watch(
        planned,
        flags,
        show,
        today=lambda: now().date(),
        outside=outside_provider(settings.flags),
        key=settings.flags.key,
        poll=settings.flags.poll,
    )
    # Before there are sites, so that each document is made once at the start, not twice.
    watch.refresh()
    media: dict[StoreId, ASGIApp] = {}
    admitting = Admitting(database, now=now)
    console = Console(settings, database, tools=_promised(), now=now)
    closing: list[Close] = [admitting.close, housing.close, console.close]
    for chosen in settings.stores:
        store = chosen.store(speaker(chosen, sse=settings.workers == 1))
        watcher = console.looking_on(store.id, observing.at(store.id))
        backend, close, pictures = backend_of(chosen, watcher)
        observing.rests.append(rests := partial(getattr, backend, "resting"))
        closing.append(close)
        if pictures is not None:
            media[store.id] = pictures
        carts = GuestCarts(store.id, backend, handles, now=now)
        shop = Shop(
            store,
            console.add(chosen, backend, rests=rests),
            carts,
            selling.add(chosen, store, backend, carts),
        )
        sites[store.id] = Site(shop, CARDS, now_shown[store.id], key=key, house=housing.add(chosen, watcher))
        admitting.add(chosen, sites[store.id], housing.turnstiles[store.id])

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        looking = asyncio.create_task(watch.run(), name="watch the flags")
        try:
            with called_when_stopping(lambda: _end_streams(sites.values(), streams.values())):
                async with observing.running(), console.running(), selling.running():
                    yield
        finally:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking
            watch.close()
            for close in closing:
                await close()
            flags.close()
            database.close()

    pages = pages_app(
        paths=PATHS,
        pages=Pages(PageLayout()),
        identifiers={page for store in settings.stores for page in store.pages},
        media=media,
        more=[
            *selling.routes,
            *admitting.routes,
            *observing.routes(admitting.doors),
            *console.routes(planned, admitting, housing),
        ],
        lifespan=lifespan,
    )
    endpoints, streams = _endpoints(sites, admitting, housing, now=now)
    by_host = _by_host(sites.values())
    return observing.around(
        Front(
            {**{host: sites[store] for host, store in console.hosts().items()}, **by_host},
            {host: endpoints[site.store.id] for host, site in by_host.items()},
            pages,
            streams={host: streams[site.store.id] for host, site in by_host.items() if site.store.id in streams},
        ),
        {host: site.store.id for host, site in by_host.items()},
        PATHS,
    )


def _endpoints(
    sites: Mapping[StoreId, Site], admitting: Admitting, housing: Housing, *, now: Callable[[], dt.datetime]
) -> tuple[Mapping[StoreId, McpEndpoint], Mapping[StoreId, SseEndpoint]]:
    """The ways into MCP of every store; the older transport only where it is served."""
    entrances = {
        store: (site, Gate(site, now=now), admitting.doors[store], housing.turnstiles[store])
        for store, site in sites.items()
    }
    endpoints = {store: McpEndpoint(*entrance) for store, entrance in entrances.items()}
    older = {
        store: SseEndpoint(*entrance)
        for store, entrance in entrances.items()
        if sites[store].store.speaker.sse_versions
    }
    return endpoints, older


def _promised() -> Iterable[str]:
    """Every tool that any phase promises."""
    return (tool.name for phase in all_phases() for tool in phase.manifest.tools)


def _end_streams(sites: Iterable[Site], streams: Iterable[SseEndpoint]) -> None:
    for site in sites:
        site.line.subscriptions.close()
    for open_streams in streams:
        open_streams.close()


def _by_host(sites: Iterable[Site]) -> dict[str, Site]:
    """Sites by every Host value that means them; a scheme's own port may be spelled out."""
    by_host: dict[str, Site] = {}
    for site in sites:
        port = ":443" if site.store.origin.startswith("https:") else ":80"
        for host in (site.store.host, *site.store.hosts):
            by_host[host.lower()] = site
            if ":" not in host.rsplit("]", 1)[-1]:
                by_host[host.lower() + port] = site
    return by_host
