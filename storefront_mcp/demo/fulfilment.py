"""What happens to a placed order: shipments, tracks, comments and refunds, written as Maho writes them."""

from collections.abc import Mapping

from storefront_mcp.demo.api_errors import Json
from storefront_mcp.demo.cart_shapes import utc_timestamp
from storefront_mcp.demo.state import DemoState


def ship_order(
    state: DemoState,
    number: str,
    *,
    tracks: Mapping[str, str],
    carrier: str = "custom",
    skus: Mapping[str, int] | None = None,
    comments: Mapping[str, bool] | None = None,
) -> None:
    """Send a parcel with `skus` (SKU: pieces), by default all that is left.

    `tracks` maps tracking numbers to titles; `comments` maps texts to whether the customer may see them. Raises
    KeyError for an unknown number.
    """
    order, now = state.orders[number].body, utc_timestamp(state.clock())
    items = []
    for item in order["items"]:
        left = item["qtyOrdered"] - item["qtyShipped"]
        pieces = left if skus is None else min(left, skus.get(item["sku"], 0))
        if pieces:
            item["qtyShipped"] += pieces
            kept = ("productId", "sku", "name", "price", "weight")
            line = {key: item[key] for key in kept if key in item}
            shipped = {"orderItemId": item["id"], **line, "qty": pieces, "rowTotal": 0, "extensions": []}
            items.append({"@type": "ShipmentItem", "id": state.next_number("shipment item"), **shipped})
    parcel_id = state.next_number("shipment")
    state.shipments.setdefault(number, []).append(
        {
            "@type": "Shipment",
            "id": parcel_id,
            "orderId": order["id"],
            "incrementId": str(100_000_000 + parcel_id),
            "orderIncrementId": number,
            "totalQty": sum(item["qty"] for item in items),
            "createdAt": now,
            "packages": [],
            "comments": [_comment(text, now, visible=visible) for text, visible in (comments or {}).items()],
            "tracks": [_track(state, carrier, title, track, now) for track, title in tracks.items()],
            "items": items,
            "extensions": [],
        }
    )
    sent = all(item["qtyShipped"] == item["qtyOrdered"] for item in order["items"])
    _set_state(order, "complete" if sent and not order["prices"]["totalDue"] else "processing", now)


def comment_order(state: DemoState, number: str, text: str, *, visible: bool) -> None:
    """Comment on an order; the text is in every response, whether the customer may see it or not."""
    order = state.orders[number].body
    history = {**_comment(text, utc_timestamp(state.clock()), visible=visible), "status": order["status"]}
    order["statusHistory"].insert(0, {"note": history.pop("comment"), **history})


def refund_order(state: DemoState, number: str, skus: Mapping[str, int] | None = None) -> None:
    """Refund pieces of an order with the whole shipping, as Maho's first refund does; by default everything."""
    order = state.orders[number].body
    prices = order["prices"]
    for item in order["items"]:
        pieces = item["qtyOrdered"] if skus is None else skus.get(item["sku"], 0)
        item["qtyRefunded"] = pieces
        prices["totalRefunded"] += item["priceInclTax"] * pieces
    prices["totalRefunded"] = round(prices["totalRefunded"] + (prices["shippingAmountInclTax"] or 0), 2)
    if skus is None:
        prices["totalRefunded"] = prices["grandTotal"]
        _set_state(order, "closed", utc_timestamp(state.clock()))


def _comment(text: str, now: str, *, visible: bool) -> Json:
    return {"comment": text, "createdAt": now, "isCustomerNotified": False, "isVisibleOnFront": visible}


def _track(state: DemoState, carrier: str, title: str, number: str, now: str) -> Json:
    stamps = {"createdAt": now, "updatedAt": now, "extensions": []}
    track = {"carrier": carrier, "title": title, "trackNumber": number}
    return {"@type": "ShipmentTrack", "id": state.next_number("track"), **track, **stamps}


def _set_state(order: Json, state: str, now: str) -> None:
    order["status"] = order["state"] = state
    history = {"note": None, "status": state, "createdAt": now, "isCustomerNotified": True, "isVisibleOnFront": False}
    order["statusHistory"].insert(0, history)
