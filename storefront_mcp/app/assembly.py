"""Assembly of one worker: what its stores share (`ServerAssembly`), and what serves one store (`StoreAssembly`)."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Final

from litestar import Litestar
from litestar.plugins import PluginProtocol
from litestar.types import ASGIApp, OnAppInitHandler
from msgspec import Struct

from storefront_mcp.app.alerts import AlertWiring
from storefront_mcp.app.authentication import AuthenticationWiring
from storefront_mcp.app.backends import Close, backend_of, probe_of
from storefront_mcp.app.background import cancel_and_wait
from storefront_mcp.app.call_policy import CallPolicyWiring
from storefront_mcp.app.catalogue import CatalogueWiring
from storefront_mcp.app.checkout import CheckoutWiring, field_encryption
from storefront_mcp.app.console import ConsoleWiring
from storefront_mcp.app.maintenance_watch import MaintenanceWatch, WatchedShop
from storefront_mcp.app.mirror import MirrorWiring
from storefront_mcp.app.observability import ObservabilityWiring
from storefront_mcp.app.phases import all_phases, planned_roadmap
from storefront_mcp.app.platforms import PlatformWiring
from storefront_mcp.app.protocols import protocols_of
from storefront_mcp.app.scratch_carts import ScratchCartWiring
from storefront_mcp.app.sign_in import SignInWiring
from storefront_mcp.app.worker_record import WorkerRecordWiring
from storefront_mcp.cards import CARDS
from storefront_mcp.cards.site.pages import render_page, render_page_markdown
from storefront_mcp.cards.widgets import WIDGETS
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.commerce.store import ServerIdentity, Store
from storefront_mcp.database.cart_handles import SqlCartHandleRepository
from storefront_mcp.database.engine import Database
from storefront_mcp.database.flips import SqlFlipRepository
from storefront_mcp.database.row_quota import RowQuota
from storefront_mcp.database.workers import SqlWorkerRepository
from storefront_mcp.mcp.capabilities import capabilities
from storefront_mcp.mcp.versions import LATEST_HANDSHAKE_VERSION, SSE_VERSIONS, STREAMABLE_HTTP_VERSIONS
from storefront_mcp.roadmap.refresher import RoadmapRefresher
from storefront_mcp.roadmap.roadmap import Roadmap
from storefront_mcp.settings.flag_provider import external_flag_provider
from storefront_mcp.settings.schema import StoreSettings
from storefront_mcp.settings.server import Settings
from storefront_mcp.web.application import pages_app
from storefront_mcp.web.authentication import BearerAuthenticator
from storefront_mcp.web.cors import OriginGuard
from storefront_mcp.web.host_router import ACCOUNT_PATH, HostRouter, StorefrontApp
from storefront_mcp.web.protocol_endpoint import ProtocolEndpoint
from storefront_mcp.web.rate_limiting import RequestRateLimiter
from storefront_mcp.web.shop_pages import ShopPages
from storefront_mcp.web.shutdown import call_on_stop_signal
from storefront_mcp.web.site import StoreSite
from storefront_mcp.web.sse import SseEndpoint
from storefront_mcp.web.streamable_http import StreamableHttpEndpoint

VERSION: Final = version("storefront-mcp")
PATHS: Final = frozenset(path for card in CARDS for path in card.paths)
"""URL paths of the documents that every store may publish."""


class PageLayout:
    """Renders the shop's own pages with the layout of the site documents."""

    def html(self, store: Store, roadmap: Roadmap, page: ShopPage) -> bytes:
        """A page as HTML."""
        return render_page(store, roadmap, page.title, page.html, identifier=page.identifier)

    def markdown(self, store: Store, page: ShopPage) -> bytes:
        """A page as Markdown."""
        return render_page_markdown(store, page.title, page.markdown)


class StoreAssembly(Struct, frozen=True, kw_only=True):
    """Everything in one worker that serves one store."""

    store: Store
    site: StoreSite
    """The store's published state: its current roadmap, documents and call policy."""
    authenticator: BearerAuthenticator
    limiter: RequestRateLimiter
    """Per-address request limits, before authentication."""
    endpoint: StreamableHttpEndpoint
    """`/mcp`."""
    account: StreamableHttpEndpoint
    """`/mcp/account`, where every request needs a token."""
    streams: SseEndpoint | None
    """`/mcp/sse`; None with several workers, as its sessions live in one process."""
    protocols: ProtocolEndpoint
    """The other agent protocols of the store."""
    media: ASGIApp | None
    """Serves the shop's media where the shop is embedded (`kind = "demo"`)."""
    close_backend: Close

    def end_streams(self) -> None:
        """Close every open stream, so that none delays the shutdown."""
        self.site.shared.subscriptions.close()
        if self.streams is not None:
            self.streams.close()


class ServerAssembly:
    """All stores of one worker. Raises as `create_app`."""

    def __init__(self, settings: Settings, *, now: Callable[[], dt.datetime]) -> None:
        self._settings = settings
        self._now = now
        self._database = database = Database(settings.database)
        self._observability = ObservabilityWiring(settings, database, tools=_promised_tools(), now=now)
        self._platforms = PlatformWiring(now=now)
        self._flips = SqlFlipRepository(database)
        self._handles = SqlCartHandleRepository(
            database,
            now=now,
            quota=RowQuota(per_holder=settings.guests.carts_per_address, in_all=settings.guests.carts),
        )
        self._key = database.shared_secret("request state")
        self.checkout = CheckoutWiring(
            database,
            secret=database.shared_secret("checkouts"),
            encryption=field_encryption(settings),
            retention=dt.timedelta(days=settings.personal_data.keep_days),
            quota=RowQuota(per_holder=settings.guests.checkouts_per_address, in_all=settings.guests.checkouts),
            smtp=settings.smtp,
            now=now,
        )
        self._catalogue = CatalogueWiring(settings, database, counting=self._observability.add_catalogue, now=now)
        self._mirrors = MirrorWiring(settings, database, now=lambda: now().timestamp())
        self._call_policy = CallPolicyWiring(settings, database, now=now)
        self._planned = {store.id: planned_roadmap(store, today=now().date()) for store in settings.stores}
        self.stores: Mapping[StoreId, StoreAssembly] = {}
        self._refresher = RoadmapRefresher(
            self._planned,
            self._flips,
            self._publish,
            today=lambda: now().date(),
            external=external_flag_provider(settings.flags),
            key=settings.flags.key,
            poll=settings.flags.poll,
        )
        workers = SqlWorkerRepository(database, now=now)
        self._record = WorkerRecordWiring(workers, self._refresher.shown_flips)
        # Before the sites exist, so that each document is rendered once at the start, not twice.
        self._refresher.refresh()
        self._watched_flips = SqlFlipRepository(database)
        self._watch = MaintenanceWatch(
            {
                store.id: WatchedShop(planned=self._planned[store.id], probe=probe_of(store))
                for store in settings.stores
                if store.upstream.close_in_maintenance and store.upstream.kind != "demo"
            },
            self._watched_flips,
        )
        self._alerts = AlertWiring(
            settings,
            database,
            self._observability.readiness,
            workers,
            self.checkout,
            audit_failing=lambda: self._call_policy.audit_failing,
            refused_flips=self._flips.refused_schedule,
            now=now,
        )
        self._scratch_carts = ScratchCartWiring(database, now=lambda: now().timestamp())
        self._authentication = AuthenticationWiring(database, now=now)
        self._sign_in = SignInWiring(database, field_encryption(settings), smtp=settings.smtp, now=now)
        self._console = ConsoleWiring(settings, database, tools=_promised_tools(), now=now)
        self.stores = {store.id: self._assemble(store) for store in settings.stores}
        stores = [assembly.store for assembly in self.stores.values()]
        self._paths = PATHS | {path for card in CARDS for store in stores for path in card.paths_of(store)}

    def application(
        self, *, plugins: Sequence[PluginProtocol] = (), on_app_init: Sequence[OnAppInitHandler] = ()
    ) -> StorefrontApp:
        """The server as a Litestar application."""
        authenticators = {store: assembly.authenticator for store, assembly in self.stores.items()}
        limiters = {store: assembly.limiter for store, assembly in self.stores.items()}
        return pages_app(
            paths=self._paths,
            pages=ShopPages(PageLayout()),
            identifiers={page for store in self._settings.stores for page in store.pages},
            media={store: assembly.media for store, assembly in self.stores.items() if assembly.media is not None},
            more=[
                *self.checkout.routes,
                *self._catalogue.routes,
                *self._authentication.routes(authenticators),
                *self._sign_in.routes(authenticators),
                *self._observability.routes(authenticators),
                *self._console.routes(
                    {store: assembly.site for store, assembly in self.stores.items()},
                    self._planned,
                    authenticators,
                    limiters,
                    self.checkout.payment_url,
                ),
            ],
            lifespan=self._lifespan,
            entrance=self._entrance,
            plugins=plugins,
            on_app_init=on_app_init,
        )

    def _assemble(self, settings: StoreSettings) -> StoreAssembly:
        """Wire one store."""
        store = settings.store(server_identity(settings, sse=self._settings.workers == 1))
        instrumentation = self._console.instrumentation(store.id, self._observability.instrumentation(store.id))
        share = self._settings.shop_share if len(self._settings.stores) > 1 else 1.0
        ledger = self._scratch_carts.ledger(store.id)
        backend, close, media = backend_of(settings, instrumentation, share=share, ledger=ledger)
        self._scratch_carts.add(backend)
        self._observability.circuits_open.append(circuit_open := lambda: backend.circuit_open)
        self._alerts.add(settings, circuit_open)
        reader, observer = self._catalogue.add(settings, backend, self._mirrors.add(settings, media))
        policy, limiter = self._call_policy.add(settings, store, instrumentation)
        accounts = self._sign_in.accounts(settings, store, backend, policy)
        carts, agent_checkout = self.checkout.add(
            settings,
            store,
            backend,
            self._handles,
            accounts=accounts,
            observer=observer,
            payment_stop=lambda: self._refresher.roadmap(store.id).payment_stop,
        )
        shown = self._console.add(
            settings,
            reader,
            cache_stats=partial(self._catalogue.stats, store.id),
            circuit_open=circuit_open,
            forwarding=limiter.monitor.finding,
        )
        shop = Shop(store, shown, carts, agent_checkout, reader, accounts=accounts)
        site = StoreSite(
            shop,
            CARDS,
            self._refresher.roadmap(store.id),
            key=self._key,
            policy=policy,
            roadmap_of=partial(self._refresher.roadmap_for, store.id),
            streams=settings.streams.quota(),
            widgets=WIDGETS if store.shows_widgets else (),
        )
        buyers = self._sign_in.add(settings, site, limiter, shop=media)
        authenticator = self._authentication.add(settings, site, limiter, buyers)
        origin_guard = OriginGuard(site, now=self._now)
        sessions = self.checkout.sessions(settings, store)
        tokens = self.checkout.token_checkout(store.id)
        protocols = protocols_of(settings, store, sessions, tokens, self._database, self._platforms, now=self._now)
        if protocols and sessions is not None:
            self.checkout.add_cart_pages(store.id, sessions, limiter)
        return StoreAssembly(
            store=store,
            site=site,
            authenticator=authenticator,
            limiter=limiter,
            endpoint=StreamableHttpEndpoint(site, origin_guard, authenticator, limiter),
            account=StreamableHttpEndpoint(site, origin_guard, authenticator.without_guests(ACCOUNT_PATH), limiter),
            streams=SseEndpoint(site, origin_guard, authenticator, limiter) if store.server.sse_versions else None,
            protocols=ProtocolEndpoint(site, protocols, origin_guard, authenticator, limiter),
            media=media,
            close_backend=close,
        )

    def _entrance(self, pages: ASGIApp) -> ASGIApp:
        """The ASGI app in front of Litestar (`pages`): metrics, access log, host routing, MCP endpoints."""
        by_host = _by_host(self.stores.values())
        console_hosts = {host: self.stores[store].site for host, store in self._console.hosts().items()}
        host_router = HostRouter(
            {**console_hosts, **{host: assembly.site for host, assembly in by_host.items()}},
            {host: assembly.endpoint for host, assembly in by_host.items()},
            pages,
            accounts={host: assembly.account for host, assembly in by_host.items()},
            streams={host: assembly.streams for host, assembly in by_host.items() if assembly.streams is not None},
            protocols={host: assembly.protocols for host, assembly in by_host.items()},
            limiters={store: assembly.limiter for store, assembly in self.stores.items()},
            unrouted=self._call_policy.unrouted_limiter(
                self._settings.stores, self._observability.instrumentation(StoreId(""))
            ),
        )
        return self._observability.wrap(
            host_router, {host: assembly.store.id for host, assembly in by_host.items()}, self._paths
        )

    def _publish(self, store: StoreId, roadmap: Roadmap) -> None:
        """Publish a changed roadmap of a store; requests in flight keep theirs."""
        if store in self.stores:
            self.stores[store].site.publish(roadmap)

    def _end_streams(self) -> None:
        for assembly in self.stores.values():
            assembly.end_streams()

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        """Run the background tasks, and close everything at shutdown."""
        refreshing = asyncio.create_task(self._refresher.run(), name="refresh the roadmaps")
        try:
            with call_on_stop_signal(self._end_streams):
                async with (
                    self._observability.running(),
                    self._console.running(),
                    self._catalogue.running(),
                    self.checkout.running(),
                    self._sign_in.running(),
                    self._mirrors.running(),
                    self._watch.running(),
                    self._record.running(),
                    self._alerts.running(),
                    self._scratch_carts.running(),
                ):
                    yield
        finally:
            await cancel_and_wait([refreshing])
            self._refresher.close()
            for part in (self._authentication, self._call_policy, self._console, self._platforms):
                await part.close()
            for assembly in self.stores.values():
                await assembly.close_backend()
            self._flips.close()
            self._watched_flips.close()
            self._database.close()


def server_identity(settings: StoreSettings, *, sse: bool = True) -> ServerIdentity:
    """The server information and capabilities of a store, derived from the engine.

    `sse` is whether HTTP+SSE is served, which a single worker can.
    """
    return ServerIdentity(
        name=settings.identity_name,
        version=VERSION,
        protocol_versions=STREAMABLE_HTTP_VERSIONS,
        sse_versions=SSE_VERSIONS if sse else (),
        preferred_version=LATEST_HANDSHAKE_VERSION.id,
        capabilities=capabilities(LATEST_HANDSHAKE_VERSION),
    )


def _promised_tools() -> Iterable[str]:
    """Names of the tools that any phase promises."""
    return (tool.name for phase in all_phases() for tool in phase.manifest.tools)


def _by_host(assemblies: Iterable[StoreAssembly]) -> Mapping[str, StoreAssembly]:
    """Assemblies by Host header value, also with the scheme's default port."""
    by_host: dict[str, StoreAssembly] = {}
    for assembly in assemblies:
        store = assembly.store
        port = ":443" if store.origin.startswith("https:") else ":80"
        for host in (store.host, *store.hosts):
            by_host[host.lower()] = assembly
            if ":" not in host.rsplit("]", 1)[-1]:
                by_host[host.lower() + port] = assembly
    return by_host
