"""The port: what we ask of a shop, whatever software it runs on."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.category import Category, Facet
from storefront_mcp.commerce.names import CartId, CategoryId, LineId, Sku
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
