"""Put a product into a guest cart."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.cart import Cart, CartHandle
from storefront_mcp.commerce.errors import NotEnoughStock, OutOfStock
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.related import name_others
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class AddToCart(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to add, how many, and with which options."""

    cart_id: CartHandle
    sku: Annotated[Sku, Meta(min_length=1, max_length=64, description="Of the product, or of the chosen variant")]
    quantity: Annotated[int, Meta(ge=1, le=999, description="Default: 1")] = 1
    options: Annotated[
        dict[str, str | list[str]],
        Meta(description="Custom options: option id to text, value id or value ids"),
    ] = {}


@tool(writes=True)
async def add_to_cart(args: AddToCart, shop: Shop) -> Cart:
    """Add a product to a cart; returns the cart.

    A SKU already in it raises its quantity. A product with variants is refused with the list of them.
    """
    try:
        return await shop.carts.add_line(args.cart_id, args.sku, args.quantity, args.options)
    except (NotEnoughStock, OutOfStock) as refused:
        await name_others(refused, args.quantity, shop.guide, shop.backend)
        raise
