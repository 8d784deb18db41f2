"""Adapter for Maho shops: REST v2 of 26.7 and later, and the older fork where it differs.

`connect(MahoConfig(url=...), "AUD")` returns the backend and its close function. One backend serves one store view in
one currency; it keeps no shopper's state, only caches of the shop's data.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import httpx
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache, merged_stats
from storefront_mcp.backends.http_client import ClientLimits
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.account import MahoAccount
from storefront_mcp.backends.maho.addresses import AddressMapper
from storefront_mcp.backends.maho.carts import MahoCarts
from storefront_mcp.backends.maho.categories import MahoCategories
from storefront_mcp.backends.maho.customer_cart import CustomerCart
from storefront_mcp.backends.maho.gift_cards import MahoGiftCards
from storefront_mcp.backends.maho.login import MahoLogin
from storefront_mcp.backends.maho.order_previews import OrderPreviews
from storefront_mcp.backends.maho.order_progress import MahoOrderProgress
from storefront_mcp.backends.maho.order_quotes import OrderQuotes
from storefront_mcp.backends.maho.orders import MahoOrders
from storefront_mcp.backends.maho.prices import PriceMapper, TaxDisplay
from storefront_mcp.backends.maho.products import MahoProducts
from storefront_mcp.backends.maho.rest import ACCEPT_HEADER, PREFIX, RestClient
from storefront_mcp.backends.maho.service_account import ServiceAccountClient, ServiceAccountCredentials
from storefront_mcp.backends.maho.twin_carts import TwinCarts
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.backend import CacheStats
from storefront_mcp.commerce.customers import ShopSession
from storefront_mcp.commerce.errors import ProductNotFound, ShopError
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import Order, OrderProgress, OrderSettlement
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.product import Product, variant_of
from storefront_mcp.instrumentation import Instrumentation
from storefront_mcp.records.scratch_carts import ScratchCartLedger

MAX_READ_SECONDS: Final = 30.0
"""Of one read of the catalogue with all of its requests, each of which has timeouts of its own."""

__all__ = ["MahoBackend", "MahoConfig", "ServiceAccountCredentials", "connect"]


class MahoConfig(Struct, frozen=True, kw_only=True):
    """Address and setup of a Maho shop."""

    url: str
    """Base URL, with or without `/api/rest/v2`: `https://shop.example`."""
    store_code: str | None = None
    """The store view; None for the shop's default."""
    prices_include_tax: bool | None = None
    """Whether the shop's prices include tax; None to learn it from its carts. Another than those say is refused."""
    known: KnownOrigins = NO_ORIGINS
    """Where its pictures and links may lead. Links to products are below its website; without one, there are none."""
    account: ServiceAccountCredentials | None = None
    """May read orders and carts; without one, an order is known only from the response to place-order."""
    regions_required: frozenset[str] | None = None
    """Countries whose addresses need a region of the shop's list, which its REST does not tell; None for those in which
    mail needs it."""
    minimum_order: Decimal | None = None
    """The least that goods must cost after discounts, in major units: Maho's REST does not tell its own setting."""
    capture_fields: Mapping[str, str] = {}
    """Payment methods that the shop captures inside place-order, each with its field for the payment's id."""
    held_methods: frozenset[str] = frozenset()
    """Payment methods whose money a provider of ours holds, so that their orders are not simply cancelled."""
    limits: ClientLimits = ClientLimits()


class MahoBackend:
    """A `ShopBackend` over Maho's REST v2. Cart ids are masked ids: secrets, never in a message or a log."""

    def __init__(
        self,
        rest: RestClient,
        shop: MahoConfig,
        *,
        currency: str,
        budget: WorkBudget,
        ledger: ScratchCartLedger | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ledger` keeps in mind which carts of nobody's are in use, so that answers need not wait for their end."""
        self._shop: Final = shop
        self._rest: Final = rest
        tax = TaxDisplay(configured=shop.prices_include_tax, clock=clock)
        self._price_mapper: Final = PriceMapper(currency=currency, tax=tax)
        categories = MahoCategories(rest, budget, clock=clock)
        self._products: Final = MahoProducts(rest, categories, self._price_mapper, budget, clock=clock)
        self._addresses: Final = AddressMapper(rest, clock=clock, regions_required=shop.regions_required)
        self._carts: Final = MahoCarts(
            rest, self._products, self._addresses, self._price_mapper, clock=clock, known=shop.known
        )
        parts = (categories, self._products, self._addresses, self._carts)
        self._caches: Final[list[TtlCache[Any, Any]]] = [cache for part in parts for cache in part.caches]
        self._caches.append(tax.cache)
        minimum = None if shop.minimum_order is None else Money.of(shop.minimum_order, currency)
        quotes = OrderQuotes(rest, self._carts, self._addresses, self._price_mapper, minimum=minimum, clock=clock)
        self._caches.extend(quotes.caches)
        reader = None if shop.account is None else ServiceAccountClient(rest, shop.account, clock=clock)
        self._budget: Final = budget
        self._clock: Final = clock
        self._minimum: Final = minimum
        self._progress: Final = None if reader is None else MahoOrderProgress(reader)
        orders = MahoOrders(rest, self._carts, quotes, reader, shop.capture_fields)
        # What a part does in the form of the port is not passed on by a method of the same form.
        self.search: Final = budget.limit(self._products.search, within=MAX_READ_SECONDS)
        self.categories: Final = budget.limit(categories.tree, within=MAX_READ_SECONDS)
        self.category: Final = budget.limit(categories.category, within=MAX_READ_SECONDS)
        self.facets: Final = budget.limit(self._products.facets, within=MAX_READ_SECONDS)
        self.store_facts: Final = budget.limit(quotes.store_facts)
        self.create_cart: Final = budget.limit(self._carts.create)
        self.cart: Final = budget.limit(self._carts.read)
        self.add_line: Final = budget.limit(self._carts.add)
        self.update_line: Final = budget.limit(self._carts.update)
        self.remove_line: Final = budget.limit(self._carts.remove)
        self.apply_coupon: Final = budget.limit(self._carts.apply_coupon)
        self.remove_coupon: Final = budget.limit(self._carts.remove_coupon)
        gift_cards = MahoGiftCards(rest, self._carts)
        self.apply_gift_card: Final = budget.limit(gift_cards.apply)
        self.remove_gift_card: Final = budget.limit(gift_cards.remove)
        self.shipping_methods: Final = budget.limit(quotes.shipping_methods)
        self.quote_gaps: Final = self._addresses.gaps
        self.quote_order: Final = budget.limit(quotes.quote)
        self._twins: Final = TwinCarts(rest, self._carts, ledger)
        self.preview_order: Final = budget.limit(OrderPreviews(rest, self._twins, quotes, self._price_mapper).preview)
        self.clear_left_carts: Final = self._twins.clear_left
        self.payment_methods: Final = budget.limit(quotes.payment_methods)
        self.product: Final = budget.limit(self._product, within=MAX_READ_SECONDS)
        self.page: Final = budget.limit(self._page, within=MAX_READ_SECONDS)
        self.order_progress: Final = budget.limit(self._order_progress)
        self.login: Final = MahoLogin(rest)
        # What is paid for waits for no budget.
        self.place_order: Final = orders.place
        self.find_order: Final = orders.find

    @property
    def circuit_open(self) -> bool:
        """Whether the circuit breaker is open: calls are refused, apart from probes."""
        return self._rest.circuit_open

    @property
    def cache_stats(self) -> CacheStats:
        """Size, hits and misses of all caches."""
        return merged_stats(self._caches)

    async def _product(self, key: str) -> Product:
        """The product with this SKU or URL key; a variant's SKU finds its parent. Raises ProductNotFound."""
        found = await self._products.find(key)
        if found is None:
            raise ProductNotFound(key)
        product = translation.product(found, self._price_mapper, self._shop.known)
        product = await self._products.texts.with_prices(found, product)
        weight = translation.weight(found, await self._weight_unit()) if found.weight else None
        return replace(product, weight=weight, selected_variant=variant_of(product, key))

    async def _weight_unit(self) -> str:
        """The shop's unit of weight; empty where it cannot be asked now."""
        try:
            return await self._addresses.weight_unit()
        except ShopError:
            return ""

    async def _page(self, identifier: str) -> ShopPage:
        """A CMS page of the shop."""
        return await self._products.page(identifier, self._shop.known)

    async def close(self) -> None:
        """End what goes on behind answers, before the connections are closed."""
        await self._twins.close()

    @property
    def capturing_methods(self) -> frozenset[str]:
        """Codes of the payment methods that the shop captures inside place-order."""
        return frozenset(self._shop.capture_fields)

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        """Nothing: the payment's id came with the order, and its module captures, or the shop's staff looks."""

    def account(self, session: ShopSession) -> MahoAccount:
        """The account of a customer's live session."""
        rest = self._rest.as_customer(session.secret)
        shop, mapper = self._shop, self._price_mapper
        own = MahoCarts(rest, self._products, self._addresses, mapper, clock=self._clock, known=shop.known)
        quotes = OrderQuotes(rest, own, self._addresses, mapper, minimum=self._minimum, clock=self._clock)

        def orders(reference: str) -> MahoOrders:
            placing = self._rest.as_customer(session.secret, idempotency_key=reference)
            return MahoOrders(placing, own, quotes, None, shop.capture_fields)

        cart = CustomerCart(rest, own, self._carts, orders, mapper)
        return MahoAccount(rest, cart, mapper, budget=self._budget, held_methods=shop.held_methods)

    async def _order_progress(self, order: Order) -> OrderProgress | None:
        """Status, parcels, comments and refunds; the order's own token works once and is the buyer's."""
        return None if self._progress is None else await self._progress.read(order)


def connect(
    shop: MahoConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    instrumentation: Instrumentation | None = None,
    budget: WorkBudget | None = None,
    ledger: ScratchCartLedger | None = None,
) -> tuple[MahoBackend, Callable[[], Awaitable[None]]]:
    """Build a backend and its close function. Sends nothing.

    `currency` is sent with every call; a response in another one raises ShopMisconfigured. `transport` replaces the
    network: `httpx.ASGITransport(app)` for a shop in this process. `budget` bounds what its answers cost.
    """
    upstream, known = client_of(shop, currency, transport=transport, clock=clock, instrumentation=instrumentation)
    backend = MahoBackend(
        upstream,
        replace(shop, known=known),
        currency=currency,
        budget=budget or WorkBudget(1.0),
        ledger=ledger,
        clock=clock,
    )

    async def close() -> None:
        await backend.close()
        await upstream.close()

    return backend, close


def client_of(
    shop: MahoConfig,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    instrumentation: Instrumentation | None = None,
) -> tuple[RestClient, KnownOrigins]:
    """A client of the shop's API, and where the links of its answers may lead."""
    root = shop.url.rstrip("/").removesuffix(PREFIX)
    headers = {"accept": ACCEPT_HEADER, "user-agent": "storefront-mcp", "x-currency-code": currency}
    if shop.store_code is not None:
        headers["x-store-code"] = shop.store_code
    upstream = RestClient.at(
        root + PREFIX,
        headers=headers,
        limits=shop.limits,
        transport=transport,
        clock=clock,
        instrumentation=instrumentation,
    )
    return upstream, replace(shop.known, website=shop.known.website.rstrip("/"), upstream=root)
