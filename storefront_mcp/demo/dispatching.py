"""Quotes, payment methods, and the setters for addresses and methods of a guest cart."""

from storefront_mcp.demo.carting import changed, rate_shapes, whole_cart
from storefront_mcp.demo.carts import Cart
from storefront_mcp.demo.money import AUD
from storefront_mcp.demo.places import Address, read_address
from storefront_mcp.demo.receipts import payment_shapes
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.wire import Answer, Json, Request, bad_request


async def shipping_methods(state: ShopState, request: Request, masked: str) -> Answer:
    """`POST …/shipping-methods`: the offers; the address under `address` is written on the cart, whatever it lacks."""
    cart = state.open_cart(masked)
    if state.traps.older_fork:
        return whole_cart(state, cart, request)
    given = request.body.get("address")
    if isinstance(given, dict) and given:
        cart = changed(state, cart, shipping_address=read_address(given, lists_become_array=True))
    return Answer(content=rate_shapes(state, cart, request.currency))


async def list_payment_methods(state: ShopState, request: Request, masked: str) -> Answer:
    """`GET …/payment-methods`."""
    cart = state.open_cart(masked)
    if state.traps.older_fork:
        return whole_cart(state, cart, request)
    return Answer(content=payment_shapes(state.payment_methods(state.totals(cart, request.currency).grand)))


def _complete_address(given: Json) -> Address:
    missing = read_address(given, lists_become_array=False).missing()
    if missing:
        raise bad_request(f"Missing required address fields: {', '.join(missing)}")
    return read_address(given, lists_become_array=True)


def _as_sent(answer: Answer, key: str, given: Json) -> Answer:
    """A setter's own answer shows the street as it was sent, although a list was stored as "Array"."""
    street = given.get("street")
    if isinstance(street, list):
        answer.content[key]["street"] = street
    return answer


async def set_shipping_address(state: ShopState, request: Request, masked: str) -> Answer:
    """`PUT …/shipping-address`: a flat, complete address."""
    cart = state.open_cart(masked)
    cart = changed(state, cart, shipping_address=_complete_address(request.body))
    return _as_sent(whole_cart(state, cart, request), "shippingAddress", request.body)


async def set_billing_address(state: ShopState, request: Request, masked: str) -> Answer:
    """`PUT …/billing-address`: an address, or `{"sameAsShipping": true}`."""
    cart = state.open_cart(masked)
    if not request.body.get("sameAsShipping"):
        cart = changed(state, cart, billing_address=_complete_address(request.body))
        return _as_sent(whole_cart(state, cart, request), "billingAddress", request.body)
    if cart.shipping_address is None:
        raise bad_request("Cart has no shipping address to copy")
    return whole_cart(state, changed(state, cart, billing_address=cart.shipping_address), request)


def check_shipping(state: ShopState, cart: Cart, code: str) -> None:
    """400 unless the cart can be sent this way to the address it knows."""
    offered = rate_shapes(state, cart, AUD.code)
    if all(rate["code"] != code for rate in offered):
        raise bad_request("Shipping method is not available for this address")


def check_payment(state: ShopState, cart: Cart, code: str, currency: str) -> None:
    """400 unless the cart can be paid this way."""
    if all(method.code != code for method in state.payment_methods(state.totals(cart, currency).grand)):
        raise bad_request("Payment method is not available for this cart")


async def set_shipping_method(state: ShopState, request: Request, masked: str) -> Answer:
    """`PUT …/shipping-method`."""
    cart = state.open_cart(masked)
    code = f"{request.body.get('carrierCode', '')}_{request.body.get('methodCode', '')}"
    check_shipping(state, cart, code)
    return whole_cart(state, changed(state, cart, shipping_method=code), request)


async def set_payment_method(state: ShopState, request: Request, masked: str) -> Answer:
    """`PUT …/payment-method`."""
    cart = state.open_cart(masked)
    code = str(request.body.get("methodCode") or "")
    check_payment(state, cart, code, request.currency)
    return whole_cart(state, changed(state, cart, payment_method=code), request)
