"""Checkout and orders: of a guest by the Store API, of the merchant by `wc/v3`."""

import asyncio
import copy
import datetime as dt
import hashlib
from contextvars import ContextVar
from typing import Any

from tests.fakes.woocommerce.carts import Amounts, Body, cart_body, check_addresses, stock_problem
from tests.fakes.woocommerce.catalogue import Answer, Query, invalid, paged, text
from tests.fakes.woocommerce.state import (
    METHODS,
    STATUS_OF_METHOD,
    TITLE_OF_METHOD,
    Refused,
    WooCart,
    WooOrder,
    WooState,
)

LABELS = {
    "first_name": "First name",
    "last_name": "Last name",
    "address_1": "Street address",
    "city": "Town / City",
    "state": "State",
    "postcode": "Postcode / ZIP",
    "phone": "Phone",
}


BREAKS_AFTER_COMMIT: ContextVar[bool] = ContextVar("a checkout breaks after its order was made", default=False)


class Broken(Exception):
    """The shop fails after the order was made."""


async def checkout(state: WooState, cart: WooCart, body: Body) -> Body:
    """`POST /checkout`. Calls that are under way together each make an order of the same cart."""
    methods = ["", *METHODS]
    method = body.get("payment_method", "")
    billing, shipping = body.get("billing_address") or {}, body.get("shipping_address") or {}
    check_addresses({"billing_address": billing, "shipping_address": shipping})
    if method not in methods:
        said = f"payment_method is not one of {', '.join(methods[:-1])}, and {methods[-1]}."
        raise invalid("payment_method", said, "rest_not_in_enum")
    if not cart.lines:
        said = "Cannot place an order, your cart is empty."
        raise Refused(409, "woocommerce_rest_cart_empty", said, cart=cart_body(state, cart))
    cart.billing.update(billing)
    cart.shipping.update(shipping or billing)
    amounts = Amounts(state, cart)
    _check(state, cart, amounts)
    if method and method not in state.methods:
        said = f"{method} is not available for this order\u2014please choose a different payment method"
        raise Refused(400, "woocommerce_rest_checkout_payment_method_disabled", said)
    if amounts.total > 0 and not method:
        raise Refused(400, "woocommerce_rest_checkout_missing_payment_method", "No payment method provided.")
    await asyncio.sleep(0)
    order = _make(state, cart, method, str(body.get("customer_note", "")))
    if BREAKS_AFTER_COMMIT.get():
        raise Broken
    await asyncio.sleep(0)
    cart.lines, cart.coupons = {}, []
    redirect = f"https://shop.example/checkout/order-received/{order.id}/?key={order.key}"
    return {
        "order_id": order.id,
        "status": order.status,
        "order_key": order.key,
        "order_number": str(order.id),
        "customer_note": order.note,
        "customer_id": 0,
        "billing_address": cart.billing,
        "shipping_address": cart.shipping,
        "payment_method": method,
        "payment_result": {
            "payment_status": "success",
            "payment_details": [{"key": "result", "value": "success"}, {"key": "redirect", "value": redirect}],
            "redirect_url": redirect,
        },
        "additional_fields": {},
        "__experimentalCart": None,
        "extensions": {},
    }


def _check(state: WooState, cart: WooCart, amounts: Amounts) -> None:
    if not cart.billing.get("email"):
        raise Refused(400, "woocommerce_rest_missing_email_address", "A valid email address is required")
    required = ["first_name", "last_name", "address_1", "city", "postcode", *(["phone"] if state.demands_phone else [])]
    lacks = {
        name: [f"{LABELS[key]} is required" for key in required if not address.get(key, "").strip()]
        for name, address in (("shipping", cart.shipping), ("billing", cart.billing))
    }
    if wrong := {name: said for name, said in lacks.items() if said}:
        first = next(iter(wrong))
        said = f"There was a problem with the provided {first} address: {', '.join(wrong[first])}"
        raise Refused(400, "woocommerce_rest_invalid_address", said, errors=wrong)
    if amounts.needs_shipping and not amounts.packages:
        country = cart.shipping["country"]
        said = f"Sorry, we do not ship orders to the provided country ({country})"
        raise Refused(400, "woocommerce_rest_invalid_address_country", said)
    for line in cart.lines.values():
        if (problem := stock_problem(state, line)) is not None:
            raise Refused(409, problem["code"], problem["message"], cart=cart_body(state, cart))


def _make(state: WooState, cart: WooCart, method: str, note: str) -> WooOrder:
    number = next(state.order_numbers)
    order = WooOrder(
        id=number,
        session=cart.session,
        key=f"wc_order_{hashlib.sha256(str(number).encode()).hexdigest()[:13]}",
        status=STATUS_OF_METHOD.get(method, "processing"),
        method=method,
        note=note,
        email=cart.billing["email"],
        total=Amounts(state, cart).total,
        cart=copy.deepcopy(cart_body(state, cart)),
        made=state.clock(),
    )
    for line in cart.lines.values():
        state.stock[state.catalogue.products[line.product].sku] -= line.quantity
    state.orders[number] = order
    return order


def guest_order(state: WooState, key: str, query: Query) -> Answer:
    """`GET /order/{id}`."""
    order = state.orders.get(int(key)) if key.isdecimal() else None
    if order is None or text(query, "key") != order.key:
        raise Refused(401, "woocommerce_rest_invalid_order", "Invalid order ID or key provided.")
    if text(query, "billing_email") != order.email:
        raise Refused(401, "woocommerce_rest_invalid_billing_email", "Invalid billing email provided.")
    told = order.cart["totals"]
    totals = {**told, "subtotal": told["total_items"], "total_refund": "0", "total_price": str(order.total)}
    names = ("items", "coupons", "fees", "shipping_address", "billing_address", "needs_shipping")
    return {"id": order.id, "status": order.status, "totals": totals} | {name: order.cart[name] for name in names}, {}


def merchant_body(state: WooState, order: WooOrder) -> Body:
    """An order as the merchant reads it: amounts are decimals in major units, each without its tax."""

    def major(units: object) -> str:
        return f"{int(str(units or 0)) / 10**state.decimals:.{state.decimals}f}"

    told = order.cart["totals"]
    chosen = [
        rate for package in order.cart["shipping_rates"] for rate in package["shipping_rates"] if rate["selected"]
    ]
    return {
        "id": order.id,
        "number": order.number or str(order.id),
        "status": order.status,
        "currency": state.currency,
        "date_created_gmt": dt.datetime.fromtimestamp(order.made, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "prices_include_tax": state.tax == "included",
        "discount_total": major(told["total_discount"]),
        "discount_tax": major(told["total_discount_tax"]),
        "shipping_total": major(told["total_shipping"]),
        "shipping_tax": major(told["total_shipping_tax"]),
        "total": major(order.total),
        "total_tax": major(told["total_tax"]),
        "customer_id": order.customer,
        "customer_note": order.note,
        "order_key": order.key,
        "billing": order.cart["billing_address"],
        "shipping": order.cart["shipping_address"],
        "payment_method": order.method,
        "payment_method_title": TITLE_OF_METHOD.get(order.method, ""),
        "transaction_id": order.transaction,
        "date_paid_gmt": order.paid_at,
        "created_via": "store-api",
        "line_items": [
            {
                "id": at,
                "name": item["name"],
                "product_id": item["id"],
                "variation_id": item["id"] if item["variation"] else 0,
                "quantity": item["quantity"],
                "subtotal": major(item["totals"]["line_subtotal"]),
                "subtotal_tax": major(item["totals"]["line_subtotal_tax"]),
                "sku": item["sku"],
                "meta_data": [
                    {
                        "id": at,
                        "key": f"pa_{one['attribute'].lower()}",
                        "value": one["value"].lower(),
                        "display_key": one["attribute"],
                        "display_value": one["value"],
                    }
                    for one in item["variation"]
                ]
                + [
                    {
                        "id": 0,
                        "key": "_reduced_stock",
                        "value": "1",
                        "display_key": "_reduced_stock",
                        "display_value": "1",
                    }
                ],
            }
            for at, item in enumerate(order.cart["items"], 1)
        ],
        "shipping_lines": [
            {"id": at, "method_title": rate["name"], "method_id": rate["method_id"], "total": major(rate["price"])}
            for at, rate in enumerate(chosen, 1)
        ],
        "refunds": [{"id": at, "reason": "", "total": f"-{major(units)}"} for at, units in enumerate(order.refunds, 1)],
    }


def only(body: Body, query: Query) -> Body:
    """What `_fields` asks for."""
    wanted = text(query, "_fields")
    return {name: body[name] for name in wanted.split(",") if name in body} if wanted else body


def merchant_orders(state: WooState, query: Query) -> Answer:
    """`GET /wc/v3/orders`, the newest first: of a customer or of anybody, drafts among them unless told otherwise."""
    status, customer = text(query, "status", "any"), text(query, "customer")
    if customer and not customer.isdecimal():
        raise invalid("customer", "customer is not of type integer.", "rest_invalid_type")
    wanted = [
        one
        for one in reversed(state.orders.values())
        if customer in {"", str(one.customer)} and (one.status != "trash" if status == "any" else one.status == status)
    ]
    found, headers = paged(state, wanted, query)
    return [only(merchant_body(state, one), query) for one in found], headers


def _known(state: WooState, key: str) -> WooOrder:
    order = state.orders.get(int(key)) if key.isdecimal() else None
    if order is None:
        raise Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return order


def merchant_order(state: WooState, key: str, query: Query) -> Answer:
    """`GET /wc/v3/orders/{id}`."""
    return only(merchant_body(state, _known(state, key)), query), {}


def merchant_notes(state: WooState, key: str, query: Query) -> Answer:
    """`GET /wc/v3/orders/{id}/notes`, the newest first."""
    wanted = text(query, "type", "any")
    notes = [one for one in reversed(_known(state, key).notes) if one[1] or wanted != "customer"]
    return [{"id": at, "note": note, "customer_note": told} for at, (note, told) in enumerate(notes, 1)], {}


def change_order(state: WooState, key: str, body: dict[str, Any]) -> Answer:
    """`PUT /wc/v3/orders/{id}`: `set_paid` counts only for an order that waits to be paid by its buyer."""
    order = _known(state, key)
    order.transaction = body.get("transaction_id", order.transaction)
    wanted = body.get("status", order.status)
    if body.get("set_paid") is True and order.status in {"pending", "failed"}:
        wanted = "processing"
    if wanted == "processing" and order.status != wanted:
        order.payments_completed += 1
        order.paid_at = order.paid_at or dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    order.status = wanted
    return merchant_body(state, order), {}


def settings(state: WooState, named: str) -> Any:
    """`GET /wc/v3/settings/general`, or the setting of another group."""
    if named != "general":
        return {"id": named, "value": "yes" if state.takes_guests else "no"}
    return [
        {"id": "woocommerce_allowed_countries", "value": "specific"},
        {"id": "woocommerce_specific_allowed_countries", "value": list(state.served)},
        {"id": "woocommerce_ship_to_countries", "value": ""},
        {"id": "woocommerce_specific_ship_to_countries", "value": []},
        {"id": "woocommerce_currency", "value": state.currency},
    ]
