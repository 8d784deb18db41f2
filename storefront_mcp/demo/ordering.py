"""Turn a guest cart into an order, once; and let the order be read, once."""

import asyncio
import re
from typing import Final

import msgspec

from storefront_mcp.demo.carts import Cart, Order
from storefront_mcp.demo.dispatching import check_payment, check_shipping
from storefront_mcp.demo.modules import PaymentRefused
from storefront_mcp.demo.money import AUD
from storefront_mcp.demo.places import COUNTRIES, SERVED, Address, read_address
from storefront_mcp.demo.receipts import order_shape
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import PREFIX, Answer, Json, Refused, Request, bad_request, not_found

EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_READS_AN_HOUR = 30
_HOUR = 3600.0


def opaque() -> Refused:
    """The 500 that says nothing."""
    return Refused(500, "internal_server_error", "An internal error occurred")


def _email(body: Json) -> str:
    return str(body.get("email") or body.get("guestEmail") or "").strip()


def _filled(state: ShopState, cart: Cart, body: Json) -> Cart:
    """The cart with what the body adds to it; addresses and methods given earlier by the setters stay.

    Nothing is kept when the order fails.
    """
    changes: Json = {}
    if not state.traps.older_fork:
        for key, name in (("shippingAddress", "shipping_address"), ("billingAddress", "billing_address")):
            if isinstance(body.get(key), dict):
                changes[name] = read_address(body[key], lists_become_array=False)
    for key, name in (("shippingMethod", "shipping_method"), ("paymentMethod", "payment_method")):
        if body.get(key):
            changes[name] = str(body[key])
    return msgspec.structs.replace(cart, **changes)


def _check_address(address: Address | None, what: str, *, served: bool) -> None:
    if address is None:
        raise bad_request(f"{what} address is required")
    missing = address.missing()
    if missing:
        raise bad_request(f"Missing required address fields: {', '.join(missing)}")
    if served and address.country not in SERVED:
        raise bad_request(f"We do not deliver to country '{address.country}'")
    if address.country in COUNTRIES and COUNTRIES[address.country].regions and address.region_id is None:
        raise bad_request(f"{what} address needs a region of its country")


def _check_completeness(state: ShopState, cart: Cart, email: str) -> None:
    """What a careful shop wants to know before it takes an order; 400 names what is missing, 422 what is sold out."""
    strict = not state.traps.unchecked_orders
    if strict and not EMAIL.fullmatch(email):
        raise bad_request("A valid e-mail address is required")
    if not cart.lines:
        raise bad_request("The cart is empty")
    if not state.traps.older_fork:
        _check_address(cart.shipping_address, "Shipping", served=strict)
        _check_address(cart.billing_address, "Billing", served=False)
    if not cart.shipping_method:
        raise bad_request("A shipping method is required")
    if not cart.payment_method:
        raise bad_request("A payment method is required")
    for sku in {line.sku for line in cart.lines}:
        if sum(line.qty for line in cart.lines if line.sku == sku) > state.stock[sku]:
            raise Refused(422, "unprocessable_entity", f'The requested quantity for "{sku}" is not available.')


async def place_order(state: ShopState, request: Request, masked: str) -> Answer:
    """`POST …/place-order`: 201 with the order and a token that opens it once; a second call finds no cart.

    Calls on one cart wait for each other, so parallel calls make one order, unless the trap `duplicate_orders` lets
    them all in.
    """
    if state.traps.duplicate_orders:
        cart = _ready(state, request, masked)
        await asyncio.sleep(0)
        return await _paid_and_placed(state, request, cart)
    turn = state.closing.setdefault(masked, asyncio.Lock())
    try:
        async with turn:
            return await _paid_and_placed(state, request, _ready(state, request, masked))
    finally:
        found = state.carts.get(masked)
        if found is None or not found.active:
            # Whoever still waits finds no open cart.
            state.closing.pop(masked, None)


def _ready(state: ShopState, request: Request, masked: str) -> Cart:
    """The cart with everything an order needs."""
    cart = state.carts.get(masked)
    if cart is None or not cart.active:
        raise not_found("Cart not found")
    cart = _filled(state, cart, request.body)
    if cart.shipping_method:
        check_shipping(state, cart, cart.shipping_method)
    if cart.payment_method:
        check_payment(state, cart, cart.payment_method, request.currency)
    try:
        _check_completeness(state, cart, _email(request.body))
    except Refused:
        if state.traps.opaque_errors:
            raise opaque() from None
        raise
    return cart


async def _paid_and_placed(state: ShopState, request: Request, cart: Cart) -> Answer:
    """Take the goods off the shelf, the money from whoever holds it, and write the order; or put the goods back."""
    given = request.body.get("paymentData")
    payment: Json = given if isinstance(given, dict) else {}
    for line in cart.lines:
        state.take_stock(line.sku, line.qty)
    try:
        await _take_money(state, request, cart, payment)
    except BaseException:
        for line in cart.lines:
            state.take_stock(line.sku, -line.qty)
        raise
    return _placed(state, request, cart, payment)


async def _take_money(state: ShopState, request: Request, cart: Cart, payment: Json) -> None:
    """Let the module act, where there is one for this way to pay; a shop that breaks does so right after."""
    module = state.modules.get(cart.payment_method or "")
    if module is None:
        return
    grand = state.totals(cart, request.currency).grand
    try:
        await module.take(amount=grand, currency=request.currency, data=payment)
    except PaymentRefused as refused:
        if state.traps.opaque_errors:
            raise opaque() from refused
        raise bad_request(str(refused)) from refused
    except Exception as error:
        raise opaque() from error
    if request.breaks:
        raise opaque()


def _placed(state: ShopState, request: Request, cart: Cart, payment: Json) -> Answer:
    number = state.number("order")
    email = _email(request.body)
    note = str(request.body.get("orderNote") or "")
    shown = order_shape(state, cart, request.currency, number=number, email=email, note=note)
    token = state.token() + state.token()
    order = Order(
        id=number,
        increment_id=shown["incrementId"],
        cart_id=cart.id,
        masked_id=cart.masked_id,
        access_token=token,
        email=email,
        note=note,
        total=state.totals(cart, request.currency).grand,
        currency=request.currency,
        method=cart.payment_method or "",
        payment=payment,
        placed=state.clock(),
        shown=shown,
    )
    state.orders[order.increment_id] = order
    state.unread[order.increment_id] = token
    for code, paid in state.totals(cart, AUD.code).gift_cards.items():
        state.balances[code] -= paid
    state.carts[cart.masked_id] = msgspec.structs.replace(cart, active=False, reserved=order.increment_id)
    return Answer(
        content={**shown, "accessToken": token}, kind="Order", status=201, location=f"{PREFIX}/orders/{order.id}"
    )


async def order_details(state: ShopState, request: Request, increment_id: str) -> Answer:
    """`GET /orders/{incrementId}/details` with `X-Order-Token`: works once, 404 for every other reason."""
    state.limits.count("order read", request.client, most=_READS_AN_HOUR, seconds=_HOUR)
    given = request.headers.get("x-order-token", "")
    if not given or state.unread.get(increment_id) != given:
        raise not_found()
    del state.unread[increment_id]
    return Answer(content=state.orders[increment_id].shown, kind="Order")
