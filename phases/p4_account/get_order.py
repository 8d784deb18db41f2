"""Show one order of the signed-in customer."""

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.accounts import CustomerOrder, OrderNumber
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class GetOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which order."""

    number: OrderNumber


@tool()
async def get_order(args: GetOrder, shop: Shop) -> CustomerOrder:
    """Show an order of the signed-in buyer: lines, totals, parcels, and whether it is cancellable."""
    customer = shop.required_customer
    order = await (await customer.account()).order(args.number)
    if "profile:read" in customer.scopes:
        return order
    return replace(order, shipping_address=None, billing_address=None)
