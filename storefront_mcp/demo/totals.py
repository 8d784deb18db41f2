"""Add a cart up in one currency, to the cent."""

import msgspec
from msgspec import Struct

from storefront_mcp.demo.carts import Cart, Line
from storefront_mcp.demo.delivery import Rate
from storefront_mcp.demo.money import Currency, gst_inside
from storefront_mcp.demo.places import HOME
from storefront_mcp.demo.rewards import find_coupon, line_discounts


class LineTotals(Struct, frozen=True, kw_only=True):
    """One line in minor units of the shown currency; everything but `tax` includes GST."""

    line: Line
    unit: int
    row: int
    discount: int
    taxed: bool

    @property
    def tax(self) -> int:
        """The GST inside what is paid for the line."""
        return gst_inside(self.row - self.discount) if self.taxed else 0

    @property
    def unit_without_tax(self) -> int:
        """One piece without GST."""
        return self.unit - gst_inside(self.unit) if self.taxed else self.unit

    @property
    def row_without_tax(self) -> int:
        """The row without GST, before the discount."""
        return self.row - gst_inside(self.row) if self.taxed else self.row


class Totals(Struct, frozen=True, kw_only=True):
    """A cart in minor units; `grand = subtotal - discount + shipping - giftcard`, all of them including GST."""

    currency: Currency
    lines: tuple[LineTotals, ...]
    coupon: str | None
    shipping: int | None
    gift_cards: dict[str, int]
    """What each gift card pays."""
    taxed: bool

    @property
    def subtotal(self) -> int:
        """The rows with GST."""
        return sum(line.row for line in self.lines)

    @property
    def subtotal_without_tax(self) -> int:
        """The rows without GST."""
        return sum(line.row_without_tax for line in self.lines)

    @property
    def discount(self) -> int:
        """What the coupon takes off, from prices with GST."""
        return sum(line.discount for line in self.lines)

    @property
    def shipping_tax(self) -> int | None:
        """The GST inside the shipping; None until a method is chosen."""
        return None if self.shipping is None else gst_inside(self.shipping) if self.taxed else 0

    @property
    def tax(self) -> int:
        """The GST inside what is really paid."""
        return sum(line.tax for line in self.lines) + (self.shipping_tax or 0)

    @property
    def giftcard(self) -> int:
        """What gift cards pay."""
        return sum(self.gift_cards.values())

    @property
    def grand(self) -> int:
        """What is left to pay."""
        return self.subtotal - self.discount + (self.shipping or 0) - self.giftcard


def goods_value(cart: Cart) -> int:
    """The rows in AUD cents, before any discount: what a coupon's minimum looks at."""
    return sum(line.cents * line.qty for line in cart.lines)


def add_up(cart: Cart, currency: Currency, rate: Rate | None, balances: dict[str, int]) -> Totals:
    """The totals of a cart shown in a currency, sent by `rate` (None: not chosen), paid with gift cards' balances.

    GST is in the prices unless the parcel leaves Australia; until an address is known it is taken to stay.
    """
    country = cart.shipping_address.country if cart.shipping_address else ""
    taxed = country in {"", HOME}
    units = [currency.of(line.cents) for line in cart.lines]
    rows = [unit * line.qty for unit, line in zip(units, cart.lines, strict=True)]
    coupon = find_coupon(cart.coupon) if cart.coupon else None
    if coupon is not None and not coupon.applies(goods_value(cart)):
        coupon = None
    discounts = [0] * len(rows)
    if coupon is not None:
        discounts = line_discounts(msgspec.structs.replace(coupon, cents=currency.of(coupon.cents)), rows)
    lines = tuple(
        LineTotals(line=line, unit=unit, row=row, discount=discount, taxed=taxed)
        for line, unit, row, discount in zip(cart.lines, units, rows, discounts, strict=True)
    )
    shipping = None if rate is None else currency.of(rate.cents)
    left = sum(rows) - sum(discounts) + (shipping or 0)
    paid: dict[str, int] = {}
    for code in cart.gift_cards:
        paid[code] = min(left, currency.of(balances.get(code, 0)))
        left -= paid[code]
    return Totals(
        currency=currency,
        lines=lines,
        coupon=cart.coupon if coupon else None,
        shipping=shipping,
        gift_cards=paid,
        taxed=taxed,
    )
