"""Start a guest cart."""

from msgspec import Struct

from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class CreateCart(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is needed."""


@tool(writes=True, limit="cart")
async def create_cart(args: CreateCart, shop: Shop) -> Cart:
    """Start a guest cart; returns its cart_id for the other cart tools.

    Keep it: it alone opens the cart.
    """
    return await shop.carts.create()
