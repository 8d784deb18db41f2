"""Backend factory: the `ShopBackend` and the `ShopProbe` that a store's settings choose."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, cast

import httpx
from litestar.types import ASGIApp
from msgspec.structs import replace

from storefront_mcp.backends import medusa, woocommerce
from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import KnownOrigins
from storefront_mcp.backends.maho import (
    MahoBackend,
    MahoConfig,
    ServiceAccountCredentials,
    connect,
    lister as maho_lister,
)
from storefront_mcp.backends.maho.probe import MahoProbe
from storefront_mcp.backends.medusa import MedusaBackend, lister as medusa_lister
from storefront_mcp.backends.medusa.probe import MedusaProbe
from storefront_mcp.backends.probe import ShopProbe
from storefront_mcp.backends.woocommerce import WooBackend, lister as woo_lister
from storefront_mcp.backends.woocommerce.probe import WooProbe
from storefront_mcp.backends.woocommerce.webhooks import WooWebhookReader
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.accounts import CustomerAccount
from storefront_mcp.commerce.backend import ShopBackend
from storefront_mcp.commerce.capabilities import ShopCapability
from storefront_mcp.commerce.customers import CustomerDirectory, ShopSession, TokenCustomers
from storefront_mcp.commerce.listing import CatalogueLister
from storefront_mcp.commerce.shop_webhooks import ShopWebhookReader
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.payments.served_methods import CAPTURE_FIELDS
from storefront_mcp.records.scratch_carts import ScratchCartLedger
from storefront_mcp.settings.schema import StoreSettings, UpstreamSettings

Close = Callable[[], Awaitable[None]]


def backend_of(
    settings: StoreSettings,
    instrumentation: Instrumentation | None = None,
    *,
    share: float = 1.0,
    ledger: ScratchCartLedger | None = None,
) -> tuple[ShopBackend, Close, ASGIApp | None]:
    """A store's backend, its close function, and the ASGI app of an embedded shop, which serves the pictures.

    `share` bounds the part of the worker's time that the shop's answers may take. With a `ledger`, scratch carts are
    cleared behind answers.
    """
    budget = WorkBudget(share)
    if settings.upstream.kind == "woocommerce":
        woo, close = woocommerce.connect(
            _woo_config(settings), settings.currency, instrumentation=instrumentation, budget=budget
        )
        return woo, close, None
    if settings.upstream.kind == "medusa":
        shop, close = medusa.connect(
            _medusa_config(settings), settings.currency, instrumentation=instrumentation, budget=budget
        )
        return shop, close, None
    upstream, embedded = _upstream(settings)
    backend, close = connect(
        upstream,
        settings.currency,
        transport=_transport(embedded),
        instrumentation=instrumentation,
        budget=budget,
        ledger=ledger,
    )
    return backend, close, embedded


def lister_of(
    settings: StoreSettings, transport: httpx.AsyncBaseTransport | None = None
) -> tuple[CatalogueLister, Close]:
    """What reads a store's whole catalogue, and its close function.

    `transport` leads to an embedded shop that runs; without it, one is opened anew.
    """
    if settings.upstream.kind == "woocommerce":
        return woo_lister.list_shop(_woo_config(settings), settings.currency)
    if settings.upstream.kind == "medusa":
        return medusa_lister.list_shop(_medusa_config(settings), settings.currency)
    if transport is None:
        upstream, embedded = _upstream(settings)
        return maho_lister.list_shop(upstream, settings.currency, transport=_transport(embedded))
    upstream = replace(_shop_config(settings), known=KnownOrigins(others=(settings.origin,)))
    return maho_lister.list_shop(upstream, settings.currency, transport=transport)


def probe_of(settings: StoreSettings) -> ShopProbe:
    """The diagnostic probe of a store's shop."""
    if settings.upstream.kind == "woocommerce":
        return WooProbe(_woo_config(settings), settings.currency)
    if settings.upstream.kind == "medusa":
        return MedusaProbe(_medusa_config(settings), settings.currency)
    upstream, embedded = _upstream(settings)
    return MahoProbe(upstream, settings.currency, transport=_transport(embedded))


def lacked_by(settings: StoreSettings) -> frozenset[ShopCapability]:
    """What the software of a store's shop has not."""
    return {"woocommerce": woocommerce.LACKED, "medusa": medusa.LACKED}.get(settings.upstream.kind, frozenset())


def webhook_reader_of(settings: StoreSettings, standard: ShopWebhookReader) -> ShopWebhookReader:
    """What reads the webhooks of a store's shop; `standard` where its software sends none of its own."""
    secret = settings.catalogue.webhook_secret
    if settings.upstream.kind != "woocommerce" or secret is None:
        return standard
    return WooWebhookReader(secret.reveal(), standard)


def scratch_carts_of(backend: ShopBackend) -> Callable[[], Awaitable[None]] | None:
    """What clears the scratch carts that were left in a shop; None for a kind of shop that has none."""
    return backend.clear_left_carts if isinstance(backend, MahoBackend) else None


def accounts_of(backend: ShopBackend) -> Callable[[ShopSession], CustomerAccount] | None:
    """What opens the account of a customer's live session; None for a shop that has none for us."""
    return backend.account if isinstance(backend, MahoBackend | MedusaBackend | WooBackend) else None


def customer_directory_of(backend: ShopBackend) -> CustomerDirectory | None:
    """Who finds a customer by an e-mail address, to which a code is mailed; None for a shop with a login of its own."""
    return backend.customers if isinstance(backend, WooBackend) else None


def token_customers_of(backend: ShopBackend) -> TokenCustomers | None:
    """Who knows a customer by an OpenID provider's token; None for a shop that takes none."""
    return backend.login if isinstance(backend, MahoBackend) else None


def _transport(embedded: ASGIApp | None) -> httpx.ASGITransport | None:
    return None if embedded is None else httpx.ASGITransport(cast("Any", embedded))


def _woo_config(settings: StoreSettings) -> woocommerce.WooConfig:
    """How the adapter of WooCommerce reaches the shop of these settings, `_shop_config` for Maho's."""
    chosen = settings.upstream
    key = None
    if chosen.consumer_key is not None and chosen.consumer_secret is not None:
        key = woocommerce.MerchantKey(consumer_key=chosen.consumer_key, consumer_secret=chosen.consumer_secret.reveal())
    return woocommerce.WooConfig(
        url=chosen.url or "", key=key, known=_known_origins(settings), limits=_client_limits(chosen)
    )


def _medusa_config(settings: StoreSettings) -> medusa.MedusaConfig:
    """The same of a Medusa shop."""
    chosen = settings.upstream
    return medusa.MedusaConfig(
        url=chosen.url or "",
        key=chosen.publishable_key or "",
        secret_key=None if chosen.secret_key is None else chosen.secret_key.reveal(),
        region=chosen.region,
        regions_required=_regions_required(chosen),
        minimum_order=_minimum_order(chosen),
        known=_known_origins(settings),
        limits=_client_limits(chosen),
    )


def _regions_required(upstream: UpstreamSettings) -> frozenset[str] | None:
    return None if upstream.regions_required is None else frozenset(upstream.regions_required)


def _minimum_order(upstream: UpstreamSettings) -> Decimal | None:
    return None if upstream.minimum_order is None else Decimal(upstream.minimum_order)


def _known_origins(settings: StoreSettings) -> KnownOrigins:
    return KnownOrigins(website=settings.website or "", others=(settings.origin, *settings.media_origins))


def _client_limits(upstream: UpstreamSettings) -> ClientLimits:
    timeouts = upstream.timeouts
    return ClientLimits(connect=timeouts.connect, read=timeouts.read, total=timeouts.total, order=timeouts.order)


def _shop_config(settings: StoreSettings) -> MahoConfig:
    """The client configuration of a store's shop."""
    chosen = settings.upstream
    account = None
    if chosen.client_id is not None and chosen.client_secret is not None:
        account = ServiceAccountCredentials(client_id=chosen.client_id, client_secret=chosen.client_secret.reveal())
    return MahoConfig(
        url=chosen.url or "http://demo.invalid",
        store_code=chosen.store_code,
        prices_include_tax=chosen.prices_include_tax,
        regions_required=_regions_required(chosen),
        minimum_order=_minimum_order(chosen),
        known=_known_origins(settings),
        limits=_client_limits(chosen),
        account=account,
        capture_fields=CAPTURE_FIELDS,
        held_methods=frozenset({settings.payments.served_method} if settings.payments.provider else ()),
    )


def _upstream(settings: StoreSettings) -> tuple[MahoConfig, ASGIApp | None]:
    """The client configuration of a store's shop, and the shop itself where it is embedded."""
    upstream = _shop_config(settings)
    if settings.upstream.kind != "demo":
        return upstream, None
    # Only the demo needs its catalogue.
    from storefront_mcp.demo.shop import demo_shop  # noqa: PLC0415

    shop = demo_shop(base_url=settings.origin)
    account = ServiceAccountCredentials(
        client_id=shop.demo.account.client_id, client_secret=shop.demo.account.client_secret
    )
    return replace(upstream, known=KnownOrigins(others=(settings.origin,)), account=account), shop
