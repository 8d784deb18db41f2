"""What a running demo shop remembers: stock, carts, orders, balances and how often somebody tried."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from storefront_mcp.demo.accounts import Accounts
from storefront_mcp.demo.carts import FREE, PAYMENT_METHODS, PREPAID, Cart, Order, PaymentMethod
from storefront_mcp.demo.catalogue.model import Catalogue, Product
from storefront_mcp.demo.delivery import Rate, quote
from storefront_mcp.demo.modules import PaymentModule
from storefront_mcp.demo.money import AUD, CURRENCIES
from storefront_mcp.demo.places import HOME, Address
from storefront_mcp.demo.rewards import GIFT_CARDS
from storefront_mcp.demo.search import Shelves
from storefront_mcp.demo.totals import Totals, add_up
from storefront_mcp.demo.traps import Traps
from storefront_mcp.demo.wire import Json, Refused, not_found

MOST_CARTS: Final = 20_000
"""The oldest cart is forgotten when there are more."""


class Limits:
    """How often each client did something lately."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with nothing counted; `clock` gives seconds."""
        self._clock = clock
        self._tries: dict[tuple[str, str], deque[float]] = {}

    def count(self, what: str, client: str, *, most: int, seconds: float) -> None:
        """Count one try; 429 when there were already `most` within the window, and that try is not counted."""
        now = self._clock()
        tries = self._tries.setdefault((what, client), deque())
        while tries and tries[0] <= now - seconds:
            tries.popleft()
        if len(tries) >= most:
            raise Refused(429, "too_many_requests", "Too many requests. Please try again later.")
        tries.append(now)


class ShopState:
    """The memory of one shop; everything in it is lost with it."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        traps: Traps,
        clock: Callable[[], float],
        token: Callable[[], str],
        base_url: str,
        modules: Mapping[str, PaymentModule],
        client_secret: str,
    ) -> None:
        """Fill the shelves and open with no carts."""
        self.catalogue = catalogue
        self.traps = traps
        self.clock = clock
        self.token = token
        self.base_url = base_url.rstrip("/")
        self.limits = Limits(clock)
        self.shelves = Shelves(catalogue)
        self.stock = {product.sku: product.stock for product in catalogue.products.values()}
        self.carts: dict[str, Cart] = {}
        self.closing: dict[str, asyncio.Lock] = {}
        """Carts that are becoming orders."""
        self.modules = dict(modules)
        self.accounts = Accounts(client_secret=client_secret, clock=clock, token=token)
        self.orders: dict[str, Order] = {}
        """By number, the newest last."""
        self.shipments: dict[str, list[Json]] = {}
        self.unread: dict[str, str] = {}
        """Order number to the access token that still opens it."""
        self.balances = dict(GIFT_CARDS)
        self._numbers: dict[str, int] = {}
        for product in catalogue.products.values():
            if product.parent is None:
                self.shelves.mark(product.id, in_stock=self.in_stock(product))

    def number(self, kind: str) -> int:
        """The next number of a kind (carts, lines, orders), from 1."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        return self._numbers[kind]

    # --- stock -----------------------------------------------------------------------------------------------------

    def in_stock(self, product: Product) -> bool:
        """Whether one can be had; a configurable product needs one variant that can."""
        if product.variants:
            return any(self.stock[self.catalogue.products[child].sku] > 0 for child in product.variants)
        return self.stock[product.sku] > 0

    def take_stock(self, sku: str, qty: int) -> None:
        """Take pieces off the shelf (or put them back, below 0); the product leaves the lists when none is left."""
        self.stock[sku] = max(0, self.stock[sku] - qty)
        product = self.catalogue.by_sku(sku)
        if product is not None:
            shown = self.catalogue.products[product.parent] if product.parent else product
            self.shelves.mark(shown.id, in_stock=self.in_stock(shown))

    # --- carts -----------------------------------------------------------------------------------------------------

    def new_cart(self) -> Cart:
        """An empty cart under a fresh masked id."""
        now = self.clock()
        cart = Cart(id=self.number("cart"), masked_id=self.token(), created=now, updated=now)
        self.carts[cart.masked_id] = cart
        while len(self.carts) > MOST_CARTS:
            del self.carts[next(iter(self.carts))]
        return cart

    def open_cart(self, masked_id: str) -> Cart:
        """The cart under a masked id; 404 when there is none, or when it became an order."""
        cart = self.carts.get(masked_id)
        if cart is None or not cart.active:
            raise not_found()
        return cart

    def rates(self, cart: Cart) -> list[Rate]:
        """How the cart can be sent to the address it knows; the older fork never learns one and takes it to be here."""
        address = Address(country=HOME) if self.traps.older_fork else cart.shipping_address
        if address is None or not cart.lines:
            return []
        totals = add_up(cart, AUD, None, {})
        return quote(address, grams=cart.grams, goods=totals.subtotal - totals.discount)

    def chosen_rate(self, cart: Cart) -> Rate | None:
        """The chosen way to send it, if it is still offered."""
        return next((rate for rate in self.rates(cart) if rate.code == cart.shipping_method), None)

    def payment_methods(self, grand_total: int) -> list[PaymentMethod]:
        """How a cart with this total may be paid: `free` when nothing is left to pay, and only then."""
        if grand_total <= 0:
            return [FREE]
        cards = [PaymentMethod(code=code, title="Credit or debit card") for code in self.modules]
        return [*cards, PREPAID, *PAYMENT_METHODS]

    def ship(self, number: str, *, carrier: str, tracking: str) -> None:
        """Send an order off: everything that is in it, in one parcel. Unknown numbers are a KeyError."""
        order = self.orders[number]
        for item in order.shown["items"]:
            item["qtyShipped"] = item["qtyOrdered"]
        order.shown["status"] = order.shown["state"] = "complete"
        track = {"carrierCode": "custom", "title": carrier, "trackNumber": tracking}
        parcel = {"id": self.number("shipment"), "orderId": order.id, "orderIncrementId": number, "tracks": [track]}
        self.shipments.setdefault(number, []).append(parcel)

    def totals(self, cart: Cart, currency: str) -> Totals:
        """The cart added up in a currency."""
        return add_up(cart, CURRENCIES[currency], self.chosen_rate(cart), self.balances)
