"""Change how many of a line there are."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.errors import NotEnoughStock, OutOfStock
from storefront_mcp.commerce.ids import LineId
from storefront_mcp.commerce.related import name_others
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class UpdateCartItem(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which line, and how many it should have."""

    cart_id: CartHandle
    line_id: Annotated[LineId, Meta(min_length=1, max_length=64, description="From the cart's lines")]
    quantity: Annotated[int, Meta(ge=0, le=999, description="The new quantity; 0 takes the line out")]


@tool(writes=True, destroys=True, repeats=True)
async def update_cart_item(args: UpdateCartItem, shop: Shop) -> Cart:
    """Set the quantity of a cart line; returns the cart."""
    if args.quantity == 0:
        return await shop.carts.remove_line(args.cart_id, args.line_id)
    try:
        return await shop.carts.update_line(args.cart_id, args.line_id, args.quantity)
    except (NotEnoughStock, OutOfStock) as refused:
        await name_others(refused, args.quantity, shop.guide, shop.backend)
        raise
