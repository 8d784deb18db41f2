"""A customer's orders and addresses in the words of the port, from `wc/v3`."""

import re
from decimal import Decimal
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.timestamps import normalise_timestamp
from storefront_mcp.backends.woocommerce.customer_shapes import WooCustomerOrderShape, WooOrderLineShape, WooPostalShape
from storefront_mcp.backends.woocommerce.merchant_api import is_unpaid, order_number, refunded_amount, usable_amount
from storefront_mcp.backends.woocommerce.translation import ID_PREFIX
from storefront_mcp.commerce.accounts import CustomerOrder, OrderedLine
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money

MAX_LINES: Final = 200
MAX_OPTIONS: Final = 20
CURRENCY: Final = re.compile("[A-Z]{3}")
"""UTC, as WordPress writes it: without a zone."""
HIDDEN: Final = "_"
"""How the keys begin of what is not for the buyer."""


def customer_order(
    found: WooCustomerOrderShape, *, comments: tuple[str, ...] = (), whole: bool = False
) -> CustomerOrder:
    """An order, in its own currency; `whole` where it was read alone. None can be cancelled."""
    total = _money(found.total, found.currency)
    return CustomerOrder(
        number=order_number(found),
        placed_at=normalise_timestamp(found.date_created_gmt),
        status=sanitizing.line(found.status, 60) or "unknown",
        total=total,
        lines=tuple(_line(one, found) for one in found.line_items[:MAX_LINES]),
        totals=_totals(found) if whole else None,
        due=total if is_unpaid(found) else None,
        refunded=_money(refunded_amount(found) or None, found.currency),
        comments=comments,
        paid_by=sanitizing.line(found.payment_method_title, 100),
        shipped_by=" + ".join(
            title for one in found.shipping_lines if (title := sanitizing.line(one.method_title, 100))
        ),
        shipping_address=postal_address(found.shipping),
        billing_address=postal_address(found.billing),
    )


def postal_address(found: WooPostalShape | None) -> PostalAddress | None:
    """An address; None for one without a place, as the shop keeps an empty one where there is none.

    >>> postal_address(WooPostalShape(first_name="Ada", country="AU", state="VIC"))
    """
    if found is None or not (found.address_1 or found.city or found.postcode):
        return None
    lines = (sanitizing.line(one, 255) for one in (found.address_1, found.address_2))
    return PostalAddress(
        first_name=sanitizing.line(found.first_name, 255),
        last_name=sanitizing.line(found.last_name, 255),
        company=sanitizing.line(found.company, 255),
        street="\n".join(line for line in lines if line),
        city=sanitizing.line(found.city, 255),
        region=sanitizing.line(found.state, 255),
        postcode=sanitizing.line(found.postcode, 20),
        country=sanitizing.line(found.country, 60),
        phone=sanitizing.line(found.phone, 50),
    )


def _line(item: WooOrderLineShape, order: WooCustomerOrderShape) -> OrderedLine:
    named = [one for one in item.meta_data if not one.key.startswith(HIDDEN)][:MAX_OPTIONS]
    return OrderedLine(
        sku=Sku(sanitizing.code(item.sku) or f"{ID_PREFIX}{item.variation_id or item.product_id}"),
        name=sanitizing.line(item.name),
        quantity=item.quantity,
        total=_money(_display_amount(item.subtotal, item.subtotal_tax, order), order.currency),
        options={sanitizing.line(one.display_key, 100): sanitizing.line(one.display_value) for one in named},
    )


def _totals(order: WooCustomerOrderShape) -> CartTotals | None:
    """Totals that add up, `other` being fees and rounding; None where the shop did not tell a usable amount."""
    goods = sum(
        (_display_amount(one.subtotal, one.subtotal_tax, order) or Decimal(0) for one in order.line_items), Decimal(0)
    )
    nothing = Decimal(0)
    subtotal, discount, shipping, tax, total = (
        _money(amount, order.currency)
        for amount in (
            goods,
            _display_amount(order.discount_total or nothing, order.discount_tax, order),
            _display_amount(order.shipping_total or nothing, order.shipping_tax, order),
            order.total_tax or nothing,
            order.total,
        )
    )
    if subtotal is None or discount is None or shipping is None or tax is None or total is None:
        return None
    known = subtotal - discount + shipping + (Money(0, total.currency) if order.prices_include_tax else tax)
    return CartTotals(
        subtotal=subtotal,
        discount=discount or None,
        shipping=shipping if order.shipping_lines else None,
        tax=tax or None,
        tax_included=order.prices_include_tax,
        other=(total - known) or None,
        total=total,
    )


def _display_amount(net: Decimal | None, tax: Decimal | None, order: WooCustomerOrderShape) -> Decimal | None:
    """An amount as the shop displays prices: with its tax where they were entered with it; None for no usable one."""
    net, tax = usable_amount(net), usable_amount(tax)
    return net if net is None or tax is None or not order.prices_include_tax else net + tax


def _money(amount: Decimal | None, currency: str) -> Money | None:
    """An amount in the order's currency; None where the shop did not tell a usable one."""
    if amount is None or CURRENCY.fullmatch(currency) is None:
        return None
    try:
        return Money.of(amount, currency)
    except ValueError:
        return None
