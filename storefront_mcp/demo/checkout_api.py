"""Routes for guest checkout: quotes, addresses, methods, place-order, and one read of the order."""

from typing import Final

from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo.api_errors import bad_request, not_found
from storefront_mcp.demo.cart_api import cart_response
from storefront_mcp.demo.cart_shapes import cart_shape, offer_shapes, payment_shapes
from storefront_mcp.demo.countries import DemoAddress, read_address
from storefront_mcp.demo.http import PREFIX, ApiCall, InjectedCall, endpoint
from storefront_mcp.demo.models import DemoCart
from storefront_mcp.demo.ordering import OrderPlacement

MAX_ORDER_READS_PER_HOUR: Final = 30


@endpoint("POST", "/guest-carts/{masked:str}/shipping-methods")
async def quote_shipping(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """The offers; the address under `address` is stored on the cart, complete or not."""
    cart = call.state.open_cart(masked, missing="Cart not found")
    address = call.body.get("address")
    if isinstance(address, dict) and address:
        cart = call.state.update_cart(cart, shipping_address=read_address(address, lists_become_array=True))
    return call.bare(offer_shapes(call.state, cart, call.currency))


@endpoint("GET", "/guest-carts/{masked:str}/payment-methods")
async def list_payment_methods(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """Payment methods of the cart."""
    grand = call.state.totals(call.state.open_cart(masked), call.currency).grand
    return call.bare(payment_shapes(call.state.payment_methods(grand)))


@endpoint("PUT", "/guest-carts/{masked:str}/shipping-address")
async def set_shipping_address(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """A flat, complete address."""
    cart = call.state.open_cart(masked)
    cart = call.state.update_cart(cart, shipping_address=_complete_address(call))
    return _address_response(call, cart, "shippingAddress")


@endpoint("PUT", "/guest-carts/{masked:str}/billing-address")
async def set_billing_address(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """A flat, complete address, or `{"sameAsShipping": true}`."""
    cart = call.state.open_cart(masked)
    if not call.body.get("sameAsShipping"):
        cart = call.state.update_cart(cart, billing_address=_complete_address(call))
        return _address_response(call, cart, "billingAddress")
    if cart.shipping_address is None:
        raise bad_request("Cart has no shipping address to copy")
    return cart_response(call, call.state.update_cart(cart, billing_address=cart.shipping_address))


@endpoint("PUT", "/guest-carts/{masked:str}/shipping-method")
async def set_shipping_method(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """By `carrierCode` and `methodCode`."""
    cart = call.state.open_cart(masked)
    code = f"{call.body.get('carrierCode', '')}_{call.body.get('methodCode', '')}"
    call.state.check_shipping(cart, code)
    return cart_response(call, call.state.update_cart(cart, shipping_method=code))


@endpoint("PUT", "/guest-carts/{masked:str}/payment-method")
async def set_payment_method(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    """By `methodCode`."""
    cart = call.state.open_cart(masked)
    code = str(call.body.get("methodCode") or "")
    call.state.check_payment(cart, code, call.currency)
    return cart_response(call, call.state.update_cart(cart, payment_method=code))


@endpoint("POST", "/guest-carts/{masked:str}/place-order")
async def place_order(
    call: InjectedCall, ordering: NamedDependency[OrderPlacement], masked: FromPath[str]
) -> ASGIResponse:
    """201 with the order and a token for one read of it; a second call is 404."""
    order, token = await ordering.place(masked, call.body, call.currency)
    content = {**order.body, "accessToken": token}
    return call.resource("Order", content, status=201, location=f"{PREFIX}/orders/{order.id}")


@endpoint("GET", "/orders/{number:str}/details")
async def get_order_details(call: InjectedCall, number: FromPath[str]) -> ASGIResponse:
    """By increment id and `X-Order-Token`: works once, 404 for every other reason."""
    call.state.attempts.count("order read", call.client, most=MAX_ORDER_READS_PER_HOUR, seconds=3600)
    token = call.request.headers.get("x-order-token", "")
    if not token or call.state.order_tokens.get(number) != token:
        raise not_found()
    del call.state.order_tokens[number]
    content = call.state.orders[number].body | {"shipments": call.state.shipments.get(number, [])}
    return call.resource("Order", content)


def _complete_address(call: ApiCall) -> DemoAddress:
    given, optional = call.body, call.state.rules.postcode_optional
    missing = read_address(given, lists_become_array=False).missing(postcode_optional=optional)
    if missing:
        raise bad_request(f"Missing required address fields: {', '.join(missing)}")
    return read_address(given, lists_become_array=True)


def _address_response(call: ApiCall, cart: DemoCart, key: str) -> ASGIResponse:
    """The cart, with the street as it was sent, although a list is stored as "Array"."""
    shape = cart_shape(call.state, cart, call.currency, computations=call.computations)
    if isinstance(street := call.body.get("street"), list):
        shape[key]["street"] = street
    return call.resource("Cart", shape)


QUOTES: Final = (quote_shipping, list_payment_methods)
SETTERS: Final = (set_shipping_address, set_billing_address, set_shipping_method, set_payment_method)
ROUTES: Final = (*QUOTES, *SETTERS, place_order, get_order_details)
