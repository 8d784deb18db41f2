"""Adapter for WooCommerce shops: Store API v1 for guests, and `wc/v3` with a merchant's key where one is set.

`connect(WooConfig(url=...), "USD")` returns the backend and its close function. One backend serves one shop in its own
currency; it keeps no shopper's state, only caches of the shop's data.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache, merged_stats
from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.woocommerce.account import WooAccount
from storefront_mcp.backends.woocommerce.addresses import WooAddresses
from storefront_mcp.backends.woocommerce.carts import WooCarts
from storefront_mcp.backends.woocommerce.categories import WooCategories
from storefront_mcp.backends.woocommerce.countries import WooCountries
from storefront_mcp.backends.woocommerce.customers import WooCustomers
from storefront_mcp.backends.woocommerce.merchant import MerchantOrders
from storefront_mcp.backends.woocommerce.merchant_api import MerchantApi
from storefront_mcp.backends.woocommerce.order_quotes import WooQuotes
from storefront_mcp.backends.woocommerce.orders import WooOrders
from storefront_mcp.backends.woocommerce.prices import WooPrices
from storefront_mcp.backends.woocommerce.products import WooProducts
from storefront_mcp.backends.woocommerce.store_api import ROOT, MerchantKey, StoreApiClient
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.backend import CacheStats
from storefront_mcp.commerce.capabilities import ShopCapability
from storefront_mcp.commerce.customers import SessionOver, ShopSession
from storefront_mcp.commerce.order import Order, OrderProgress, OrderSettlement
from storefront_mcp.instrumentation import Instrumentation

MAX_READ_SECONDS: Final = 30.0
"""Of one read of the catalogue with all of its requests, each of which has timeouts of its own."""

__all__ = ["MerchantKey", "WooBackend", "WooConfig", "connect"]

LACKED: Final = frozenset(
    {ShopCapability.GIFT_CARDS, ShopCapability.ORDER_CANCELLATION, ShopCapability.CUSTOMER_ORDERS}
)
"""What such a shop has not, whatever its settings."""


class WooConfig(Struct, frozen=True, kw_only=True):
    """Address and setup of a WooCommerce shop."""

    url: str
    """Base URL of the WordPress site, with or without `/wp-json`: `https://shop.example`."""
    key: MerchantKey | None = None
    """Reads orders and marks them as paid; without one nothing is paid at a provider of ours, and nobody signs in."""
    known: KnownOrigins = NO_ORIGINS
    """Where its pictures and links may lead."""
    limits: ClientLimits = ClientLimits()


class WooBackend:
    """A `ShopBackend` over the Store API. Cart ids are cart tokens: secrets, never in a message or a log."""

    def __init__(
        self,
        rest: StoreApiClient,
        shop: WooConfig,
        *,
        currency: str,
        budget: WorkBudget,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rest: Final = rest
        prices = WooPrices(currency)
        categories = WooCategories(rest, clock=clock)
        products = WooProducts(rest, categories, prices, budget, shop.known, clock=clock)
        addresses = WooAddresses(WooCountries(rest, shop.key, clock=clock), clock=clock)
        carts = WooCarts(rest, products, prices, clock=clock)
        quotes = WooQuotes(rest, carts, addresses, prices)
        api = None if shop.key is None else MerchantApi(rest, shop.key)
        self._api: Final = api
        self._budget: Final = budget
        self._merchant: Final = None if api is None else MerchantOrders(api, prices)
        self.customers: Final = None if api is None else WooCustomers(api)
        orders = WooOrders(rest, carts, quotes, addresses, prices, self._merchant)
        self._caches: Final[list[TtlCache[Any, Any]]] = [
            *categories.caches,
            *products.caches,
            *addresses.caches,
            *carts.caches,
        ]
        # What a part does in the form of the port is not passed on by a method of the same form.
        self.search: Final = budget.limit(products.search, within=MAX_READ_SECONDS)
        self.product: Final = budget.limit(products.product, within=MAX_READ_SECONDS)
        self.categories: Final = budget.limit(categories.tree, within=MAX_READ_SECONDS)
        self.category: Final = budget.limit(categories.category, within=MAX_READ_SECONDS)
        self.facets: Final = budget.limit(products.facets, within=MAX_READ_SECONDS)
        self.page: Final = budget.limit(products.page, within=MAX_READ_SECONDS)
        self.store_facts: Final = budget.limit(quotes.store_facts)
        self.create_cart: Final = budget.limit(carts.create)
        self.cart: Final = budget.limit(carts.read)
        self.add_line: Final = budget.limit(carts.add)
        self.update_line: Final = budget.limit(carts.update)
        self.remove_line: Final = budget.limit(carts.remove)
        self.apply_coupon: Final = budget.limit(carts.apply_coupon)
        self.remove_coupon: Final = budget.limit(carts.remove_coupon)
        self.apply_gift_card: Final = budget.limit(carts.apply_gift_card)
        self.remove_gift_card: Final = budget.limit(carts.remove_gift_card)
        self.shipping_methods: Final = budget.limit(quotes.shipping_methods)
        self.quote_gaps: Final = addresses.gaps
        self.quote_order: Final = budget.limit(quotes.quote)
        self.preview_order: Final = budget.limit(quotes.preview)
        self.payment_methods: Final = budget.limit(quotes.payment_methods)
        self.order_progress: Final = budget.limit(self._order_progress)
        self.login: Final = None
        # What is paid for waits for no budget.
        self.place_order: Final = orders.place
        self.find_order: Final = orders.find

    def account(self, session: ShopSession) -> WooAccount:
        """The account of a customer who signed in. Raises SessionOver, without a merchant's key too."""
        if self._api is None:
            raise SessionOver(internal="there is no merchant's key any more")
        return WooAccount(self._api, session.customer_id, budget=self._budget)

    @property
    def circuit_open(self) -> bool:
        """Whether the circuit breaker is open: calls are refused, apart from probes."""
        return self._rest.circuit_open

    @property
    def cache_stats(self) -> CacheStats:
        """Size, hits and misses of all caches."""
        return merged_stats(self._caches)

    @property
    def capturing_methods(self) -> frozenset[str]:
        """None: the order comes first, and is marked as paid once the money was taken."""
        return frozenset()

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        """Record the payment with its id, once; without a merchant's key nothing can be recorded."""
        if self._merchant is not None:
            await self._merchant.mark_paid(order, settlement)

    async def _order_progress(self, order: Order) -> OrderProgress | None:
        """Status, refunds and notes for the buyer; None without a merchant's key."""
        return None if self._merchant is None else await self._merchant.progress(order)


def connect(
    shop: WooConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    instrumentation: Instrumentation | None = None,
    budget: WorkBudget | None = None,
) -> tuple[WooBackend, Callable[[], Awaitable[None]]]:
    """Build a backend and its close function. Sends nothing.

    A response in another currency raises ShopMisconfigured. `transport` replaces the network. `budget` bounds what the
    shop's answers cost.
    """
    rest, known = client_of(shop, transport=transport, clock=clock, instrumentation=instrumentation)
    backend = WooBackend(
        rest, replace(shop, known=known), currency=currency, budget=budget or WorkBudget(1.0), clock=clock
    )
    return backend, rest.close


def client_of(
    shop: WooConfig,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    instrumentation: Instrumentation | None = None,
) -> tuple[StoreApiClient, KnownOrigins]:
    """A client of the shop's API, and where the links of its answers may lead."""
    root = root_of(shop.url)
    rest = StoreApiClient.at(
        root + ROOT,
        headers={"accept": "application/json", "user-agent": "storefront-mcp"},
        limits=shop.limits,
        transport=transport,
        clock=clock,
        instrumentation=instrumentation,
    )
    return rest, replace(shop.known, website=shop.known.website.rstrip("/"), upstream=root)


def root_of(url: str) -> str:
    """The address of a shop without its interface's path."""
    return url.rstrip("/").removesuffix(ROOT)
