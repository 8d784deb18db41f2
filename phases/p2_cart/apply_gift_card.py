"""Pay with a gift card."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class ApplyGiftCard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which card, on which cart."""

    cart_id: CartHandle
    code: Annotated[str, Meta(min_length=1, max_length=64, description="As the buyer has it")]

    def __post_init__(self) -> None:
        """A blank code is none."""
        if not self.code.strip():
            message = "code must not be blank"
            raise ValueError(message)


@tool(writes=True, repeats=True, limit="coupon")
async def apply_gift_card(args: ApplyGiftCard, shop: Shop) -> Cart:
    """Pay a cart by gift card, up to its balance; returns the cart.

    A cart takes several.
    """
    return await shop.carts.apply_gift_card(args.cart_id, args.code.strip())
