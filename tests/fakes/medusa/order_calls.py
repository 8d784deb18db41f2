"""Payment, completion and orders of the stand-in: one order of a cart, however often it is completed."""

import copy
from typing import Any

from tests.fakes.medusa.answers import MedusaCall, Route, invalid, missing
from tests.fakes.medusa.cart_calls import cart_of, check_stock, find_cart
from tests.fakes.medusa.state import BEGAN, MedusaState
from tests.fakes.medusa.stock import Json

PROVIDER = "pp_system_default"
KEPT_TOTALS = (
    *("original_item_total", "original_shipping_total"),
    *("total", "subtotal", "tax_total", "discount_total", "discount_subtotal", "item_total", "item_subtotal"),
    *("shipping_total", "shipping_subtotal"),
)


def list_providers(_call: MedusaCall) -> Json:
    """`GET /store/payment-providers`."""
    return {"payment_providers": [{"id": PROVIDER, "is_enabled": True}], "count": 1, "offset": 0, "limit": 20}


def create_collection(call: MedusaCall) -> Json:
    """`POST /store/payment-collections`: the same one again for the same cart."""
    cart = call.state.carts.get(call.body["cart_id"])
    if cart is None:
        raise missing(f"Cart with id '{call.body['cart_id']}' not found")
    if cart["payment_collection"] is None:
        made = cart["payment_collection"] = call.state.id("pay_col")
        call.state.collections[made] = {"id": made, "cart": cart["id"], "sessions": []}
    return _collection_of(call.state, cart["payment_collection"])


def create_session(call: MedusaCall) -> Json:
    """`POST /store/payment-collections/{id}/payment-sessions`: in place of the one there was."""
    collection = call.state.collections.get(call.ids[0])
    if collection is None:
        raise missing(f"Payment collection with id {call.ids[0]} not found")
    provider = call.body["provider_id"]
    if provider != PROVIDER:
        region = call.state.carts[collection["cart"]]["region_id"]
        raise invalid(f"Payment provider {provider} is not enabled in the cart's region {region}.")
    collection["sessions"] = [{"id": call.state.id("payses"), "provider_id": provider, "status": "pending"}]
    return _collection_of(call.state, call.ids[0])


def _collection_of(state: MedusaState, id_: str) -> Json:
    collection = state.collections[id_]
    cart = cart_of(state, state.carts[collection["cart"]])
    sessions = [{**one, "amount": cart["total"]} for one in collection["sessions"]]
    told = {"id": id_, "currency_code": cart["currency_code"], "amount": cart["total"], "payment_sessions": sessions}
    return {"payment_collection": told}


def complete(call: MedusaCall) -> Json:
    """`POST /store/carts/{id}/complete`: neither e-mail nor address is asked for."""
    cart = find_cart(call)
    if not cart["completed_at"]:
        _check_complete(call.state, cart)
        order = _order(call.state, cart)
        call.state.orders[order["id"]] = order
        cart["completed_at"], cart["order"] = BEGAN, order["id"]
    order = call.state.orders[cart["order"]]
    hidden = ("fulfillments", "payment_status", "fulfillment_status", "kept")
    return {"type": "order", "order": {name: told for name, told in order.items() if name not in hidden}}


def _check_complete(state: MedusaState, cart: Json) -> None:
    if not cart["items"]:
        raise invalid("Cannot complete a cart with no items")
    shown = cart_of(state, cart)
    if shown["total"] > 0:
        collection = state.collections.get(cart["payment_collection"] or "")
        if collection is None:
            raise invalid("Payment collection has not been initiated for cart")
        if not collection["sessions"]:
            raise invalid("Payment sessions are required to complete cart")
    if not cart["ways"] and any(one["requires_shipping"] for one in shown["items"]):
        raise invalid("No shipping method selected but the cart contains items that require shipping.")
    for line in cart["items"]:
        check_stock(state, line["variant_id"], line["quantity"])
    for line in cart["items"]:
        if state.variants[line["variant_id"]]["manage_inventory"]:
            state.variants[line["variant_id"]]["stock"] -= line["quantity"]


def _order(state: MedusaState, cart: Json) -> Json:
    shown = copy.deepcopy(cart_of(state, cart))
    items = [
        {
            "id": state.id("ordli"),
            "title": one["title"],
            "product_title": one["product_title"],
            **{name: one[name] for name in ("variant_id", "variant_sku", "variant_title", "is_tax_inclusive")},
            "quantity": one["quantity"],
            "unit_price": one["unit_price"],
            "detail": {"quantity": one["quantity"], "fulfilled_quantity": 0, "shipped_quantity": 0},
        }
        for one in shown["items"]
    ]
    number = len(state.orders) + 1
    return {
        "id": state.id("order"),
        "display_id": number,
        "created_at": f"2026-01-15T{10 + number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "custom_display_id": None,
        "status": "pending",
        "payment_status": "authorized",
        "fulfillment_status": "not_fulfilled",
        "currency_code": shown["currency_code"],
        "email": cart["email"],
        **{name: shown[name] for name in KEPT_TOTALS},
        "items": items,
        "shipping_address": cart["shipping_address"],
        "billing_address": cart["billing_address"],
        "summary": {"paid_total": 0, "refunded_total": 0, "pending_difference": shown["total"]},
        "shipping_methods": shown["shipping_methods"],
        "payment_collections": [{"payments": [{"provider_id": PROVIDER}]}] if shown["total"] else [],
        "fulfillments": [],
        "kept": {
            "cart": cart["id"],
            "customer": cart["customer_id"],
            "metadata": cart["metadata"],
            "payment": _payment(state, shown),
        },
    }


def _payment(state: MedusaState, cart: Json) -> Json | None:
    """What the provider holds for a cart; None for one that costs nothing."""
    if not cart["total"]:
        return None
    return {"id": state.id("pay"), "amount": cart["total"], "captured_at": None, "canceled_at": None}


def get_order(call: MedusaCall) -> Json:
    """`GET /store/orders/{id}`; metadata is not for everybody."""
    found = call.state.orders.get(call.ids[0])
    if found is None:
        raise missing(f"Order id not found: {call.ids[0]}")
    return {"order": shown_order(found)}


def shown_order(order: Json) -> Json:
    """An order without what is the shop's own."""
    return {name: told for name, told in order.items() if name != "kept"}


def ship(state: MedusaState, order: str, pieces: dict[str, int], *, tracking: str, url: str = "") -> None:
    """What the shop's staff does: send pieces of an order, by SKU."""
    found = state.orders[order]
    sent: list[dict[str, Any]] = []
    for item in found["items"]:
        if number := pieces.get(item["variant_sku"]):
            item["detail"]["shipped_quantity"] += number
            sent.append({"title": item["title"], "quantity": number})
    label = {"tracking_number": tracking, "tracking_url": url or None}
    found["fulfillments"].append({"shipped_at": BEGAN, "canceled_at": None, "items": sent, "labels": [label]})
    whole = all(one["detail"]["shipped_quantity"] == one["quantity"] for one in found["items"])
    found["fulfillment_status"] = "shipped" if whole else "partially_shipped"


COLLECTIONS = "/store/payment-collections"
ROUTES = (
    Route(method="GET", path="/store/payment-providers", handle=list_providers, query=("region_id", "limit", "offset")),
    Route(method="POST", path=COLLECTIONS, handle=create_collection, required=("cart_id",)),
    Route(
        method="POST",
        path=f"{COLLECTIONS}/([^/]+)/payment-sessions",
        handle=create_session,
        required=("provider_id",),
        body=("data",),
    ),
    Route(method="POST", path="/store/carts/([^/]+)/complete", handle=complete),
    Route(method="GET", path="/store/orders/([^/]+)", handle=get_order),
)
