"""Cancel an order of the signed-in customer."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.accounts import CustomerOrder, OrderNumber
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class CancelOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which order, and why."""

    number: OrderNumber
    reason: Annotated[str, Meta(max_length=200, description="For the shop")] = ""


@tool(writes=True, destroys=True, repeats=True, limit="order")
async def cancel_order(args: CancelOrder, shop: Shop) -> CustomerOrder:
    """Cancel an order of the signed-in buyer, for good. Get a yes first."""
    account = await shop.required_customer.account()
    order = await account.cancel(args.number, args.reason.strip())
    return replace(order, shipping_address=None, billing_address=None)
