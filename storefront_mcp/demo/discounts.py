"""Coupons and gift cards on a guest cart."""

from typing import Final

from storefront_mcp.demo.carting import changed, whole_cart
from storefront_mcp.demo.rewards import find_coupon
from storefront_mcp.demo.state import ShopState
from storefront_mcp.demo.totals import goods_value
from storefront_mcp.demo.wire import Answer, Refused, Request, bad_request

COUPON_TRIES: Final = 20
GIFT_CARD_TRIES: Final = 10
_MINUTE = 60.0


async def apply_coupon(state: ShopState, request: Request, masked: str) -> Answer:
    """`PUT …/coupon` (POST in the older fork); an unknown code keeps the earlier coupon, one that fails removes it."""
    cart = state.open_cart(masked)
    typed = str(request.body.get("couponCode") or request.body.get("code") or "").strip()
    if not typed:
        raise bad_request("Coupon code is required")
    state.limits.count("coupon", request.client, most=COUPON_TRIES, seconds=_MINUTE)
    coupon = find_coupon(typed)
    if coupon is None:
        raise Refused(400, "invalid_coupon", f"Coupon code '{typed}' is not valid")
    if not coupon.applies(goods_value(cart)):
        changed(state, cart, coupon=None)
        raise Refused(400, "invalid_coupon", f"Coupon code '{typed}' could not be applied")
    return whole_cart(state, changed(state, cart, coupon=typed), request)


async def remove_coupon(state: ShopState, request: Request, masked: str) -> Answer:  # noqa: ARG001 - a route's signature
    """`DELETE …/coupon`: 204, also when there was none."""
    changed(state, state.open_cart(masked), coupon=None)
    return Answer(status=204)


async def apply_gift_card(state: ShopState, request: Request, masked: str) -> Answer:
    """`POST …/giftcards`."""
    cart = state.open_cart(masked)
    code = str(request.body.get("giftcardCode") or "").strip()
    if not code:
        raise bad_request("Gift card code is required")
    state.limits.count("gift card", request.client, most=GIFT_CARD_TRIES, seconds=_MINUTE)
    if code in cart.gift_cards:
        raise bad_request(f'Gift card "{code}" is already applied')
    if not state.balances.get(code):
        raise bad_request(f'Gift card "{code}" is not valid')
    return whole_cart(state, changed(state, cart, gift_cards=(*cart.gift_cards, code)), request)


async def remove_gift_card(state: ShopState, request: Request, masked: str, code: str) -> Answer:  # noqa: ARG001
    """`DELETE …/giftcards/{code}`: 204."""
    cart = state.open_cart(masked)
    if code not in cart.gift_cards:
        raise bad_request(f'Gift card "{code}" is not applied to this cart')
    changed(state, cart, gift_cards=tuple(other for other in cart.gift_cards if other != code))
    return Answer(status=204)
