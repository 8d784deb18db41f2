"""Help somebody find a gift."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.prompt import prompt


class FindAGift(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who it is for, and within which bounds."""

    recipient: Annotated[str, Meta(description="Who the gift is for, and what they like")]
    budget: Annotated[str, Meta(description="The most it may cost")] = ""
    category: Annotated[str, Meta(description="A category to look in")] = ""


async def category_names(typed: str, shop: Shop) -> Sequence[str]:
    """Names of categories that begin with what was typed."""
    known = None if shop.guide is None else shop.guide.complete_category(typed)
    if known is not None:
        return known
    names = _names(await shop.backend.categories(None, depth=5))
    return sorted(name for name in names if name.lower().startswith(typed.lower()))


@prompt(complete={"category": category_names})
async def find_a_gift(args: FindAGift, shop: Shop) -> str:
    """Find a gift for somebody, within a budget."""
    bounds = [f"It may cost at most {args.budget}."] if args.budget else []
    where = [f"Look in the category {args.category!r} first."] if args.category else []
    lines = [
        f"Find a gift at {shop.store.name} for: {args.recipient}.",
        *bounds,
        *where,
        f"Search with several different ideas; prices are in minor units of {shop.store.currency}.",
        "Read the best candidates with get_product, and keep to what is in stock.",
        "Propose three gifts: name, price, one sentence why it fits. Ask which one to take.",
    ]
    return "\n".join(lines)


def _names(categories: Sequence[Category]) -> set[str]:
    return {category.name for category in categories} | {
        name for category in categories for name in _names(category.children)
    }
