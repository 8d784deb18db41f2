"""Read one category and its first products."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class GetCategory(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which category, and how many of its products."""

    category: Annotated[str, Meta(min_length=1, max_length=200, description="Category id or path")]
    page_size: Annotated[int, Meta(ge=1, le=50, description="Default: 10")] = 10


class CategoryPage(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A category with the first page of its products."""

    category: Category
    products: tuple[ProductSummary, ...]
    total: int | None = None
    as_of: str | None = None
    """UTC, when the shop said so; absent: just now."""
    stale: bool = False
    """The shop does not answer now: this may have changed."""


@tool()
async def get_category(args: GetCategory, shop: Shop) -> CategoryPage:
    """Read a category, its subcategories and the first page of its products.

    More, and other orders: search_products with it.
    """
    category = await shop.backend.category(args.category)
    found = await shop.backend.search(SearchQuery(category=category.id, size=args.page_size))
    return CategoryPage(
        category=replace(category, as_of=None, stale=False),
        products=found.products,
        total=found.total,
        as_of=found.as_of,
        stale=found.stale,
    )
