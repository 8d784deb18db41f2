"""Take a gift card off."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class RemoveGiftCard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which card, on which cart."""

    cart_id: CartHandle
    code: Annotated[str, Meta(min_length=1, max_length=64, description="Or as the cart shows it")]


@tool(writes=True, destroys=True, repeats=True)
async def remove_gift_card(args: RemoveGiftCard, shop: Shop) -> Cart:
    """Take a gift card off a cart; returns the cart."""
    return await shop.carts.remove_gift_card(args.cart_id, args.code.strip())
