"""A customer's orders and addresses in the words of the port, from Maho's REST v2."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.maho.account_shapes import AccountAddressShape, AccountItemShape, AccountOrderShape
from storefront_mcp.backends.maho.order_progress import MAX_PARCELS, visible_comments
from storefront_mcp.backends.maho.prices import PriceMapper, is_amount, order_amount
from storefront_mcp.backends.maho.shapes import LabelledValue
from storefront_mcp.backends.maho.translation import chosen_value
from storefront_mcp.backends.timestamps import normalise_timestamp
from storefront_mcp.commerce.accounts import CustomerOrder, OrderedLine
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import CartTotals
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.order import ShippedParcel

CANCELLABLE_STATES: Final = frozenset({"new", "pending", "pending_payment"})
MAX_LINES: Final = 200
MAX_PIECES: Final = 10**9


def is_cancellable(order: AccountOrderShape, held_methods: frozenset[str]) -> bool:
    """Whether nothing was paid, invoiced or sent of a new order, and no provider of ours holds money for it."""
    paid = any(amount is None or amount for amount in (order.prices.total_paid,)) or order.prices.total_invoiced
    moved = any(item.qty_invoiced or item.qty_shipped for item in order.items) or order.shipments
    return (
        order.state in CANCELLABLE_STATES
        and not paid
        and not moved
        and (order.payment_method or "") not in held_methods
    )


def customer_order(
    found: AccountOrderShape,
    price_mapper: PriceMapper,
    *,
    parcels: Sequence[ShippedParcel],
    held_methods: frozenset[str],
) -> CustomerOrder:
    """An order; a list has fewer of its parts."""
    prices, currency = found.prices, found.currency
    return CustomerOrder(
        number=sanitizing.line(found.increment_id, 60),
        placed_at=normalise_timestamp(found.created_at),
        status=sanitizing.line(found.status or found.state, 60) or "unknown",
        cancellable=is_cancellable(found, held_methods),
        total=order_amount(prices.grand_total, currency),
        lines=tuple(
            _line(item, currency, tax_included=price_mapper.tax.included)
            for item in found.items[:MAX_LINES]
            if item.parent_item_id is None
        ),
        totals=_totals(found, price_mapper),
        due=order_amount(prices.total_due or None, currency),
        refunded=order_amount(prices.total_refunded or None, currency),
        parcels=tuple(parcels[:MAX_PARCELS]),
        comments=visible_comments(
            [*found.status_history, *(one for sent in found.shipments or () for one in sent.comments)]
        ),
        paid_by=sanitizing.line(found.payment_method_title, 100),
        shipped_by=sanitizing.line(found.shipping_description, 100),
        shipping_address=None if found.shipping_address is None else postal_address(found.shipping_address),
        billing_address=None if found.billing_address is None else postal_address(found.billing_address),
    )


def postal_address(found: AccountAddressShape) -> PostalAddress:
    """An address, whole or not: the shop keeps what it once took."""
    return PostalAddress(
        first_name=sanitizing.line(found.firstname, 255),
        last_name=sanitizing.line(found.lastname, 255),
        company=sanitizing.line(found.company, 255),
        street="\n".join(line for one in found.street[:4] if (line := sanitizing.line(one, 255))),
        city=sanitizing.line(found.city, 255),
        region=sanitizing.line(found.region, 255),
        postcode=sanitizing.line(found.postcode, 20),
        country=sanitizing.line(found.country_id, 60),
        phone=sanitizing.line(found.telephone, 50),
    )


def _line(item: AccountItemShape, currency: str | None, *, tax_included: bool) -> OrderedLine:
    total = item.row_total if not tax_included or item.row_total_incl_tax is None else item.row_total_incl_tax
    pieces = item.qty_ordered if is_amount(item.qty_ordered) and abs(item.qty_ordered) < MAX_PIECES else Decimal(0)
    return OrderedLine(
        sku=Sku(sanitizing.code(item.sku)),
        name=sanitizing.line(item.name),
        quantity=int(pieces) if pieces == int(pieces) else float(pieces),
        total=order_amount(total, currency),
        options=_values(item.product_options.attributes_info),
        custom_options=_values(item.product_options.options),
    )


def _values(chosen: Sequence[LabelledValue]) -> dict[str, str]:
    return {label: chosen_value(one) for one in chosen if (label := sanitizing.line(one.label, 100))}


def _totals(found: AccountOrderShape, price_mapper: PriceMapper) -> CartTotals | None:
    """In full, where the order is in the store's currency; another one's tax display is not known here."""
    return price_mapper.totals(found.prices) if found.currency == price_mapper.currency else None
