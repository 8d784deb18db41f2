"""Maps the Store API's amounts, whole minor units of the shop's own decimals, to Money."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from storefront_mcp.backends.woocommerce.shapes import (
    Units,
    WooCartItemShape,
    WooCartShape,
    WooPlaceShape,
    WooPricesShape,
)
from storefront_mcp.commerce.cart import CartTotals, with_untaxed_country
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured
from storefront_mcp.commerce.money import Money, currency_exponent

MAX_UNITS: Final = 10**15
"""Bound of an amount in minor units."""


class WooPrices(Struct, frozen=True):
    """Maps prices and totals of one store."""

    currency: str
    """ISO 4217."""

    def money(self, units: Units, decimals: int) -> Money:
        """Units of so many decimals as Money; None is zero. Raises ShopDown above `MAX_UNITS`.

        A shop may show fewer decimals than the currency has, or more; those are rounded half up.
        """
        amount = int(units or 0)
        if abs(amount) > MAX_UNITS:
            raise ShopDown(internal="an amount of money that is too large")
        if decimals == currency_exponent(self.currency):
            return Money(amount, self.currency)
        return Money.of(Decimal(amount).scaleb(-decimals), self.currency)

    def units(self, amount: Money, decimals: int) -> int:
        """An amount in units of so many decimals, as a price filter wants it."""
        return int(amount.major().scaleb(decimals).to_integral_value())

    def check_currency(self, currency: str) -> None:
        """Raise ShopMisconfigured if the shop answers in another currency than the store's."""
        if currency != self.currency:
            raise ShopMisconfigured(f"the shop answers in {currency[:8]!r}, the store is set up for {self.currency}")

    def product_prices(self, prices: WooPricesShape) -> tuple[Money, Money | None]:
        """Current price, and the regular one if that is higher; of variations the least. Raises ShopMisconfigured."""
        self.check_currency(prices.currency_code)
        decimals = prices.currency_minor_unit
        least = prices.price_range.min_amount if prices.price_range is not None else None
        price = self.money(prices.price if least is None else least, decimals)
        regular = self.money(prices.regular_price, decimals)
        return price, regular if regular.minor > price.minor and least is None else None

    def includes_tax(self, cart: WooCartShape) -> bool:
        """Whether a cart's prices are shown with tax: a taxed line's total with tax is its price times its pieces."""
        for item in cart.items:
            net, tax = int(item.totals.line_subtotal or 0), int(item.totals.line_subtotal_tax or 0)
            if tax:
                shown = int(item.prices.price or 0) * item.quantity
                return abs(net + tax - shown) < abs(net - shown)
        return False

    def line(self, item: WooCartItemShape, *, with_tax: bool) -> tuple[Money, Money]:
        """Unit price and total of a line, before discounts, as the shop displays them."""
        decimals = item.prices.currency_minor_unit
        tax = int(item.totals.line_subtotal_tax or 0) if with_tax else 0
        return self.money(item.prices.price, decimals), self.money(int(item.totals.line_subtotal or 0) + tax, decimals)

    def totals(self, cart: WooCartShape) -> CartTotals:
        """A cart's totals. `other` is the rest of the shop's total, fees above all, so that they add up.

        The shop may count shipping to its own country before anybody said where to: that is left out.
        """
        told, with_tax = cart.totals, self.includes_tax(cart)
        self.check_currency(told.currency_code)

        def amount(units: Units, tax: Units) -> Money:
            taxed = int(units or 0) + (int(tax or 0) if with_tax else 0)
            return self.money(taxed, told.currency_minor_unit)

        if cart.needs_shipping and is_addressed(cart):
            shipping = None if told.total_shipping is None else amount(told.total_shipping, told.total_shipping_tax)
            unsaid, unsaid_tax = 0, 0
        else:
            shipping, unsaid, unsaid_tax = None, int(told.total_shipping or 0), int(told.total_shipping_tax or 0)
        nothing = Money(0, self.currency)
        goods = sum((self.line(item, with_tax=with_tax)[1] for item in cart.items), nothing)
        discount = amount(told.total_discount, told.total_discount_tax)
        tax = self.money(int(told.total_tax or 0) - unsaid_tax, told.currency_minor_unit)
        total = self.money(int(told.total_price or 0) - unsaid - unsaid_tax, told.currency_minor_unit)
        known = goods - discount + (shipping or nothing) + (nothing if with_tax else tax)
        place = cart.shipping_address if cart.needs_shipping and is_addressed(cart) else None
        totals = CartTotals(
            subtotal=goods,
            discount=discount or None,
            shipping=shipping,
            tax=tax or None,
            tax_included=with_tax,
            other=(total - known) or None,
            total=total,
        )
        return with_untaxed_country(totals, place.country if isinstance(place, WooPlaceShape) else None)


def is_addressed(cart: WooCartShape) -> bool:
    """Whether it was said where a cart is sent."""
    place = cart.shipping_address
    return isinstance(place, WooPlaceShape) and bool(place.postcode or place.city or place.address_1)
