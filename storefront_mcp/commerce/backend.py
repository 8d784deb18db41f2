"""`ShopBackend`: the port that an adapter for a shop software implements."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import Category, CategoryFacet
from storefront_mcp.commerce.customers import CustomerLogin
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.order import Order, OrderDraft, OrderPreview, OrderProgress, OrderSettlement, PaymentMethod
from storefront_mcp.commerce.page import ShopPage, StoreFacts
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import SearchPage, SearchQuery
from storefront_mcp.commerce.shipping import ShippingMethod

Options = Mapping[str, str | Sequence[str]]
"""Custom options as sent: option id or title to a text, to a value's id or title, or to several of those."""


class CacheStats(Struct, frozen=True, kw_only=True):
    """How many answers of the shop are cached, and how often that saved a request since the process began."""

    kept: int
    hits: int
    """Look-ups that were answered from the cache."""
    misses: int
    """Look-ups for which the shop had to be asked."""


class CatalogueReader(Protocol):
    """What a shop tells everybody alike. Every method raises only ShopError."""

    async def search(self, search: SearchQuery) -> SearchPage:
        """Products that match, page by page. Raises FilterRefused for a filter or order that the shop has not."""

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key.

        Raises ProductNotFound, and OutOfStock for a sold-out SKU of which no more is known.
        """

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent` (the root when None), `depth` levels of it. Raises CategoryNotFound."""

    async def category(self, key: str) -> Category:
        """The category with this id, URL path or unmistakable name, with its children. Raises CategoryNotFound."""

    async def facets(self, category: CategoryId) -> Sequence[CategoryFacet]:
        """What a category's products differ in; empty where the shop does not say."""

    async def page(self, identifier: str) -> ShopPage:
        """One of the shop's own pages. Raises PageNotFound."""

    async def store_facts(self) -> StoreFacts:
        """What the shop's own configuration tells of countries, payment methods and guests."""


class ShopBackend(CatalogueReader, Protocol):
    """A shop we can ask. Every method raises only ShopError.

    Cart ids here are the backend's own and are secrets: whoever knows one owns the cart.
    """

    async def create_cart(self) -> Cart:
        """A new, empty cart."""

    async def cart(self, cart: CartId) -> Cart:
        """The cart as it stands. Raises CartGone."""

    async def add_line(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Put pieces into a cart; the same product with the same options grows its line.

        The answer's `cart_id` differs from `cart` when the shop had lost that cart and made another, or renamed it.
        Raises ProductNotFound, VariantNeeded, OptionsNeeded, OutOfStock, NotEnoughStock, QuantityRefused, CartGone.
        """

    async def update_line(self, cart: CartId, line: LineId, quantity: int) -> Cart:
        """Set a line's quantity, at least 1. Raises LineNotFound, NotEnoughStock, QuantityRefused, CartGone."""

    async def remove_line(self, cart: CartId, line: LineId) -> Cart:
        """Take a line out. Raises LineNotFound, CartGone."""

    async def apply_coupon(self, cart: CartId, code: str) -> Cart:
        """Use a code. Raises CouponRejected, ShopBusy, CartGone."""

    async def remove_coupon(self, cart: CartId) -> Cart:
        """Use no code, also when none was used. Raises CartGone."""

    async def apply_gift_card(self, cart: CartId, code: str) -> Cart:
        """Pay by this card too, up to its balance; also when it is applied.

        Raises GiftCardRejected, ShopBusy, CartGone.
        """

    async def remove_gift_card(self, cart: CartId, code: str) -> Cart:
        """Take a card off, by its code or as the cart shows it.

        Raises GiftCardRejected for one that is not on a cart which has others, CartGone.
        """

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod] | None:
        """What sending this cart there costs; None for one that `ships_nothing`.

        Raises CountryNotServed, AddressRefused, CartGone.
        """

    async def quote_gaps(self, address: Address) -> Sequence[str]:
        """Names of what an address lacks and shipping prices may depend on, such as `postcode`."""

    async def quote_order(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that an order of it would have, down to shipping and tax.

        Everything that the shop would refuse an order for is looked at here, since its own refusal may say nothing. A
        cart that `ships_nothing` needs neither shipping address nor method.
        Raises CartEmpty, CountryNotServed, AddressRefused, ShippingMethodRefused, OutOfStock, NotEnoughStock, CartGone.
        """

    async def preview_order(self, cart: CartId, draft: OrderDraft) -> OrderPreview:
        """What `quote_order` and `payment_methods` would tell, with nothing left on the cart. Raises as they do."""

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        """How the shop lets this cart be paid. Raises CartGone."""

    @property
    def capturing_methods(self) -> frozenset[str]:
        """Codes of the payment methods for which the shop itself captures the held money as it places the order.

        It then demands that the payment's amount and currency equal the order's total. For every other method the order
        comes first, and whoever holds the money captures it afterwards.
        """

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: OrderSettlement) -> Order:
        """Make an order of a cart: one call, never repeated from in here.

        Raises OrderRefused or CartGone when there is surely no order by this call, ShopOutcomeUnknown when there may be
        one (`over` tells whether the call has surely ended), any other ShopDown when the call was surely not sent.
        """

    async def find_order(self, cart: CartId, reference: str) -> Order | None:
        """After an unclear `place_order`: the order made of this cart; None when the cart is still an open cart.

        Only a look, as often as you like. Raises CartGone when there is no order and the cart is gone all the same, and
        ShopDown when the shop cannot be asked now.
        """

    async def mark_paid(self, order: Order, settlement: OrderSettlement) -> None:
        """Tell the shop that an order's money was taken, where it does not know by itself; as often as you like.

        Raises OrderRefused for an order that is not ours, was given up or is paid otherwise, and ShopDown.
        """

    async def order_progress(self, order: Order) -> OrderProgress | None:
        """Where an order stands; None when this shop does not tell us."""

    @property
    def login(self) -> CustomerLogin | None:
        """How the shop's customers sign in; None for a shop that cannot sign anybody in."""

    @property
    def circuit_open(self) -> bool:
        """Whether the shop was down the last times, so that it is only probed now and then."""

    @property
    def cache_stats(self) -> CacheStats:
        """What is cached of the shop's answers, and how often that saved a request."""
