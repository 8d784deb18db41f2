"""What became of an order since it was made, as the protocol has it: only what the shop tells beyond doubt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from storefront_mcp.commerce.cart import CartLine
from storefront_mcp.commerce.checkout import OrderView
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.order import OrderProgress, ShippedParcel

CANCELED_WORDS: Final = frozenset({"canceled", "cancelled"})
"""What shops call an order that was given up."""


class OrderProgressView(Struct, frozen=True, kw_only=True):
    """The parts of an order that change."""

    status: str = "confirmed"
    fulfillments: list[dict[str, Any]] = []
    sent: Mapping[str, int] | None = None
    """Pieces that were sent, by the line's id; None where that is not known line by line."""
    refunded: Money | None = None

    def quantity(self, line: CartLine) -> dict[str, int]:
        """How many are still ordered, and how many of them were sent."""
        if self.status == "canceled" and not self.fulfillments:
            return {"current": 0}
        sent = {} if not self.sent else {"fulfilled": self.sent.get(str(line.line_id), 0)}
        return {"current": line.quantity, **sent}


def order_progress(lines: Sequence[CartLine], progress: OrderView | OrderProgress | None) -> OrderProgressView:
    """What changed of an order with these lines."""
    if progress is None:
        return OrderProgressView()
    parcels = progress.parcels
    status = "confirmed"
    if (progress.status or "").strip().casefold() in CANCELED_WORDS:
        status = "canceled"
    elif parcels:
        status = "processing" if progress.unsent else "shipped"
    return OrderProgressView(
        status=status,
        fulfillments=[_fulfillment(lines, number, one) for number, one in enumerate(parcels, 1)],
        sent=_sent_pieces(lines, parcels),
        refunded=progress.refunded or None,
    )


def _fulfillment(lines: Sequence[CartLine], number: int, parcel: ShippedParcel) -> dict[str, Any]:
    view: dict[str, Any] = {"id": f"parcel_{number}", "type": "shipping", "status": "shipped"}
    if sent := _sent_pieces(lines, [parcel]):
        view["line_items"] = [{"id": line, "quantity": pieces} for line, pieces in sent.items()]
    for track in parcel.tracks[:1]:
        told = {"carrier": track.carrier, "tracking_number": track.number, "tracking_url": track.url}
        view |= {name: value for name, value in told.items() if value}
    return view


def _sent_pieces(lines: Sequence[CartLine], parcels: Sequence[ShippedParcel]) -> dict[str, int] | None:
    """Pieces in parcels by line; None where names do not say which line is meant, or pieces are no whole number."""
    by_name = {line.name: line for line in lines}
    pieces: Counter[str] = Counter()
    for item in (item for parcel in parcels for item in parcel.items):
        line = by_name.get(item.name)
        if line is None or len(by_name) < len(lines) or item.quantity != int(item.quantity):
            return None
        pieces[str(line.line_id)] += int(item.quantity)
    ordered = {str(line.line_id): line.quantity for line in lines}
    return {line: min(count, ordered[line]) for line, count in pieces.items() if count > 0}
