"""Maho's decimals as money, in the one currency that this store was set up for."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from storefront_mcp.backends.maho.shapes import CartItem, ListedProduct, Prices
from storefront_mcp.commerce.cart import Totals
from storefront_mcp.commerce.errors import ShopDown, ShopMisconfigured
from storefront_mcp.commerce.money import Money

MOST: Final = Decimal(10) ** 12
"""No shop charges more; a larger number is nonsense and would be a very long one."""


class Till(Struct, frozen=True, kw_only=True):
    """How this store's prices are read and shown."""

    currency: str
    """ISO 4217."""
    includes_tax: bool = False
    """Whether carts show prices with tax in them. What a catalogue shows is the shop's own setting."""

    def money(self, amount: Decimal | None) -> Money:
        """An amount; nothing is zero. Raises ShopDown for what is no amount."""
        if amount is None:
            return Money.zero(self.currency)
        if not amount.is_finite() or abs(amount) > MOST:
            raise ShopDown(internal=f"not an amount of money: {amount:.20}")
        return Money.of(amount, self.currency)

    def checked(self, currency: str | None) -> None:
        """Raises ShopMisconfigured when the shop answers in another currency than the one we show."""
        if currency is not None and currency != self.currency:
            raise ShopMisconfigured(f"the shop answers in {currency[:8]!r}, the store is set up for {self.currency}")

    def shown(self, product: ListedProduct) -> tuple[Money, Money | None]:
        """What a product costs now, and before a reduction when there is one.

        A family of products has no price of its own: its cheapest member's counts.
        """
        self.checked(product.currency)
        now = product.final_price or product.minimal_price or product.price
        price, listed = self.money(now), self.money(product.price)
        return price, listed if listed.minor > price.minor else None

    def line(self, item: CartItem) -> tuple[Money, Money]:
        """A line's price for one piece and for all."""
        if not self.includes_tax:
            return self.money(item.price), self.money(item.row_total)
        one = item.price if item.price_incl_tax is None else item.price_incl_tax
        every = item.row_total if item.row_total_incl_tax is None else item.row_total_incl_tax
        return self.money(one), self.money(every)

    def totals(self, prices: Prices) -> Totals:
        """A cart's totals. They add up: what the shop's own total has besides is `other`."""
        subtotal, shipping = prices.subtotal, prices.shipping_amount
        if self.includes_tax:
            subtotal = subtotal if prices.subtotal_incl_tax is None else prices.subtotal_incl_tax
            shipping = shipping if prices.shipping_amount_incl_tax is None else prices.shipping_amount_incl_tax
        tax = self.money(prices.tax_amount)
        discount = Money(abs(self.money(prices.discount_amount).minor), self.currency)
        gift_cards = Money(abs(self.money(prices.giftcard_amount).minor), self.currency)
        total = self.money(prices.grand_total)
        known = self.money(subtotal) - discount + self.money(shipping) - gift_cards
        if not self.includes_tax:
            known += tax
        return Totals(
            subtotal=self.money(subtotal),
            discount=discount or None,
            shipping=None if shipping is None else self.money(shipping),
            tax=tax or None,
            tax_included=self.includes_tax and bool(tax),
            gift_cards=gift_cards or None,
            other=(total - known) or None,
            total=total,
        )
