"""Response structs of Maho's REST v2 for orders, with those that only a service account can read."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.backends.maho.shapes import Id, Label, Many, Scalar


class PlacedOrderShape(Struct, frozen=True, rename="camel"):
    """Number and token of a new order, decoded apart from its prices. `access_token` reads the order once."""

    increment_id: Scalar | None = None
    access_token: Label | None = None


class OrderPricesShape(Struct, frozen=True, rename="camel"):
    """An order's prices, in major units."""

    grand_total: Decimal | None = None


class OrderTotalShape(Struct, frozen=True):
    """An order's total and the currency it is in."""

    prices: OrderPricesShape
    currency: str


class StoredOrderShape(Struct, frozen=True, rename="camel", kw_only=True):
    """An order as a service account reads it."""

    id: Id
    increment_id: str
    customer_note: str | None = None
    quote_id: int | None = None
    """The numeric id of its cart."""
    status: str | None = None
    prices: OrderPricesShape = OrderPricesShape()
    currency: str | None = None


class StoredCartShape(Struct, frozen=True, rename="camel"):
    """A cart as a service account reads it; the order number is reserved when place-order begins."""

    reserved_order_id: Label | None = None


class CommentShape(Struct, frozen=True, rename="camel"):
    """A comment on an order (`note`) or shipment (`comment`); internal ones are in every response, too."""

    comment: str | None = None
    note: str | None = None
    created_at: str | None = None
    is_visible_on_front: bool = False


class TrackShape(Struct, frozen=True, rename="camel"):
    """A tracking number; `carrier` is the carrier's code, called `carrierCode` where it is written."""

    carrier: str | None = None
    carrier_code: str | None = None
    title: str | None = None
    track_number: Scalar | None = None
    number: Scalar | None = None
    url: str | None = None


class ShipmentItemShape(Struct, frozen=True):
    """Pieces of a line in a shipment."""

    name: str = ""
    qty: Decimal = Decimal(0)


class ShipmentShape(Struct, frozen=True, rename="camel"):
    """A shipment; it may have no tracks, or several."""

    created_at: str | None = None
    items: Many[ShipmentItemShape] = []
    tracks: Many[TrackShape] = []
    comments: Many[CommentShape] = []


class OrderedItemShape(Struct, frozen=True, rename="camel"):
    """A line of an order, with what has become of its pieces."""

    name: str = ""
    qty_ordered: Decimal = Decimal(0)
    qty_shipped: Decimal = Decimal(0)
    qty_refunded: Decimal = Decimal(0)
    qty_canceled: Decimal = Decimal(0)
    is_virtual: bool = False
    parent_item_id: int | None = None


class PaidPricesShape(Struct, frozen=True, rename="camel"):
    """What of an order was paid back and is still to be paid, in major units."""

    total_refunded: Decimal | None = None
    total_due: Decimal | None = None


class FulfilledOrderShape(Struct, frozen=True, rename="camel", kw_only=True):
    """An order read by its id. `shipments` is null where the shop leaves them out."""

    status: str | None = None
    currency: str | None = None
    items: Many[OrderedItemShape] = []
    prices: PaidPricesShape = PaidPricesShape()
    shipments: Many[ShipmentShape] | None = None
    status_history: Many[CommentShape] = []


class TokenShape(Struct, frozen=True):
    """A token for a service account; `expires_in` is in seconds."""

    token: Annotated[str, Meta(max_length=10_000, pattern=r"^[!-~]+$")]
    expires_in: Annotated[int, Meta(ge=0, le=10**9)] = 3600
