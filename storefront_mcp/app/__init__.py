"""Put it together: the only place that knows which phases, cards and backends exist."""

import asyncio
import contextlib
import datetime as dt
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, cast

import httpx
from litestar import Litestar
from litestar.types import ASGIApp
from msgspec.structs import replace

import phases
from cards import CARDS
from cards.root.pages import render_page, render_page_markdown
from storefront_mcp.app.admitting import Admitting
from storefront_mcp.app.housing import Housing
from storefront_mcp.app.selling import Selling
from storefront_mcp.backends.maho import Credentials, MahoUpstream, connect
from storefront_mcp.backends.upstream import Limits
from storefront_mcp.commerce.backend import Backend
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import Speaker, Store
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.database.flips import DatabaseFlags
from storefront_mcp.database.handles import DatabaseHandles
from storefront_mcp.database.keys import shared_key
from storefront_mcp.database.seal import PersonalSeal
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.versions import OFFERED, OVER_SSE, STREAMABLE
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.roadmap.watch import Watch
from storefront_mcp.settings.providers import outside_provider
from storefront_mcp.settings.server import Settings
from storefront_mcp.settings.shape import StoreSettings, Upstream
from storefront_mcp.web.ending import called_when_stopping
from storefront_mcp.web.framework import pages_app
from storefront_mcp.web.front import Front
from storefront_mcp.web.gate import Gate
from storefront_mcp.web.mcp import McpEndpoint
from storefront_mcp.web.pages import Pages
from storefront_mcp.web.site import Site
from storefront_mcp.web.sse import SseEndpoint

VERSION: Final = version("storefront-mcp")
CONFIG: Final = "STOREFRONT_CONFIG"
PAYING: Final = "p3_checkout"
"""The phase that needs a way to pay."""
Close = Callable[[], Awaitable[None]]


@cache
def all_phases() -> tuple[Phase, ...]:
    """Every phase there is, as promised and as far as delivered."""
    return load_phases(phases)


def planned_roadmap(settings: StoreSettings, *, today: dt.date | None = None) -> Roadmap:
    """A store's roadmap before any flip, with what the store still lacks for a phase."""
    lacking = {PAYING: settings.payments.missing}
    planned = tuple(replace(phase, missing=lacking.get(phase.name, ())) for phase in all_phases())
    return Roadmap(version=0, phases=planned, as_of=today or utc_now().date())


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


def create() -> Front:
    """The app of a worker process; its settings' path comes by the environment."""
    return create_app(Settings.load(Path(os.environ[CONFIG]), os.environ))


def create_app(settings: Settings, *, now: Callable[[], dt.datetime] = utc_now) -> Front:
    """The whole server as one ASGI app. Raises what the settings, the database or a phase find wrong."""
    database = Database(settings.database)
    flags = DatabaseFlags(database)
    handles = DatabaseHandles(database, now=now)
    key = shared_key(database, "request state")
    selling = Selling(
        database,
        secret=shared_key(database, "checkouts"),
        seal=_seal(settings),
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
    closing: list[Close] = [admitting.close, housing.close]
    for chosen in settings.stores:
        store = chosen.store(speaker(chosen, sse=settings.workers == 1))
        backend, close, pictures = _backend(chosen)
        closing.append(close)
        if pictures is not None:
            media[store.id] = pictures
        carts = GuestCarts(store.id, backend, handles, now=now)
        shop = Shop(store, backend, carts, selling.add(chosen, store, backend, carts))
        sites[store.id] = Site(shop, CARDS, now_shown[store.id], key=key, house=housing.add(chosen))
        admitting.add(chosen, sites[store.id], housing.turnstiles[store.id])

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        looking = asyncio.create_task(watch.run(), name="watch the flags")
        try:
            with called_when_stopping(lambda: _end_streams(sites.values(), streams.values())):
                async with selling.running():
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
        paths={path for card in CARDS for path in card.paths},
        pages=Pages(PageLayout()),
        identifiers={page for store in settings.stores for page in store.pages},
        media=media,
        more=[*selling.routes, *admitting.routes],
        lifespan=lifespan,
    )
    gates = {store: Gate(site, now=now) for store, site in sites.items()}
    endpoints = {
        store: McpEndpoint(site, gates[store], admitting.doors[store], housing.turnstiles[store])
        for store, site in sites.items()
    }
    streams = {
        store: SseEndpoint(site, gates[store], admitting.doors[store], housing.turnstiles[store])
        for store, site in sites.items()
        if site.store.speaker.sse_versions
    }
    by_host = _by_host(sites.values())
    return Front(
        by_host,
        {host: endpoints[site.store.id] for host, site in by_host.items()},
        pages,
        streams={host: streams[site.store.id] for host, site in by_host.items() if site.store.id in streams},
    )


def _seal(settings: Settings) -> PersonalSeal | None:
    """What encrypts personal data; None where the operator set no key."""
    keys = [key.reveal() for key in settings.personal_data.key]
    return PersonalSeal(keys) if keys else None


def _end_streams(sites: Iterable[Site], streams: Iterable[SseEndpoint]) -> None:
    for site in sites:
        site.line.subscriptions.close()
    for open_streams in streams:
        open_streams.close()


def _backend(settings: StoreSettings) -> tuple[Backend, Close, ASGIApp | None]:
    """A store's backend, how to let go of it, and who answers for its pictures when that is us."""
    chosen = settings.upstream
    upstream = MahoUpstream(
        url=chosen.url or "http://demo.invalid",
        store_code=chosen.store_code,
        prices_include_tax=chosen.prices_include_tax,
        public_url=settings.website,
        limits=Limits(
            connect=chosen.timeouts.connect,
            read=chosen.timeouts.read,
            total=chosen.timeouts.total,
            order=chosen.timeouts.order,
        ),
        account=_account(chosen),
    )
    if chosen.kind == "demo":
        # Nobody else needs the demo's catalogue.
        from storefront_mcp.demo.shop import demo_shop  # noqa: PLC0415

        shop = demo_shop(base_url=settings.origin)
        account = Credentials(client_id=shop.state.accounts.client_id, client_secret=shop.state.accounts.client_secret)
        embedded = replace(upstream, public_url="", account=account)
        backend, close = connect(embedded, settings.currency, transport=httpx.ASGITransport(shop))
        return backend, close, cast("ASGIApp", shop)
    return *connect(upstream, settings.currency), None


def _account(chosen: Upstream) -> Credentials | None:
    """The shop's service account, where the operator has one."""
    if chosen.client_id is None or chosen.client_secret is None:
        return None
    return Credentials(client_id=chosen.client_id, client_secret=chosen.client_secret.reveal())


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
