"""Maps Medusa's amounts to Money, and the totals of carts with tax inside or on top."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from storefront_mcp.backends.medusa.shapes import CartItemShape, PricedShape, VariantShape
from storefront_mcp.backends.sanitizing import shop_money
from storefront_mcp.commerce.cart import CartTotals, with_untaxed_country
from storefront_mcp.commerce.errors import ShopMisconfigured
from storefront_mcp.commerce.money import Money


class AmountMapper(Struct, frozen=True, kw_only=True):
    """Maps prices and totals of one store."""

    currency: str
    """ISO 4217."""

    def money(self, amount: Decimal | None) -> Money:
        """As `shop_money`, in the store's currency."""
        return shop_money(amount, self.currency)

    def check_currency(self, currency: str | None) -> None:
        """Raise ShopMisconfigured if the shop answers in another currency than the store's."""
        if currency is not None and currency.upper() != self.currency:
            raise ShopMisconfigured(f"the shop answers in {currency[:8]!r}, the store is set up for {self.currency}")

    def variant(self, variant: VariantShape) -> tuple[Money, Money | None] | None:
        """Current price of a variant, and list price if that is higher; None for one without a price here."""
        price = variant.calculated_price
        if price is None or price.calculated_amount is None:
            return None
        self.check_currency(price.currency_code)
        now, listed = self.money(price.calculated_amount), self.money(price.original_amount)
        return now, listed if listed.minor > now.minor else None

    def cheapest(self, variants: Sequence[VariantShape]) -> tuple[Money, Money | None] | None:
        """The prices of the variant that costs least; None where none has a price."""
        priced = [prices for variant in variants if (prices := self.variant(variant)) is not None]
        return min(priced, key=lambda prices: prices[0].minor, default=None)

    def line(self, item: CartItemShape) -> tuple[Money, Money]:
        """Unit price and total of a cart line, as the shop displays them."""
        unit = item.unit_price if item.unit_price is not None and item.unit_price.is_finite() else Decimal(0)
        return self.money(item.unit_price), self.money(unit * item.quantity)

    def totals(self, cart: PricedShape) -> CartTotals:
        """The totals of a cart or an order.

        `other` is the rest of the shop's total, so that they add up: credit, or rounding. Prices
        include tax where those of all lines do.
        """
        items = cart.items or ()
        included = bool(items) and all(item.is_tax_inclusive for item in items)
        goods = sum((self.line(item)[1] for item in items), Money(0, self.currency))
        shipping = self.money(cart.original_shipping_total if included else cart.shipping_subtotal)
        discount = self.money(cart.discount_total if included else cart.discount_subtotal)
        tax, total = self.money(cart.tax_total), self.money(cart.total)
        known = goods - discount + shipping if included else goods - discount + shipping + tax
        totals = CartTotals(
            subtotal=goods,
            discount=discount or None,
            shipping=shipping if cart.shipping_methods else None,
            tax=tax or None,
            tax_included=included and bool(tax),
            other=(total - known) or None,
            total=total,
        )
        place = cart.shipping_address
        is_known = place is not None and (place.address_1 or place.city or place.postal_code)
        is_sent = any(item.requires_shipping is not False for item in items)
        return with_untaxed_country(totals, place.country_code if place and is_known and is_sent else None)
