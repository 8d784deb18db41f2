"""Which shop stands behind a store, as its settings say: how it is asked, and how it is probed."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

import httpx
from litestar.types import ASGIApp
from msgspec.structs import replace

from storefront_mcp.backends.maho import Credentials, Maho, MahoUpstream, connect
from storefront_mcp.backends.maho.probing import MahoProbe
from storefront_mcp.backends.upstream import Limits
from storefront_mcp.calls.watching import Watcher
from storefront_mcp.settings.shape import StoreSettings

if TYPE_CHECKING:
    from storefront_mcp.demo.shop import DemoShop

Close = Callable[[], Awaitable[None]]


def backend_of(settings: StoreSettings, watcher: Watcher | None = None) -> tuple[Maho, Close, ASGIApp | None]:
    """A store's backend, how to let go of it, and who answers for its pictures when that is us."""
    upstream, embedded = _upstream(settings)
    transport = None if embedded is None else httpx.ASGITransport(embedded)
    backend, close = connect(upstream, settings.currency, transport=transport, watcher=watcher)
    return backend, close, cast("ASGIApp | None", embedded)


def probe_of(settings: StoreSettings) -> MahoProbe:
    """What asks a store's shop about itself."""
    upstream, embedded = _upstream(settings)
    transport = None if embedded is None else httpx.ASGITransport(embedded)
    return MahoProbe(upstream, settings.currency, transport=transport)


def _upstream(settings: StoreSettings) -> "tuple[MahoUpstream, DemoShop | None]":
    """Where the shop is, and the shop itself where it is built in."""
    chosen = settings.upstream
    account = None
    if chosen.client_id is not None and chosen.client_secret is not None:
        account = Credentials(client_id=chosen.client_id, client_secret=chosen.client_secret.reveal())
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
        account=account,
    )
    if chosen.kind != "demo":
        return upstream, None
    # Nobody else needs the demo's catalogue.
    from storefront_mcp.demo.shop import demo_shop  # noqa: PLC0415

    shop = demo_shop(base_url=settings.origin)
    account = Credentials(client_id=shop.state.accounts.client_id, client_secret=shop.state.accounts.client_secret)
    return replace(upstream, public_url="", account=account), shop
