"""Totals of a cart in one currency, in minor units."""

import msgspec
from msgspec import Struct

from storefront_mcp.demo.countries import HOME_COUNTRY
from storefront_mcp.demo.coupons import find_coupon, line_discounts
from storefront_mcp.demo.currencies import DemoCurrency, added_gst, included_gst
from storefront_mcp.demo.models import DemoCart, DemoCartLine
from storefront_mcp.demo.shipping_rates import ShippingOffer


class LineTotals(Struct, frozen=True):
    """One line in minor units of the shown currency."""

    line: DemoCartLine
    unit: int
    row: int
    discount: int
    taxed: bool
    unit_without_tax: int
    row_without_tax: int
    """Before the discount."""
    tax: int
    """The GST of the row less its discount."""


class DemoTotals(Struct, frozen=True, kw_only=True):
    """A cart in minor units: amounts with GST, apart from the discount where prices are without it."""

    currency: DemoCurrency
    lines: tuple[LineTotals, ...]
    coupon: str | None
    gift_cards: dict[str, int]
    """Amount paid by each gift card."""
    taxed: bool
    subtotal: int
    subtotal_without_tax: int
    discount: int
    shipping: int | None
    """None until a method is chosen."""
    shipping_tax: int | None
    tax: int
    """The GST in the amount paid."""
    giftcard: int
    grand: int


def goods_cents(cart: DemoCart) -> int:
    """Sum of the rows in AUD cents before discounts; compared with a coupon's minimum."""
    return sum(line.cents * line.qty for line in cart.lines)


def calculate_totals(
    cart: DemoCart,
    currency: DemoCurrency,
    offer: ShippingOffer | None,
    balances: dict[str, int],
    *,
    tax_included: bool = True,
    computations: int = 1,
) -> DemoTotals:
    """The totals of a cart shown in a currency, sent by `offer` (None: not chosen), paid with gift cards' balances.

    GST is due unless the parcel leaves Australia. Where prices include it, it is assumed to be due without an address;
    where they do not, it is not added before there is one. `computations` as in `coupons.line_discounts`.
    """
    address = cart.billing_address if cart.virtual else cart.shipping_address
    country = "" if address is None else address.country
    taxed = country == HOME_COUNTRY or (tax_included and not country)

    def tax(amount: int) -> int:
        return (included_gst(amount) if tax_included else added_gst(amount)) if taxed else 0

    def with_tax(amount: int) -> int:
        return amount if tax_included else amount + tax(amount)

    def without_tax(amount: int) -> int:
        return amount - tax(amount) if tax_included else amount

    units = [currency.of(line.cents) for line in cart.lines]
    rows = [unit * line.qty for unit, line in zip(units, cart.lines, strict=True)]
    coupon = find_coupon(cart.coupon) if cart.coupon else None
    if coupon is not None and not coupon.applies(goods_cents(cart)):
        coupon = None
    discounts = [0] * len(rows)
    if coupon is not None:
        exchanged = msgspec.structs.replace(coupon, cents=currency.of(coupon.cents))
        discounts = line_discounts(exchanged, rows, computations=computations)
    lines = tuple(
        LineTotals(
            line,
            with_tax(unit),
            with_tax(row),
            discount,
            taxed,
            without_tax(unit),
            without_tax(row),
            tax(row - discount),
        )
        for line, unit, row, discount in zip(cart.lines, units, rows, discounts, strict=True)
    )
    shipping = None if offer is None else currency.of(offer.cents)
    shipping_tax = None if shipping is None else tax(shipping)
    all_tax = sum(line.tax for line in lines) + (shipping_tax or 0)
    left = sum(rows) - sum(discounts) + (shipping or 0) + (0 if tax_included else all_tax)
    paid: dict[str, int] = {}
    for code in cart.gift_cards:
        paid[code] = min(left, currency.of(balances.get(code, 0)))
        left -= paid[code]
    return DemoTotals(
        currency=currency,
        lines=lines,
        coupon=cart.coupon if coupon else None,
        gift_cards=paid,
        taxed=taxed,
        subtotal=sum(line.row for line in lines),
        subtotal_without_tax=sum(line.row_without_tax for line in lines),
        discount=sum(discounts),
        shipping=None if shipping is None else with_tax(shipping),
        shipping_tax=shipping_tax,
        tax=all_tax,
        giftcard=sum(paid.values()),
        grand=left,
    )
