"""See where an order stands."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.checkout import CheckoutView
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class GetOrderStatus(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which checkout."""

    checkout_id: Annotated[str, Meta(min_length=1, max_length=64, description="From place_order")]


@tool()
async def get_order_status(args: GetOrderStatus, shop: Shop) -> CheckoutView:
    """Tell where an order stands, and what to do next.

    Ask when the buyer says they have paid, else twice a minute at most, until completed, failed or canceled.
    """
    return await shop.required_checkouts.status(args.checkout_id)
