"""Walk the category tree."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class ListCategories(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where to start and how deep to go."""

    parent: Annotated[str, Meta(max_length=200, description="Id or path; default: all")] | None = None
    depth: Annotated[int, Meta(ge=1, le=5, description="Levels; default 2")] = 2


class CategoryTree(Struct, frozen=True):
    """Categories, each with those below it."""

    categories: tuple[Category, ...]


@tool()
async def list_categories(args: ListCategories, shop: Shop) -> CategoryTree:
    """List categories as a tree, with how many products each holds."""
    parent = None if args.parent is None else (await shop.backend.category(args.parent)).id
    tree = await shop.backend.categories(parent, depth=args.depth)
    return CategoryTree(tuple(map(_brief, tree)))


def _brief(category: Category) -> Category:
    """A category without its description, which get_category has: a tree is for finding the way."""
    return replace(category, description="", children=tuple(map(_brief, category.children)))
