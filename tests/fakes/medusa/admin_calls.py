"""The Admin API of the stand-in, as far as a secret key is used here."""

from tests.fakes.medusa.answers import MedusaCall, Route, missing
from tests.fakes.medusa.state import BEGAN
from tests.fakes.medusa.stock import Json


def list_orders(call: MedusaCall) -> Json:
    """`GET /admin/orders`."""
    found = [_order_of(one) for one in call.state.orders.values()]
    limit = int(call.value("limit", "20"))
    return {"orders": found[:limit], "count": len(found), "offset": 0, "limit": limit}


def get_order(call: MedusaCall) -> Json:
    """`GET /admin/orders/{id}`, with metadata and payments."""
    found = call.state.orders.get(call.ids[0])
    if found is None:
        raise missing(f"Order id not found: {call.ids[0]}")
    return {"order": _order_of(found)}


def _order_of(order: Json) -> Json:
    told = {name: order[name] for name in ("id", "display_id", "status", "total", "currency_code", "payment_status")}
    kept = order["kept"]
    payments = [kept["payment"]] if kept["payment"] else []
    return {**told, "metadata": kept["metadata"], "payment_collections": [{"payments": payments}]}


def capture(call: MedusaCall) -> Json:
    """`POST /admin/payments/{id}/capture`: again, it stays as it was."""
    for order in call.state.orders.values():
        payment = order["kept"]["payment"]
        if payment and payment["id"] == call.ids[0]:
            payment["captured_at"] = payment["captured_at"] or BEGAN
            order["payment_status"] = "captured"
            return {"payment": payment}
    raise missing(f"Payment with id: {call.ids[0]} was not found")


ROUTES = (
    Route(method="GET", path="/admin/orders", handle=list_orders, query=("limit", "offset")),
    Route(method="GET", path="/admin/orders/([^/]+)", handle=get_order),
    Route(method="POST", path="/admin/payments/([^/]+)/capture", handle=capture),
)
