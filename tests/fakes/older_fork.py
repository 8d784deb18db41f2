"""The demo shop as the fork of Maho from before the API was merged, for adapters that still meet it.

Coupons by POST, gift cards on another path, whole carts for quotes and totals, empty answers to update and remove, 201
on add, 404 on add to an unknown cart, no setters, no addresses in place-order, no currency header.
"""

import msgspec
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from storefront_mcp.demo import cart_api, checkout_api, shop
from storefront_mcp.demo.api_errors import not_found
from storefront_mcp.demo.cart_api import add_line, cart_response, change_line, remove_line
from storefront_mcp.demo.countries import HOME_COUNTRY, DemoAddress
from storefront_mcp.demo.http import InjectedCall, endpoint
from storefront_mcp.demo.models import DemoCart
from storefront_mcp.demo.shipping_rates import ShippingOffer
from storefront_mcp.demo.state import DemoState

CART = "/guest-carts/{masked:str}"


class OlderForkState(DemoState):
    """A shop that never learns an address, and quotes for its own country."""

    def shipping_offers(self, cart: DemoCart) -> list[ShippingOffer]:
        return super().shipping_offers(
            msgspec.structs.replace(cart, shipping_address=DemoAddress(country=HOME_COUNTRY))
        )


@endpoint("GET", f"{CART}/totals")
async def get_totals(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    return cart_response(call, call.state.open_cart(masked))


@endpoint("GET", f"{CART}/payment-methods")
async def list_payment_methods(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    return cart_response(call, call.state.open_cart(masked))


@endpoint("POST", f"{CART}/shipping-methods")
async def quote_shipping(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    return cart_response(call, call.state.open_cart(masked))


@endpoint("POST", f"{CART}/items")
async def add_item(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    cart = call.state.carts.get(masked)
    if cart is None or not cart.active:
        raise not_found()
    return cart_response(call, add_line(call, cart), status=201)


@endpoint("PUT", f"{CART}/items/{{number:str}}")
async def update_item(call: InjectedCall, masked: FromPath[str], number: FromPath[str]) -> ASGIResponse:
    change_line(call, masked, number)
    return call.empty(200)


@endpoint("DELETE", f"{CART}/items/{{number:str}}", shares_path=True)
async def remove_item(call: InjectedCall, masked: FromPath[str], number: FromPath[str]) -> ASGIResponse:
    remove_line(call, masked, number)
    return call.empty()


@endpoint("POST", f"{CART}/coupon")
async def apply_coupon(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    return await cart_api.apply_coupon.fn(call, masked)


@endpoint("POST", f"{CART}/giftcard")
async def apply_gift_card(call: InjectedCall, masked: FromPath[str]) -> ASGIResponse:
    return await cart_api.apply_gift_card.fn(call, masked)


@endpoint("DELETE", f"{CART}/giftcard/{{code:str}}")
async def remove_gift_card(call: InjectedCall, masked: FromPath[str], code: FromPath[str]) -> ASGIResponse:
    return await cart_api.remove_gift_card.fn(call, masked, code)


TODAY = (
    cart_api.get_totals,
    cart_api.apply_coupon,
    *cart_api.LINES,
    *cart_api.GIFT_CARDS,
    *checkout_api.QUOTES,
    *checkout_api.SETTERS,
)
ROUTES = (
    # Before the DELETE that shares its path.
    apply_coupon,
    *(route for route in shop.ROUTES if route not in TODAY),
    *(get_totals, list_payment_methods, quote_shipping, add_item, update_item, remove_item),
    *(apply_gift_card, remove_gift_card),
)
