"""A customer's orders and addresses in the words of the port, from Medusa's Store API."""

from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.medusa import translation
from storefront_mcp.backends.medusa.customer_shapes import AddressShape, CustomerOrderShape
from storefront_mcp.backends.medusa.order_progress import order_money, order_number, sent_parcels, status_words
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.regions import provider_title
from storefront_mcp.backends.medusa.shapes import CartItemShape
from storefront_mcp.backends.timestamps import normalise_timestamp
from storefront_mcp.commerce.accounts import CustomerOrder, OrderedLine
from storefront_mcp.commerce.address import PostalAddress

MAX_LINES: Final = 200
CANCELED: Final = "canceled"


def customer_order(found: CustomerOrderShape) -> CustomerOrder:
    """An order, in its own currency; a list has fewer of its parts. None can be cancelled."""
    total = order_money(found.total, found.currency_code)
    amounts = None if total is None else AmountMapper(currency=total.currency)
    summary = found.summary
    due = None if summary is None or found.status == CANCELED else summary.pending_difference
    payments = [paid for one in found.payment_collections or () for paid in one.payments or ()]
    ways = (sanitizing.line(one.name, 100) for one in found.shipping_methods or ())
    return CustomerOrder(
        number=order_number(found) or "",
        placed_at=normalise_timestamp(found.created_at),
        status=status_words(found.status, found.fulfillment_status) or "unknown",
        total=total,
        lines=tuple(_line(one, amounts) for one in sorted(found.items or (), key=lambda one: one.id)[:MAX_LINES]),
        totals=None if amounts is None or summary is None else amounts.totals(found),
        due=order_money(due or None, found.currency_code),
        refunded=order_money((summary and summary.refunded_total) or None, found.currency_code),
        parcels=sent_parcels(found.fulfillments),
        paid_by=", ".join(dict.fromkeys(provider_title(one.provider_id) for one in payments if one.provider_id)),
        shipped_by=" + ".join(name for name in ways if name),
        shipping_address=None if found.shipping_address is None else postal_address(found.shipping_address),
        billing_address=None if found.billing_address is None else postal_address(found.billing_address),
    )


def postal_address(found: AddressShape) -> PostalAddress:
    """An address, whole or not: the shop takes any. A region that is a code of ISO 3166-2 is told without its country.

    >>> postal_address(AddressShape(province="us-ca", country_code="us")).region
    'CA'
    """
    country = sanitizing.line(found.country_code, 60).upper()
    region = sanitizing.line(found.province, 255)
    if country and region.upper().startswith(f"{country}-"):
        region = region[len(country) + 1 :].upper()
    lines = (sanitizing.line(one, 255) for one in (found.address_1, found.address_2))
    return PostalAddress(
        first_name=sanitizing.line(found.first_name, 255),
        last_name=sanitizing.line(found.last_name, 255),
        company=sanitizing.line(found.company, 255),
        street="\n".join(line for line in lines if line),
        city=sanitizing.line(found.city, 255),
        region=region,
        postcode=sanitizing.line(found.postal_code, 20),
        country=country,
        phone=sanitizing.line(found.phone, 50),
    )


def _line(item: CartItemShape, amounts: AmountMapper | None) -> OrderedLine:
    return OrderedLine(
        sku=translation.line_sku(item),
        name=sanitizing.line(item.product_title or item.title),
        quantity=item.quantity,
        total=None if amounts is None else amounts.line(item)[1],
        options=translation.line_options(item),
    )
