"""Shops that run Maho: its REST v2 of 26.7 and later, and the older fork where it differs.

`connect(MahoUpstream(url=...), "AUD")` gives the backend and what closes it. One backend serves one store view in one
currency; it keeps no shopper's state, only what it learned about the shop.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import httpx
from msgspec import Struct

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.account import Account, Credentials
from storefront_mcp.backends.maho.carts import Carts
from storefront_mcp.backends.maho.catalogue import Catalogue
from storefront_mcp.backends.maho.delivery import Delivery
from storefront_mcp.backends.maho.ordering import CAPTURING, Ordering
from storefront_mcp.backends.maho.prices import Till
from storefront_mcp.backends.maho.pricing import Pricing
from storefront_mcp.backends.maho.rest import ACCEPT, PREFIX, Rest
from storefront_mcp.backends.maho.shelves import Shelves
from storefront_mcp.backends.memory import Recall, together
from storefront_mcp.backends.upstream import Limits, Upstream
from storefront_mcp.calls.watching import Watcher
from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import Category, Facet
from storefront_mcp.commerce.errors import ProductNotFound
from storefront_mcp.commerce.names import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.order import Order, OrderDraft, OrderProgress, PaymentMethod, Settlement
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import Found, Search
from storefront_mcp.commerce.shipping import ShippingMethod

__all__ = ["Credentials", "Maho", "MahoUpstream", "connect"]


class MahoUpstream(Struct, frozen=True, kw_only=True):
    """Where a Maho shop is, and how it is set up."""

    url: str
    """The shop's address, with or without `/api/rest/v2`: `https://shop.example`."""
    store_code: str | None = None
    """The store view; None for the shop's own choice."""
    prices_include_tax: bool = False
    """Whether carts show prices with tax in them. What the catalogue shows is the shop's own setting."""
    public_url: str | None = None
    """Where people shop, when that is not `url`; products and pages link there."""
    account: Credentials | None = None
    """A service account that may read orders and carts; without one, orders are known by what place-order answered."""
    limits: Limits = Limits()


class Maho:
    """A `Backend` over Maho's REST v2. Cart ids are masked ids: secrets, never in a message or a log."""

    def __init__(
        self,
        upstream: Upstream,
        *,
        currency: str,
        prices_include_tax: bool = False,
        public_url: str = "",
        account: Credentials | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        rest = Rest(upstream)
        self._upstream: Final = upstream
        self._site = public_url.rstrip("/")
        self._till: Final = Till(currency=currency, includes_tax=prices_include_tax)
        self._shelves: Final = Shelves(rest, clock=clock)
        self._catalogue: Final = Catalogue(rest, self._shelves, self._till, clock=clock)
        delivery = Delivery(rest, clock=clock)
        self._carts: Final = Carts(rest, self._catalogue, delivery, self._till, clock=clock)
        rooms = (self._shelves, self._catalogue, delivery, self._carts)
        self._remembered: Final = [memory for room in rooms for memory in room.remembered]
        self._pricing: Final = Pricing(rest, self._carts, delivery, self._till)
        reader = None if account is None else Account(rest, account, clock=clock)
        self._ordering: Final = Ordering(rest, self._carts, self._pricing, reader)

    @property
    def resting(self) -> bool:
        """Whether the shop was down the last times, so that it is only probed now and then."""
        return self._upstream.resting

    @property
    def recall(self) -> Recall:
        """What is remembered of the shop, and how often that saved a question."""
        return together(self._remembered)

    async def search(self, search: Search) -> Found:
        """Products that match, page by page."""
        return await self._catalogue.search(search)

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key; a variant's SKU finds its parent, once that has been seen."""
        found = await self._catalogue.find(key)
        if found is None:
            raise ProductNotFound(key)
        return translation.product(found, self._till, site=self._site)

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent`."""
        return await self._shelves.tree(parent, depth=depth)

    async def category(self, key: str) -> Category:
        """The category with this id, url path or url key."""
        return await self._shelves.category(key)

    async def facets(self, category: CategoryId) -> Sequence[Facet]:
        """What a category's products differ in."""
        return await self._catalogue.facets(category)

    async def page(self, identifier: str) -> Page:
        """One of the shop's own pages."""
        return await self._catalogue.page(identifier, site=self._site)

    async def create_cart(self) -> Cart:
        """A new, empty cart."""
        return await self._carts.create()

    async def cart(self, cart: CartId) -> Cart:
        """The cart as it stands."""
        return await self._carts.read(cart)

    async def add_line(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Put pieces into a cart."""
        return await self._carts.add(cart, sku, quantity, options)

    async def update_line(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity."""
        return await self._carts.update(cart, line, quantity)

    async def remove_line(self, cart: CartId, line: LineId) -> Cart:
        """Take a line out."""
        return await self._carts.remove(cart, line)

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Use a code."""
        return await self._carts.apply_coupon(cart, code)

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Use no code."""
        return await self._carts.remove_coupon(cart)

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod]:
        """What sending this cart there costs."""
        return await self._carts.shipping_methods(cart, address)

    async def priced(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that an order of it would have."""
        return await self._pricing.priced(cart, draft)

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        """How the shop lets this cart be paid."""
        return await self._pricing.payment_methods(cart)

    def captures(self, method: str) -> bool:
        """Whether the shop's own module takes the held money inside place-order."""
        return method in CAPTURING

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: Settlement) -> Order:
        """Make an order of a cart."""
        return await self._ordering.place(cart, draft, settlement)

    async def find_order(self, cart: CartId, reference: str) -> Order | None:
        """The order made of a cart."""
        return await self._ordering.find(cart, reference)

    async def order_progress(self, order: Order) -> OrderProgress | None:
        """Where an order stands."""
        return await self._ordering.progress(order)


def connect(
    shop: MahoUpstream,
    currency: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.monotonic,
    watcher: Watcher | None = None,
) -> tuple[Maho, Callable[[], Awaitable[None]]]:
    """A backend for a shop, and what closes its connections. Nothing is sent before the first question.

    `currency` is sent with every call, and an answer in another one is ShopMisconfigured. `transport` stands in for the
    network: `httpx.ASGITransport(app)` for a shop in this process.
    """
    root = shop.url.rstrip("/").removesuffix(PREFIX)
    headers = {"accept": ACCEPT, "user-agent": "storefront-mcp", "x-currency-code": currency}
    if shop.store_code is not None:
        headers["x-store-code"] = shop.store_code
    upstream = Upstream.at(
        root + PREFIX, headers=headers, limits=shop.limits, transport=transport, clock=clock, watcher=watcher
    )
    backend = Maho(
        upstream,
        currency=currency,
        prices_include_tax=shop.prices_include_tax,
        public_url=root if shop.public_url is None else shop.public_url,
        account=shop.account,
        clock=clock,
    )
    return backend, upstream.close
