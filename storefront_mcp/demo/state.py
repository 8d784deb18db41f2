"""The shop's data, in memory: stock, carts, orders, shipments, balances."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from storefront_mcp.demo.access import ApiAccount, AttemptCounter
from storefront_mcp.demo.api_errors import Json, bad_request, not_found
from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse
from storefront_mcp.demo.coupons import GIFT_CARDS
from storefront_mcp.demo.currencies import AUD, CURRENCIES
from storefront_mcp.demo.customers import DemoCustomers
from storefront_mcp.demo.models import (
    FREE,
    OFFLINE_METHODS,
    PREPAID,
    DemoCart,
    DemoOrder,
    DemoPaymentMethod,
    PaymentModule,
    ShopRules,
)
from storefront_mcp.demo.search import ProductIndex
from storefront_mcp.demo.shipping_rates import ShippingOffer, shipping_offers
from storefront_mcp.demo.totals import DemoTotals, calculate_totals

MAX_CARTS: Final = 20_000
"""Carts kept; the oldest is evicted beyond that."""


def _hex32() -> str:
    return secrets.token_hex(16)


class DemoState:
    """In-memory storage of one shop."""

    def __init__(
        self,
        *,
        catalogue: DemoCatalogue | None = None,
        clock: Callable[[], float] = time.time,
        token: Callable[[], str] = _hex32,
        base_url: str = "http://127.0.0.1:8000",
        payment_modules: Mapping[str, PaymentModule] | None = None,
        client_secret: str | None = None,
        rules: ShopRules = ShopRules(),  # noqa: B008 -- frozen
    ) -> None:
        """Create the stock, without carts and orders.

        `catalogue` defaults to Pickle Warehouse. `clock` gives Unix seconds; `token` gives 32 lower-case hex digits,
        different every time. `base_url` is the prefix of image URLs. `payment_modules` are keyed by payment method
        code. `client_secret` is the service account's; None generates one.
        """
        self.catalogue = catalogue or pickle_warehouse()
        self.clock = clock
        self.rules = rules
        self.token = token
        self.base_url = base_url.rstrip("/")
        self.attempts = AttemptCounter(clock)
        self.account = ApiAccount(client_secret=client_secret or _hex32(), clock=clock, token=token)
        self.customers = DemoCustomers(rules=rules, clock=clock, token=token, attempts=self.attempts)
        self.payment_modules = dict(payment_modules or {})
        self.stock = {product.sku: product.stock for product in self.catalogue.products.values()}
        self.backorders: set[str] = set()
        """SKUs that are sold beyond their stock, or whose stock is not managed; no response tells."""
        self.carts: dict[str, DemoCart] = {}
        """By masked id, the oldest first."""
        self.orders: dict[str, DemoOrder] = {}
        """By number, the oldest first."""
        self.order_tokens: dict[str, str] = {}
        """Unused access token by order number."""
        self.shipments: dict[str, list[Json]] = {}
        self.address_books: dict[int, list[Json]] = {}
        """By customer."""
        self.placed_keys: dict[tuple[int, str], str] = {}
        """Order number by customer and idempotency key."""
        self.balances = dict(GIFT_CARDS)
        self._numbers: dict[str, int] = {}
        self.index = ProductIndex(self.catalogue, in_stock=self.in_stock)

    def next_number(self, kind: str) -> int:
        """The next id of a kind (cart, line, order), from 1."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    # --- stock -------------------------------------------------------------------------------------------------------

    def in_stock(self, product: DemoProduct) -> bool:
        """Whether a product can be bought; a configurable one needs one variant in stock."""
        if product.disabled:
            return False
        if product.variants:
            return any(self.covers(self.catalogue.products[child].sku, 1) for child in product.variants)
        return self.covers(product.sku, 1)

    def covers(self, sku: str, qty: int) -> bool:
        """Whether so many pieces can be bought."""
        return sku in self.backorders or qty <= self.stock[sku]

    def take_stock(self, sku: str, qty: int) -> None:
        """Reduce the stock (below 0: raise it); a product without stock leaves the lists."""
        self.stock[sku] = self.stock[sku] - qty if sku in self.backorders else max(0, self.stock[sku] - qty)
        product = self.catalogue.by_sku(sku)
        if product is not None:
            listed = self.catalogue.products[product.parent] if product.parent else product
            self.index.mark(listed.id, in_stock=self.in_stock(listed))

    # --- carts -------------------------------------------------------------------------------------------------------

    def new_cart(self) -> DemoCart:
        """An empty cart under a new masked id."""
        now = self.clock()
        cart = DemoCart(id=self.next_number("cart"), masked_id=self.token(), created=now, updated=now)
        self.carts[cart.masked_id] = cart
        while len(self.carts) > MAX_CARTS:
            del self.carts[next(iter(self.carts))]
        return cart

    def open_cart(self, masked_id: str, *, missing: str = "Not Found") -> DemoCart:
        """The cart under a masked id; 404 with a message when there is none, or when it became an order."""
        cart = self.carts.get(masked_id)
        if cart is None or not cart.active:
            raise not_found(missing)
        return cart

    def update_cart(self, cart: DemoCart, **changes: Any) -> DemoCart:  # noqa: ANN401 -- any field of a cart
        """Store the cart with these changes."""
        cart = msgspec.structs.replace(cart, updated=self.clock(), **changes)
        self.carts[cart.masked_id] = cart
        return cart

    def shipping_offers(self, cart: DemoCart) -> list[ShippingOffer]:
        """Shipping offers for the cart's address; empty without one."""
        if cart.shipping_address is None or not cart.lines:
            return []
        totals = calculate_totals(cart, AUD, None, {}, tax_included=self.rules.tax_included)
        goods = totals.subtotal - totals.discount
        offers = shipping_offers(cart.shipping_address, grams=cart.grams, goods=goods)
        return [msgspec.structs.replace(offer, cents=0) for offer in offers] if cart.virtual else offers

    def chosen_offer(self, cart: DemoCart) -> ShippingOffer | None:
        """The chosen shipping offer, if it is still available."""
        return next((offer for offer in self.shipping_offers(cart) if offer.code == cart.shipping_method), None)

    def payment_methods(self, grand_total: int) -> list[DemoPaymentMethod]:
        """Payment methods for a total: `free` for 0, beside those that are paid later, and never above."""
        if grand_total <= 0:
            return [*OFFLINE_METHODS, FREE]
        cards = [DemoPaymentMethod(code=code, title="Credit or debit card") for code in self.payment_modules]
        return [*cards, PREPAID, *OFFLINE_METHODS]

    def check_shipping(self, cart: DemoCart, code: str) -> None:
        """400 unless this shipping method is offered for the cart's address."""
        if all(offer.code != code for offer in self.shipping_offers(cart)):
            raise bad_request("Shipping method is not available for this address")

    def check_payment(self, cart: DemoCart, code: str, currency: str) -> None:
        """400 unless this payment method is offered for the cart."""
        if all(method.code != code for method in self.payment_methods(self.totals(cart, currency).grand)):
            raise bad_request("Payment method is not available for this cart")

    def totals(self, cart: DemoCart, currency: str, *, computations: int = 1) -> DemoTotals:
        """The totals of a cart in a currency; `computations` as in `coupons.line_discounts`."""
        return calculate_totals(
            cart,
            CURRENCIES[currency],
            self.chosen_offer(cart),
            self.balances,
            tax_included=self.rules.tax_included,
            computations=computations,
        )
