"""Routes for the one cart that a customer has, by its number: their answers are the whole cart."""

from typing import Final

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo.api_errors import ApiError, bad_request, internal_error, not_found
from storefront_mcp.demo.cart_api import add_line, cart_response, remove_line
from storefront_mcp.demo.cart_shapes import cart_shape
from storefront_mcp.demo.countries import read_address
from storefront_mcp.demo.coupons import find_coupon
from storefront_mcp.demo.customer_api import bearer_customer
from storefront_mcp.demo.http import PREFIX, ApiCall, InjectedCall, endpoint, whole_number
from storefront_mcp.demo.models import DemoCart
from storefront_mcp.demo.ordering import OrderPlacement
from storefront_mcp.demo.totals import goods_cents


@endpoint("POST", "/carts")
async def create_own_cart(call: InjectedCall) -> ASGIResponse:
    """201 with the customer's open cart, which is made if there is none."""
    customer = bearer_customer(call)
    cart = next((one for one in call.state.carts.values() if one.customer == customer.id and one.active), None)
    if cart is None:
        cart = call.state.update_cart(call.state.new_cart(), customer=customer.id)
    shape = cart_shape(call.state, cart, call.currency)
    return call.resource("Cart", shape, status=201, location=f"{PREFIX}/carts/{cart.id}")


@endpoint("POST", "/carts/{number:str}/items")
async def add_own_item(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """200 with the cart."""
    return cart_response(call, add_line(call, _own_cart(call, number)))


@endpoint("DELETE", "/carts/{number:str}/items/{line:str}")
async def remove_own_item(call: InjectedCall, number: FromPath[str], line: FromPath[str]) -> ASGIResponse:
    """200 with the cart."""
    return cart_response(call, remove_line(call, _own_cart(call, number).masked_id, line))


@endpoint("POST", "/carts/{number:str}/coupon")
async def apply_own_coupon(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """201 with the cart, unlike a guest's."""
    cart, code = _own_cart(call, number), str(call.body.get("couponCode") or "").strip()
    coupon = find_coupon(code)
    if coupon is None or not coupon.applies(goods_cents(cart)):
        raise ApiError(400, "invalid_coupon", f"Coupon code '{code}' is not valid")
    return cart_response(call, call.state.update_cart(cart, coupon=code), status=201)


@endpoint("POST", "/carts/{number:str}/shipping-methods")
async def quote_own_shipping(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """The whole cart with its offers; the address under `address` is stored."""
    cart, address = _own_cart(call, number), call.body.get("address")
    if isinstance(address, dict) and address:
        cart = call.state.update_cart(cart, shipping_address=read_address(address, lists_become_array=True))
    return cart_response(call, cart)


@endpoint("GET", "/carts/{number:str}/payment-methods")
async def list_own_payment_methods(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """The whole cart with its payment methods."""
    return cart_response(call, _own_cart(call, number))


@endpoint("POST", "/carts/{number:str}/place-order")
async def place_own_order(
    call: InjectedCall, ordering: NamedDependency[OrderPlacement], number: FromPath[str]
) -> ASGIResponse:
    """201 with the order, which has no access token. The same `X-Idempotency-Key` gives it again, whatever the body."""
    customer, key = bearer_customer(call), call.request.headers.get("x-idempotency-key", "")
    known = call.state.placed_keys.get((customer.id, key)) if key else None
    if known is None:
        cart = _own_cart(call, number, ordered_is=internal_error())
        order, _ = await ordering.place(cart.masked_id, call.body, call.currency)
        known = order.increment_id
        if key:
            call.state.placed_keys[customer.id, key] = known
    order = call.state.orders[known]
    return call.resource("Order", msgspec.to_builtins(order.body), status=201, location=f"{PREFIX}/orders/{order.id}")


def _own_cart(call: ApiCall, number: str, *, ordered_is: ApiError | None = None) -> DemoCart:
    """The customer's open cart of this number; 404 for any other, `ordered_is` for one that became an order."""
    customer, cart_id = bearer_customer(call), whole_number(number)
    if cart_id is None:
        raise bad_request("Invalid cart id")
    cart = next((one for one in call.state.carts.values() if one.id == cart_id), None)
    if cart is None or cart.customer != customer.id:
        raise not_found()
    if not cart.active:
        raise ordered_is or not_found()
    return cart


ROUTES: Final = (
    create_own_cart,
    add_own_item,
    remove_own_item,
    apply_own_coupon,
    quote_own_shipping,
    list_own_payment_methods,
    place_own_order,
)
