"""Where an order stands: Maho's orders with their shipments, read by the service account."""

import re
from collections.abc import Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.links import NO_ORIGINS
from storefront_mcp.backends.maho.order_shapes import (
    CommentShape,
    FulfilledOrderShape,
    ShipmentShape,
    StoredOrderShape,
    TrackShape,
)
from storefront_mcp.backends.maho.prices import order_amount
from storefront_mcp.backends.maho.rest import expect_success
from storefront_mcp.backends.maho.service_account import ServiceAccountClient
from storefront_mcp.backends.maho.shapes import CollectionShape
from storefront_mcp.backends.salvaging import read_what_fits
from storefront_mcp.backends.timestamps import normalise_timestamp
from storefront_mcp.commerce.order import Order, OrderProgress, ParcelTrack, ShippedItem, ShippedParcel

MAX_PARCELS: Final = 20
MAX_PARCEL_ITEMS: Final = 50
MAX_TRACKS: Final = 10
MAX_PIECES: Final = 10**9
"""Of one line."""
MAX_COMMENTS: Final = 10
MAX_COMMENT_CHARS: Final = 500

TRACKING_URLS: Final = {
    "ups": "https://www.ups.com/track?tracknum={}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={}",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
    "dhlint": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
}
"""By the codes of the carriers that Maho ships with; its tracks have no URL."""
TRACK_NUMBER_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .-]{4,39}")


class MahoOrderProgress:
    """Reads orders for their buyers. Raises ShopDown and its subclasses."""

    def __init__(self, account: ServiceAccountClient) -> None:
        self._account = account

    async def read(self, order: Order) -> OrderProgress | None:
        """Status, parcels, comments and refunds; None for an order that the shop does not have.

        The list finds the id and has the status, but neither parcels nor comments; those are in the order itself.
        """
        if order.number is None:
            return None
        listing = expect_success(await self._account.get("/orders", {"incrementId": order.number}))
        found = read_what_fits(listing, CollectionShape[StoredOrderShape])
        kept = next((one for one in found.member if one.increment_id == order.number), None)
        if kept is None:
            return None
        answer = await self._account.get(f"/orders/{kept.id}")
        whole = read_what_fits(answer, FulfilledOrderShape) if answer.is_success else FulfilledOrderShape()
        shipments = await self._shipments(kept.id) if whole.shipments is None else whole.shipments
        return OrderProgress(
            number=order.number,
            status=sanitizing.line(whole.status or kept.status, 60) or "unknown",
            parcels=tuple(shipped_parcel(one) for one in shipments[:MAX_PARCELS]),
            unsent=_unsent(whole) if shipments else (),
            comments=visible_comments([*whole.status_history, *(one for sent in shipments for one in sent.comments)]),
            refunded=order_amount(whole.prices.total_refunded or None, whole.currency),
            due=order_amount(whole.prices.total_due, whole.currency),
        )

    async def _shipments(self, order: int) -> list[ShipmentShape]:
        """For a shop whose orders are without them; needs `shipments/read`."""
        answer = await self._account.get(f"/orders/{order}/shipments")
        if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return []
        return read_what_fits(expect_success(answer), CollectionShape[ShipmentShape]).member


def visible_comments(comments: Sequence[CommentShape]) -> tuple[str, ...]:
    """The comments that are for the customer, oldest first; the shop's response has the internal ones, too."""
    shown = sorted((one for one in comments if one.is_visible_on_front), key=lambda one: one.created_at or "")
    texts = (sanitizing.line(one.comment or one.note, MAX_COMMENT_CHARS) for one in shown)
    return tuple(text for text in texts if text)[-MAX_COMMENTS:]


def _unsent(order: FulfilledOrderShape) -> tuple[ShippedItem, ...]:
    left = (
        (one.name, _pieces(one.qty_ordered) - sum(map(_pieces, (one.qty_shipped, one.qty_refunded, one.qty_canceled))))
        for one in order.items
        if not one.is_virtual and one.parent_item_id is None
    )
    return tuple(_item(name, pieces) for name, pieces in left if pieces > 0)[:MAX_PARCEL_ITEMS]


def _item(name: str, pieces: Decimal) -> ShippedItem:
    return ShippedItem(name=sanitizing.line(name), quantity=int(pieces) if pieces == int(pieces) else float(pieces))


def _pieces(quantity: Decimal) -> Decimal:
    return quantity if quantity.is_finite() and abs(quantity) < MAX_PIECES else Decimal(0)


def shipped_parcel(shipment: ShipmentShape) -> ShippedParcel:
    """A shipment with its tracks."""
    return ShippedParcel(
        sent_at=normalise_timestamp(shipment.created_at),
        items=tuple(_item(one.name, _pieces(one.qty)) for one in shipment.items[:MAX_PARCEL_ITEMS]),
        tracks=tuple(_track(one) for one in shipment.tracks[:MAX_TRACKS]),
    )


def _track(track: TrackShape) -> ParcelTrack:
    code = sanitizing.line(str(track.carrier or track.carrier_code or ""), 100)
    title = sanitizing.line(track.title, 100)
    number = sanitizing.line(str(track.track_number or track.number or ""), 100)
    template = TRACKING_URLS.get(code.lower())
    known = template.format(quote(number)) if template and TRACK_NUMBER_PATTERN.fullmatch(number) else None
    url = sanitizing.web_url(track.url)
    return ParcelTrack(
        carrier=title or code, number=number, url=url if url is not None and NO_ORIGINS.may_link(url) else known
    )
