"""Lead a buyer from a full cart to an order."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.prompt import prompt


class FinishTheOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which cart, and what is known about the buyer already."""

    cart_id: Annotated[str, Meta(description="The cart to order")]
    buyer: Annotated[str, Meta(description="Name, e-mail, phone and address, as far as known")] = ""
    delivery: Annotated[str, Meta(description="What matters: cheap, fast, a certain way")] = ""


@prompt()
async def finish_the_order(args: FinishTheOrder, shop: Shop) -> str:
    """Collect what an order needs, and prepare it for the buyer to pay."""
    known = f" Known about the buyer: {args.buyer}" if args.buyer else ""
    wish = f" Delivery: {args.delivery}." if args.delivery else ""
    return (
        f"Order the cart {args.cart_id} at {shop.store.name}.{known}\n"
        "1. Show the cart with view_cart. Ask at once for everything that is missing: e-mail, first and last name, "
        "street, city, region, postcode, country, phone, and whether the bill goes elsewhere. Invent nothing.\n"
        f"2. Quote with get_shipping_methods and let the buyer choose.{wish}\n"
        "3. Call place_order with dry_run. Mend what it complains about, then show all totals and wait for a yes.\n"
        "4. Call place_order with the same arguments without dry_run. Give the buyer continue_url: they pay there "
        "themselves. Never ask for card numbers, and do not open the page for them.\n"
        "5. When the buyer says they have paid, call get_order_status; while it is in progress, again after half a "
        "minute, not more often. Tell the order number, or what went wrong and what next_step says."
    )
