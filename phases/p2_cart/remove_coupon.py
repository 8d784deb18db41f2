"""Take the promo code off."""

from msgspec import Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class RemoveCoupon(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cart."""

    cart_id: CartHandle


@tool(writes=True, destroys=True, repeats=True)
async def remove_coupon(args: RemoveCoupon, shop: Shop) -> Cart:
    """Take the coupon off a cart; returns the cart."""
    return await shop.carts.remove_coupon(args.cart_id)
