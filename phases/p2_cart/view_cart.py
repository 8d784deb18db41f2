"""Look into a cart."""

from msgspec import Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class ViewCart(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cart."""

    cart_id: CartHandle


@tool()
async def view_cart(args: ViewCart, shop: Shop) -> Cart:
    """Show a cart, kept seven days after its last change.

    Totals: subtotal - discount + shipping + tax (unless tax_included) - gift_cards + other = total.
    """
    return await shop.carts.view(args.cart_id)
