"""Quote shipping for an address."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from storefront_mcp.commerce.address import Address
from storefront_mcp.commerce.cart import CartHandle
from storefront_mcp.commerce.shipping import ShippingMethod, with_delivery_times
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class GetShippingMethods(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cart, and where it should go."""

    cart_id: CartHandle
    address: Annotated[Address, Meta(description="Where to")]


class ShippingQuote(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What sending the cart there costs."""

    methods: tuple[ShippingMethod, ...]
    estimate: bool = False
    """Whether prices may differ once the address has all that they depend on."""
    depends_on: tuple[str, ...] = ()
    """What the address lacks for a firm price."""
    notice: str | None = None


NOTHING_SENT: Final = "Nothing in this cart is sent: order it with the buyer's address, without shipping_method."
NOT_SENT: Final = "The shop has no way to send this cart to that address."


@tool(writes=True, repeats=True)
async def get_shipping_methods(args: GetShippingMethods, shop: Shop) -> ShippingQuote:
    """Quote shipping of a cart to a country, with postcode and region where prices depend on them.

    The cart's totals may change, as tax follows the address.
    """
    methods = await shop.carts.shipping_methods(args.cart_id, args.address)
    if methods is None:
        return ShippingQuote(methods=(), notice=NOTHING_SENT)
    gaps = tuple(await shop.carts.quote_gaps(args.address))
    timed = with_delivery_times(methods, shop.store.delivery_times)
    return ShippingQuote(methods=timed, estimate=bool(gaps), depends_on=gaps, notice=None if methods else NOT_SENT)
