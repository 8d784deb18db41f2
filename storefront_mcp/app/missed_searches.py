"""Backend decorator that records searches without results."""

from collections.abc import Callable, Sequence

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.backend import CacheStats, Options, ShopBackend
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import Category, CategoryFacet
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.order import Order, OrderDraft, OrderProgress, OrderSettlement, PaymentMethod
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.commerce.shipping import ShippingMethod


class MissedSearchRecorder:
    """Decorator of a `ShopBackend`: calls `record` for a search without results, delegates everything else."""

    def __init__(self, backend: ShopBackend, record: Callable[[str], None]) -> None:
        """`record` is called with the text that was searched for."""
        self._backend = backend
        self._record = record

    async def search(self, search: SearchQuery) -> SearchPage:
        """Products that match; the first page of a search that found none is reported."""
        found = await self._backend.search(search)
        if not found.products and search.after is None:
            self._record(search.text)
        return found

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key."""
        return await self._backend.product(key)

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent` (the root when None), `depth` levels of it."""
        return await self._backend.categories(parent, depth=depth)

    async def category(self, key: str) -> Category:
        """The category with this id or url path, with its direct children."""
        return await self._backend.category(key)

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """What a category's products differ in; empty where the shop does not say."""
        return await self._backend.facets(category)

    async def page(self, identifier: str) -> ShopPage:
        """One of the shop's own pages."""
        return await self._backend.page(identifier)

    async def store_facts(self) -> StoreFacts:
        """What the shop's own configuration tells of countries, payment methods and guests."""
        return await self._backend.store_facts()

    async def create_cart(self) -> Cart:
        """A new, empty cart."""
        return await self._backend.create_cart()

    async def cart(self, cart: CartId) -> Cart:
        """The cart as it stands."""
        return await self._backend.cart(cart)

    async def add_line(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Put pieces into a cart; the same product with the same options grows its line."""
        return await self._backend.add_line(cart, sku, quantity, options)

    async def update_line(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity, at least 1."""
        return await self._backend.update_line(cart, line, quantity)

    async def remove_line(self, cart: CartId, line: LineId) -> Cart:
        """Take a line out."""
        return await self._backend.remove_line(cart, line)

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Use a code."""
        return await self._backend.apply_coupon(cart, code)

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Use no code, also when none was used."""
        return await self._backend.remove_coupon(cart)

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod]:
        """What sending this cart there costs."""
        return await self._backend.shipping_methods(cart, address)

    async def quote_gaps(self, address: Address) -> Sequence[str]:
        """Names of what an address lacks and shipping prices may depend on, such as `postcode`."""
        return await self._backend.quote_gaps(address)

    async def quote_order(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that an order of it would have, down to shipping and tax."""
        return await self._backend.quote_order(cart, draft)

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        """How the shop lets this cart be paid."""
        return await self._backend.payment_methods(cart)

    @property
    def capturing_methods(self) -> frozenset[str]:
        """Codes of the payment methods for which the shop itself captures the held money as it places the order."""
        return self._backend.capturing_methods

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        """Make an order of a cart: one call, never repeated from in here."""
        return await self._backend.place_order(cart, draft, settlement)

    async def find_order(self, cart: CartId, reference: str) -> Order | None:
        """After an unclear `place_order`: the order made of this cart; None when the cart is still an open cart."""
        return await self._backend.find_order(cart, reference)

    async def order_progress(self, order: Order) -> OrderProgress | None:
        """Where an order stands; None when this shop does not tell us."""
        return await self._backend.order_progress(order)

    @property
    def circuit_open(self) -> bool:
        """Whether the shop was down the last times, so that it is only probed now and then."""
        return self._backend.circuit_open

    @property
    def cache_stats(self) -> CacheStats:
        """What is cached of the shop's answers, and how often that saved a request."""
        return self._backend.cache_stats
