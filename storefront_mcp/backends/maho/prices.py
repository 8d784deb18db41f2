"""Maps Maho's decimal amounts to Money, and learns from carts whether a store view's prices include tax."""

import re
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, TypeGuard

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho.shapes import (
    BundleOptionShape,
    BundleSelectionShape,
    CartItem,
    CartPlaceShape,
    CartPrices,
    ListedProduct,
    Nothing,
    ProductDetail,
)
from storefront_mcp.backends.sanitizing import MAX_PRICE, shop_money
from storefront_mcp.commerce.cart import CartTotals, with_untaxed_country
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured
from storefront_mcp.commerce.money import Money

CENT: Final = Decimal("0.01")
HALF_CENT: Final = Decimal("0.0051")
"""Amounts that differ by less are the same: Maho rounds some prices and not others."""
TAX_DISPLAY_TTL_SECONDS: Final = 3600.0
DYNAMIC_PRICE: Final = 0
"""Maho's `priceType` of a bundle that costs what its parts cost."""
CURRENCY_PATTERN: Final = re.compile("[A-Z]{3}")


class TaxDisplay:
    """Whether the prices of a store view include tax, which no field says.

    Learned from the lines of carts: with tax or without, one of a taxed line's two prices is the catalogue's.
    """

    def __init__(self, *, configured: bool | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`configured`: what the operator says; None to learn it."""
        self._configured = configured
        self.cache: Final[TtlCache[None, bool]] = TtlCache(size=1, seconds=TAX_DISPLAY_TTL_SECONDS, clock=clock)

    @property
    def included(self) -> bool:
        """Whether they do; False while that is not known. Raises ShopMisconfigured when the operator says otherwise."""
        learned = self.cache.find(None)
        if learned is None:
            return bool(self._configured)
        if self._configured not in {None, learned}:
            told = f"prices_include_tax is {str(self._configured).lower()}, and the shop's prices say the opposite"
            raise ShopMisconfigured(f"{told}: take that setting out")
        return learned

    @property
    def is_known(self) -> bool:
        """Whether it has been learned."""
        return self.cache.find(None) is not None

    def is_unknown(self, items: Sequence[CartItem]) -> bool:
        """Whether there is something to learn from these lines."""
        return self.cache.find(None) is None and any(map(_is_taxed, items))

    def learn(self, item: CartItem, catalogue_price: Decimal | None) -> None:
        """Compare a line with its product; to the cent, and nothing is learned if neither price fits."""
        if not _is_taxed(item) or not is_amount(catalogue_price):
            return
        fits = [
            is_amount(price) and abs(price - catalogue_price) < HALF_CENT for price in (item.price, item.price_incl_tax)
        ]
        if fits[0] != fits[1]:
            self.cache[None] = fits[1]


def _is_taxed(item: CartItem) -> bool:
    return is_amount(item.price) and is_amount(item.price_incl_tax) and item.price_incl_tax - item.price >= CENT


def is_amount(price: Decimal | None) -> TypeGuard[Decimal]:
    """Whether it is a number."""
    return price is not None and price.is_finite()


class PriceMapper:
    """Maps prices and totals of one store."""

    def __init__(self, *, currency: str, tax: TaxDisplay) -> None:
        """`currency` is ISO 4217. `tax` tells whether carts show prices including tax."""
        self.currency: Final = currency
        self.tax: Final = tax
        self.money: Final = partial(shop_money, currency=currency)
        """An amount in major units as Money; None is zero. Raises ShopDown above `MAX_PRICE` or if not finite."""

    def check_currency(self, currency: str | None) -> None:
        """Raise ShopMisconfigured if the shop answers in another currency than the store's."""
        if currency is not None and currency != self.currency:
            raise ShopMisconfigured(f"the shop answers in {currency[:8]!r}, the store is set up for {self.currency}")

    def product_prices(self, product: ListedProduct) -> tuple[Money, Money | None]:
        """Current price, and list price if that is higher. Raises ShopMisconfigured.

        A product without a price of its own has that of its cheapest member or combination.
        """
        self.check_currency(product.currency)
        now = product.final_price or product.minimal_price or product.price
        if not now and isinstance(product, ProductDetail) and product.price_type == DYNAMIC_PRICE:
            now = _cheapest_combination(product.bundle_options)
        price, listed = self.money(now), self.money(product.price)
        return price, listed if listed.minor > price.minor else None

    def line(self, item: CartItem) -> tuple[Money, Money]:
        """Unit price and total of a cart line."""
        if not self.tax.included:
            return self.money(item.price), self.money(item.row_total)
        one = item.price if item.price_incl_tax is None else item.price_incl_tax
        every = item.row_total if item.row_total_incl_tax is None else item.row_total_incl_tax
        return self.money(one), self.money(every)

    def totals(self, told: CartPrices | Nothing | None, *, sent_to: CartPlaceShape | None = None) -> CartTotals:
        """A cart's totals, also that there is no tax where it is sent. `other` is what they lack of the grand total."""
        prices = told if isinstance(told, CartPrices) else CartPrices()
        subtotal, shipping, included = prices.subtotal, prices.shipping_amount, self.tax.included
        if included:
            subtotal = subtotal if prices.subtotal_incl_tax is None else prices.subtotal_incl_tax
            shipping = shipping if prices.shipping_amount_incl_tax is None else prices.shipping_amount_incl_tax
        goods, delivery, tax = self.money(subtotal), self.money(shipping), self.money(prices.tax_amount)
        discount = Money(abs(self.money(prices.discount_amount).minor), self.currency)
        gift_cards = Money(abs(self.money(prices.giftcard_amount).minor), self.currency)
        total = self.money(prices.grand_total)
        known = goods.minor - discount.minor + delivery.minor - gift_cards.minor
        if not included:
            known += tax.minor
        totals = CartTotals(
            subtotal=goods,
            discount=discount or None,
            shipping=None if shipping is None else delivery,
            tax=tax or None,
            tax_included=included and bool(tax),
            gift_cards=gift_cards or None,
            other=Money(total.minor - known, self.currency) or None,
            total=total,
        )
        if sent_to is None or sent_to.country_id is None or prices.tax_amount is None or tax.minor:
            return totals
        return with_untaxed_country(totals, sent_to.country_id)


def order_amount(amount: Decimal | None, currency: str | None) -> Money | None:
    """An amount of an order in the order's currency; None when the shop did not tell a usable one."""
    if amount is None or currency is None or CURRENCY_PATTERN.fullmatch(currency) is None:
        return None
    try:
        return Money.of(amount, currency)
    except ValueError:
        return None


def _checked_amount(amount: Decimal | None) -> Decimal:
    """An amount that can be computed with; None is zero. Raises ShopDown above `MAX_PRICE` or if not finite."""
    if amount is not None and not (amount.is_finite() and abs(amount) <= MAX_PRICE):
        raise ShopDown(internal=f"not an amount: {amount:.20}")
    return amount or Decimal(0)


def _cheapest_combination(options: Sequence[BundleOptionShape]) -> Decimal | None:
    """The least that a bundle costs, as Maho's lists show it: what is required, else its cheapest part."""
    cheapest = [
        (bool(option.required), min(prices))
        for option in options
        if (
            prices := [
                _checked_amount(one.price) * _checked_amount(one.default_qty or Decimal(1))
                for one in option.selections
                if _is_offered(one)
            ]
        )
    ]
    required = [price for needed, price in cheapest if needed]
    return sum(required, Decimal(0)) or min((price for _, price in cheapest), default=None)


def _is_offered(selection: BundleSelectionShape) -> bool:
    quantity = selection.default_qty
    return bool(
        selection.in_stock
        and selection.price
        and is_amount(selection.price)
        and (quantity is None or is_amount(quantity))
    )
