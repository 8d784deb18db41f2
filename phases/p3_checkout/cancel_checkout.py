"""Give up an order that has not been paid."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class CancelCheckout(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which checkout."""

    checkout_id: Annotated[str, Meta(min_length=1, max_length=64, description="From place_order")]


@tool(writes=True, destroys=True, repeats=True, limit="order")
async def cancel_checkout(args: CancelCheckout, shop: Shop) -> CheckoutView:
    """Give up an unpaid order: its payment page closes, the cart stays."""
    return await shop.required_checkouts.cancel(args.checkout_id)
