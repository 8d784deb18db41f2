"""Fill a cart from a shopping list or a recipe."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.prompt import prompt


class FillTheCart(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is wanted, and where it goes."""

    wanted: Annotated[str, Meta(description="A shopping list or a recipe")]
    cart_id: Annotated[str, Meta(description="A cart to go on with")] = ""
    ship_to: Annotated[str, Meta(description="Country and postcode, for a shipping quote")] = ""


async def complete_list(typed: str, shop: Shop) -> Sequence[str]:
    """What the last thing on a list may be; nothing where the shop would have to be asked."""
    start = max(typed.rfind(mark) for mark in ",;\n") + 1
    before, last = typed[:start], typed[start:].lstrip()
    known = shop.guide.complete_text(last) if shop.guide is not None and last else None
    return [f"{before}{' ' if before[-1:] in {',', ';'} else ''}{one}" for one in known or ()]


@prompt(complete={"wanted": complete_list})
async def fill_the_cart(args: FillTheCart, shop: Shop) -> str:
    """Fill the cart for a recipe or a shopping list, and show what it costs."""
    cart = f"Use the cart {args.cart_id}." if args.cart_id else "Start a cart with create_cart."
    quote = f" Then quote shipping to {args.ship_to} with get_shipping_methods." if args.ship_to else ""
    return (
        f"Fill a cart at {shop.store.name} for this:\n\n{args.wanted}\n\n{cart} For each item search, choose what fits "
        "best and is in stock, and add it with add_to_cart; where a product has variants or options, ask. Say which "
        f"items the shop does not have. At the end show the cart with view_cart.{quote} Do not guess coupon codes."
    )
