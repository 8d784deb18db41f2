"""Compare products side by side."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.shop import Shop
from storefront_mcp.phases.p1_browse.product import complete_sku
from storefront_mcp.tools.prompt import prompt


class CompareProducts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two products, and what matters about them."""

    first: Annotated[str, Meta(description="SKU of one product")]
    second: Annotated[str, Meta(description="SKU of the other")]
    what_matters: Annotated[str, Meta(description="What the buyer cares about")] = ""


async def complete_properties(typed: str, shop: Shop) -> Sequence[str]:
    """What products differ in, for the last of what was typed; nothing where the shop would have to be asked."""
    before, comma, last = typed.rpartition(",")
    known = None if shop.guide is None else shop.guide.complete_property(last)
    return [f"{before}{comma}{' ' if comma else ''}{one}" for one in known or ()]


@prompt(complete={"first": complete_sku, "second": complete_sku, "what_matters": complete_properties})
async def compare_products(args: CompareProducts, shop: Shop) -> str:
    """Compare two products and say which one fits the buyer better."""
    matters = f" The buyer cares about: {args.what_matters}." if args.what_matters else ""
    return (
        f"Compare {args.first!r} and {args.second!r} from {shop.store.name}: read both with get_product (detail: full)."
        f"{matters} Make a short table of price, stock and the properties that differ, say only what the shop says, "
        "and end with a recommendation in one sentence."
    )
