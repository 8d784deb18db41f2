"""Quote shipping for an address."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.roadmap.tool import tool


class GetShippingMethods(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cart, and where it should go."""

    cart_id: CartHandle
    address: Annotated[Address, Meta(description="Where to")]


class ShippingQuote(Struct, frozen=True):
    """What sending the cart there costs; empty when the shop does not ship it there."""

    methods: tuple[ShippingMethod, ...]


@tool(writes=True, repeats=True)
async def get_shipping_methods(args: GetShippingMethods, shop: Shop) -> ShippingQuote:
    """Quote shipping of a cart to a country, with postcode and region where prices depend on them.

    Totals of the cart may change afterwards, as tax follows the address.
    """
    return ShippingQuote(tuple(await shop.carts.shipping_methods(args.cart_id, args.address)))
