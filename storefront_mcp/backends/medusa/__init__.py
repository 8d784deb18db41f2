"""Adapter for Medusa shops: the Store API of 2.21 and later, with a publishable key.

`connect(MedusaConfig(url=..., key=...), "EUR")` returns the backend and its close function. One backend serves one
region; it keeps no shopper's state, only caches of the shop's data.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final

import httpx
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache, merged_stats
from storefront_mcp.backends.http_client import ClientLimits, UpstreamClient
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.medusa import translation
from storefront_mcp.backends.medusa.account import MedusaAccount
from storefront_mcp.backends.medusa.addresses import AddressChecker
from storefront_mcp.backends.medusa.admin import ADMIN_PREFIX, AdminPayments, admin_headers
from storefront_mcp.backends.medusa.api import KEY_HEADER, PREFIX, MedusaClient
from storefront_mcp.backends.medusa.carts import MedusaCarts
from storefront_mcp.backends.medusa.categories import MedusaCategories
from storefront_mcp.backends.medusa.login import AUTH_PREFIX, MedusaLogin
from storefront_mcp.backends.medusa.orders import MedusaOrders
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.products import MedusaProducts
from storefront_mcp.backends.medusa.quotes import CartQuotes
from storefront_mcp.backends.medusa.regions import StoreRegion
from storefront_mcp.backends.medusa.shipping import CartShippingOptions
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.backend import CacheStats
from storefront_mcp.commerce.capabilities import ShopCapability
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import CategoryFacet
from storefront_mcp.commerce.customers import ShopSession
from storefront_mcp.commerce.errors import GiftCardRejected, PageNotFound, ProductNotFound
from storefront_mcp.commerce.ids import CartId, CategoryId
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderSettlement
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.product import Product, variant_of
from storefront_mcp.instrumentation import Instrumentation

MAX_READ_SECONDS: Final = 30.0
"""Of one read of the catalogue with all of its requests, each of which has timeouts of its own."""

USER_AGENT: Final = "storefront-mcp"

__all__ = ["MedusaBackend", "MedusaConfig", "connect"]

LACKED: Final = frozenset({ShopCapability.GIFT_CARDS, ShopCapability.ORDER_CANCELLATION})
"""What such a shop has not, whatever its settings."""


class MedusaConfig(Struct, frozen=True, kw_only=True):
    """Address and setup of a Medusa shop."""

    url: str
    """Base URL, with or without `/store`: `https://shop.example`."""
    key: str
    """A publishable key: its sales channels are what is sold. Browsers have it, too."""
    secret_key: str | None = None
    """Of the Admin API, to mark orders as paid; without one the shop's staff does."""
    region: str | None = None
    """Id or name of the region; None for the only one with the store's currency."""
    known: KnownOrigins = NO_ORIGINS
    """Where its pictures and links may lead. Links to products are below its website; without one, there are none."""
    regions_required: frozenset[str] | None = None
    """Countries whose addresses need a state or province; None for those in which mail needs it."""
    minimum_order: Decimal | None = None
    """The least that goods must cost after discounts, in major units."""
    limits: ClientLimits = ClientLimits()


class MedusaBackend:
    """A `ShopBackend` over Medusa's Store API. Cart ids are secrets, never in a message or a log."""

    capturing_methods: Final[frozenset[str]] = frozenset()
    """None: the order comes first, and whoever holds the money captures it afterwards."""

    def __init__(
        self,
        api: MedusaClient,
        shop: MedusaConfig,
        *,
        currency: str,
        budget: WorkBudget,
        auth: UpstreamClient,
        admin: UpstreamClient | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.login: Final = MedusaLogin(auth, api)
        self._budget: Final = budget
        self._api: Final = api
        self._admin: Final = None if admin is None else AdminPayments(admin)
        self._shop: Final = shop
        self._amounts: Final = AmountMapper(currency=currency)
        region = StoreRegion(api, currency=currency, wanted=shop.region, clock=clock)
        categories = MedusaCategories(api, clock=clock)
        self._products: Final = MedusaProducts(api, region, categories, self._amounts, clock=clock)
        self._caches: Final[list[TtlCache[Any, Any]]] = [
            cache for part in (region, categories, self._products) for cache in part.caches
        ]
        self._carts: Final = MedusaCarts(api, region, self._products, self._amounts, known=shop.known)
        addresses = AddressChecker(region, regions_required=shop.regions_required)
        minimum = None if shop.minimum_order is None else Money.of(shop.minimum_order, currency)
        shipping = CartShippingOptions(api, self._carts, self._amounts)
        quotes = CartQuotes(self._carts, shipping, addresses, region, self._amounts, minimum=minimum)
        orders = MedusaOrders(api, self._carts, quotes, self._amounts)
        self._quotes: Final = quotes
        self.search: Final = budget.limit(self._products.search, within=MAX_READ_SECONDS)
        self.categories: Final = budget.limit(categories.tree, within=MAX_READ_SECONDS)
        self.category: Final = budget.limit(categories.category, within=MAX_READ_SECONDS)
        self.facets: Final = budget.limit(self._facets, within=MAX_READ_SECONDS)
        self.product: Final = budget.limit(self._product, within=MAX_READ_SECONDS)
        self.store_facts: Final = budget.limit(quotes.store_facts)
        self.create_cart: Final = budget.limit(self._carts.create)
        self.cart: Final = budget.limit(self._carts.read)
        self.add_line: Final = budget.limit(self._carts.add)
        self.update_line: Final = budget.limit(self._carts.update)
        self.remove_line: Final = budget.limit(self._carts.remove)
        self.apply_coupon: Final = budget.limit(self._carts.apply_coupon)
        self.remove_coupon: Final = budget.limit(self._carts.remove_coupon)
        self.shipping_methods: Final = budget.limit(quotes.shipping_methods)
        self.quote_gaps: Final = addresses.gaps
        self.quote_order: Final = budget.limit(quotes.quote)
        self.preview_order: Final = budget.limit(quotes.preview)
        self.payment_methods: Final = budget.limit(quotes.payment_methods)
        self.order_progress: Final = budget.limit(orders.progress)
        # What is paid for waits for no budget.
        self.place_order: Final = orders.place
        self.find_order: Final = orders.find

    @property
    def circuit_open(self) -> bool:
        """Whether the circuit breaker is open: calls are refused, apart from probes."""
        return self._api.circuit_open

    @property
    def cache_stats(self) -> CacheStats:
        """Size, hits and misses of all caches."""
        return merged_stats(self._caches)

    def account(self, session: ShopSession) -> MedusaAccount:
        """The account of a customer's live session."""
        api = self._api.as_customer(session.secret)
        orders = MedusaOrders(api, self._carts, self._quotes, self._amounts, as_customer=True)
        return MedusaAccount(api, orders, budget=self._budget)

    async def page(self, identifier: str) -> ShopPage:
        """Medusa has no pages. Raises PageNotFound."""
        raise PageNotFound(identifier)

    async def apply_gift_card(self, cart: CartId, code: str) -> Cart:  # noqa: ARG002 -- the port's form
        """Medusa has no gift cards. Raises CartGone and GiftCardRejected."""
        await self._carts.fetch(cart)
        raise GiftCardRejected("This shop takes no gift cards")

    async def remove_gift_card(self, cart: CartId, code: str) -> Cart:  # noqa: ARG002 -- as above
        """The cart, which never has one. Raises CartGone."""
        return await self._carts.read(cart)

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        """As `AdminPayments.mark_paid`; nothing without a secret key, and the shop's staff does it."""
        if self._admin is not None:
            await self._admin.mark_paid(order, settlement)

    async def _facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """None: Medusa does not say in what the products of a category differ. Raises CategoryNotFound."""
        await self.categories(category, depth=1)
        return ()

    async def _product(self, key: str) -> Product:
        """The product with this SKU, handle or id; a variant's SKU finds its product. Raises ProductNotFound."""
        found = await self._products.find(key)
        if found is None:
            raise ProductNotFound(key)
        product = translation.product(found, self._amounts, self._shop.known)
        return replace(product, selected_variant=variant_of(product, key))


def connect(
    shop: MedusaConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    instrumentation: Instrumentation | None = None,
    budget: WorkBudget | None = None,
) -> tuple[MedusaBackend, Callable[[], Awaitable[None]]]:
    """Build a backend and its close function. Sends nothing.

    `transport` replaces the network: `httpx.ASGITransport(app)` for a shop in this process. `budget` bounds what its
    answers cost.
    """
    api, known = client_of(shop, transport=transport, clock=clock, instrumentation=instrumentation)
    options: dict[str, Any] = {
        "limits": shop.limits,
        "transport": transport,
        "clock": clock,
        "instrumentation": instrumentation,
    }
    auth = UpstreamClient.at(
        known.upstream + AUTH_PREFIX, headers={"user-agent": USER_AGENT, "accept": "application/json"}, **options
    )
    admin = None
    if shop.secret_key is not None:
        admin = UpstreamClient.at(
            known.upstream + ADMIN_PREFIX,
            headers={"user-agent": USER_AGENT, **admin_headers(shop.secret_key)},
            **options,
        )
    backend = MedusaBackend(
        api,
        replace(shop, known=known),
        currency=currency,
        budget=budget or WorkBudget(1.0),
        auth=auth,
        admin=admin,
        clock=clock,
    )

    async def close() -> None:
        await api.close()
        await auth.close()
        if admin is not None:
            await admin.close()

    return backend, close


def client_of(
    shop: MedusaConfig,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    instrumentation: Instrumentation | None = None,
) -> tuple[MedusaClient, KnownOrigins]:
    """A client of the shop's Store API, and where the links of its answers may lead."""
    root = shop.url.rstrip("/").removesuffix(PREFIX)
    api = MedusaClient.at(
        root + PREFIX,
        headers={"accept": "application/json", "user-agent": USER_AGENT, KEY_HEADER: shop.key},
        limits=shop.limits,
        transport=transport,
        clock=clock,
        instrumentation=instrumentation,
    )
    return api, replace(shop.known, website=shop.known.website.rstrip("/"), upstream=root)
