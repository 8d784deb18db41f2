"""The whole category tree as an outline."""

from collections.abc import Iterable, Mapping, Sequence

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.resource import resource


@resource("shop://categories")
async def category_tree(variables: Mapping[str, str], shop: Shop) -> str:
    """Every category of the shop with its path and number of products, as a nested list."""
    return "\n".join(_outline(await shop.backend.categories(None, depth=5))) + "\n"


def _outline(categories: Sequence[Category], indent: str = "") -> Iterable[str]:
    for category in categories:
        count = "" if category.products is None else f", {category.products} products"
        yield f"{indent}- {category.name} ({category.path}{count})"
        yield from _outline(category.children, indent + "  ")
