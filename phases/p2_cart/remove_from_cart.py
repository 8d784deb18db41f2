"""Take a line out of a cart."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.ids import LineId
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class RemoveFromCart(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which line."""

    cart_id: CartHandle
    line_id: Annotated[LineId, Meta(min_length=1, max_length=64, description="From the cart's lines")]


@tool(writes=True, destroys=True, repeats=True)
async def remove_from_cart(args: RemoveFromCart, shop: Shop) -> Cart:
    """Take a line out of a cart; returns the cart."""
    return await shop.carts.remove_line(args.cart_id, args.line_id)
