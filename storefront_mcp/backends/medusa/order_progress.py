"""Orders of Medusa in the words of the port: numbers, amounts, where they stand and what was sent."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, Protocol

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.medusa.shapes import FulfillmentShape, OrderedItem, OrderShape
from storefront_mcp.backends.sanitizing import shop_money
from storefront_mcp.backends.timestamps import normalise_timestamp
from storefront_mcp.commerce.errors import ShopDown
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderProgress, ParcelTrack, ShippedItem, ShippedParcel

MAX_NUMBER_CHARS: Final = 60
CURRENCY_CHARS: Final = 3


class NumberedShape(Protocol):
    """What has the numbers of an order."""

    @property
    def display_id(self) -> int | None:
        """Counted by the shop."""

    @property
    def custom_display_id(self) -> str | None:
        """In the place of the other, where the shop makes its own."""


def order_number(order: NumberedShape) -> str | None:
    """What people call an order."""
    told = order.custom_display_id or ("" if order.display_id is None else str(order.display_id))
    return sanitizing.line(told, MAX_NUMBER_CHARS) or None


def order_money(amount: Decimal | None, currency: str | None) -> Money | None:
    """An amount in the order's currency; None where the shop did not tell a usable one."""
    code = (currency or "").upper()
    if amount is None or len(code) != CURRENCY_CHARS or not code.isalpha():
        return None
    try:
        return shop_money(amount, code)
    except ShopDown:
        return None


def order_progress(order: OrderShape) -> OrderProgress:
    """Where an order stands."""
    parcels = sent_parcels(order.fulfillments)
    summary = order.summary
    refunded = None if summary is None else order_money(summary.refunded_total, order.currency_code)
    return OrderProgress(
        number=order_number(order) or "",
        status=status_words(order.status, order.fulfillment_status),
        parcels=parcels,
        unsent=tuple(_unsent(order.items or ())) if parcels else (),
        refunded=refunded or None,
    )


def status_words(*told: str | None) -> str:
    """What the shop calls an order and its delivery, each word once.

    >>> status_words("pending", "not_fulfilled"), status_words("canceled", "canceled")
    ('pending, not fulfilled', 'canceled')
    """
    words = (sanitizing.line(one, MAX_NUMBER_CHARS).replace("_", " ") for one in dict.fromkeys(told))
    return ", ".join(word for word in words if word)


def sent_parcels(found: Iterable[FulfillmentShape] | None) -> tuple[ShippedParcel, ...]:
    """What was sent and not taken back."""
    return tuple(_parcel(one) for one in found or () if one.shipped_at and not one.canceled_at)


def _unsent(items: list[OrderedItem] | tuple[OrderedItem, ...]) -> list[ShippedItem]:
    """What is still to be sent."""
    left = []
    for one in items:
        sent = None if one.detail is None else one.detail.shipped_quantity
        rest = int((one.quantity or Decimal(0)) - (sent or Decimal(0)))
        if rest > 0:
            left.append(ShippedItem(name=sanitizing.line(one.product_title or one.title), quantity=rest))
    return left


def _parcel(found: FulfillmentShape) -> ShippedParcel:
    return ShippedParcel(
        sent_at=normalise_timestamp(found.shipped_at),
        items=tuple(
            ShippedItem(name=sanitizing.line(one.title), quantity=int(one.quantity or 0)) for one in found.items or ()
        ),
        tracks=tuple(
            ParcelTrack(number=sanitizing.line(one.tracking_number), url=sanitizing.web_url(one.tracking_url))
            for one in found.labels or ()
        ),
    )
