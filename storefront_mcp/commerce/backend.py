"""The port: what we ask of a shop, whatever software it runs on."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import Category, Facet
from storefront_mcp.commerce.names import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.order import Order, OrderDraft, OrderProgress, PaymentMethod, Settlement
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.product import Product
from storefront_mcp.commerce.search import Found, Search
from storefront_mcp.commerce.shipping import ShippingMethod

Options = Mapping[str, str | Sequence[str]]
"""Custom options as an agent sends them: option id or title to a text, a value id or title, or several of those."""


class Backend(Protocol):
    """A shop we can ask. Every method raises only ShopError.

    Cart ids here are the backend's own and are secrets: whoever knows one owns the cart.
    """

    async def search(self, search: Search) -> Found:
        """Products that match, page by page."""

    async def product(self, key: str) -> Product:
        """The product with this SKU or url key. Raises ProductNotFound."""

    async def categories(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The tree below `parent` (the root when None), `depth` levels of it. Raises CategoryNotFound."""

    async def category(self, key: str) -> Category:
        """The category with this id or url path, with its direct children. Raises CategoryNotFound."""

    async def facets(self, category: CategoryId) -> Sequence[Facet]:
        """What a category's products differ in; empty where the shop does not say."""

    async def page(self, identifier: str) -> Page:
        """One of the shop's own pages. Raises PageNotFound."""

    async def create_cart(self) -> Cart:
        """A new, empty cart."""

    async def cart(self, cart: CartId) -> Cart:
        """The cart as it stands. Raises CartGone."""

    async def add_line(self, cart: CartId, sku: Sku, quantity: int, options: Options) -> Cart:
        """Put pieces into a cart; the same product with the same options grows its line.

        The answer's `cart_id` differs from `cart` when the shop had lost that cart and made another.
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

    async def shipping_methods(self, cart: CartId, address: Address) -> Sequence[ShippingMethod]:
        """What sending this cart there costs. Raises CountryNotServed, AddressRefused, CartGone."""

    async def priced(self, cart: CartId, draft: OrderDraft) -> Cart:
        """The cart with the totals that an order of it would have, down to shipping and tax.

        Everything that the shop would refuse an order for is looked at here, since its own refusal may say nothing.
        Raises CartEmpty, CountryNotServed, AddressRefused, ShippingMethodRefused, OutOfStock, NotEnoughStock, CartGone.
        """

    async def payment_methods(self, cart: CartId) -> Sequence[PaymentMethod]:
        """How the shop lets this cart be paid. Raises CartGone."""

    def captures(self, method: str) -> bool:
        """Whether the shop itself takes the held money when an order with this way to pay is placed.

        It then demands that the payment's amount and currency equal the order's total. Otherwise the order comes first
        and whoever holds the money takes it afterwards.
        """

    async def place_order(self, cart: CartId, draft: OrderDraft, settlement: Settlement) -> Order:
        """Make an order of a cart: one call, never repeated from in here.

        Raises OrderRefused or CartGone when there is surely no order by this call, ShopUnclear when there may be one
        (`over` tells whether the call has surely ended), any other ShopDown when the call was surely not sent.
        """

    async def find_order(self, cart: CartId, reference: str) -> Order | None:
        """After an unclear `place_order`: the order made of this cart; None when the cart is still an open cart.

        Only a look, as often as you like. Raises CartGone when there is no order and the cart is gone all the same, and
        ShopDown when the shop cannot be asked now.
        """

    async def order_progress(self, order: Order) -> OrderProgress | None:
        """Where an order stands; None when this shop does not tell us."""
