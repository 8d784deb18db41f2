"""Lines and totals: the shop's arithmetic in the order and with the signs of UCP."""

from collections.abc import Iterator
from typing import Final

from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.ucp.purchase_shapes import AppliedDiscount, UcpDiscounts, UcpItem, UcpLine, UcpTotal

GIFT_CARD_TEXT: Final = "Gift card"
OTHER_TEXT: Final = "Fees and rounding"


def line_items(cart: Cart) -> tuple[UcpLine, ...]:
    """The lines of a cart."""
    return tuple(_line(line) for line in cart.lines)


def cart_totals(totals: CartTotals, coupon: str | None) -> tuple[UcpTotal, ...]:
    """Subtotal, discount, fulfillment, tax, others and total; those before the total add up to it.

    Tax that prices include is no entry of its own: the total's text tells it.
    """
    return tuple(_entries(totals, coupon))


def discounts_of(cart: Cart, codes: tuple[str, ...]) -> UcpDiscounts | None:
    """The codes, and the discount that the cart has, of the coupon or by itself."""
    discount = cart.totals.discount
    if not codes and not discount:
        return None
    applied: tuple[AppliedDiscount, ...] = ()
    if discount:
        automatic = None if cart.coupon else True
        title = cart.coupon or "Discount"
        applied = (AppliedDiscount(code=cart.coupon, title=title, amount=discount.minor, automatic=automatic),)
    return UcpDiscounts(codes=codes, applied=applied)


def _line(line: CartLine) -> UcpLine:
    chosen = ", ".join(line.options.values())
    title = f"{line.name} ({chosen})" if chosen else line.name
    amount = line.total.minor
    return UcpLine(
        id=line.line_id,
        item=UcpItem(id=line.sku, title=title, price=line.price.minor),
        quantity=line.quantity,
        totals=(UcpTotal(type="subtotal", amount=amount), UcpTotal(type="total", amount=amount)),
    )


def _entries(totals: CartTotals, coupon: str | None) -> Iterator[UcpTotal]:
    yield UcpTotal(type="subtotal", amount=totals.subtotal.minor)
    if totals.discount:
        yield UcpTotal(type="discount", display_text=coupon, amount=-totals.discount.minor)
    if totals.shipping is not None:
        yield UcpTotal(type="fulfillment", display_text="Shipping", amount=totals.shipping.minor)
    included = totals.tax if totals.tax_included and totals.tax else None
    if totals.tax is not None and not totals.tax_included:
        yield UcpTotal(type="tax", amount=totals.tax.minor)
    if totals.gift_cards:
        yield UcpTotal(type="gift_card", display_text=GIFT_CARD_TEXT, amount=-totals.gift_cards.minor)
    if totals.other:
        yield UcpTotal(type="adjustment", display_text=OTHER_TEXT, amount=totals.other.minor)
    text = None if included is None else f"Total, with {included} of tax included"
    yield UcpTotal(type="total", display_text=text, amount=totals.total.minor)
