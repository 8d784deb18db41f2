"""Use a promo code."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class ApplyCoupon(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which code, on which cart."""

    cart_id: CartHandle
    code: Annotated[str, Meta(min_length=1, max_length=64, description="As the buyer has it; never guessed")]

    def __post_init__(self) -> None:
        """A blank code would mean no coupon to some shops."""
        if not self.code.strip():
            message = "code must not be blank"
            raise ValueError(message)


@tool(writes=True, destroys=True, repeats=True, limit="coupon")
async def apply_coupon(args: ApplyCoupon, shop: Shop) -> Cart:
    """Apply a coupon to a cart; returns the cart.

    A cart has one: another takes its place. Tries are limited for all shoppers together.
    """
    return await shop.carts.apply_coupon(args.cart_id, args.code.strip())
