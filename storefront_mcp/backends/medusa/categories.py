"""Medusa's category tree, which one call tells, cached for a few minutes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.medusa import translation
from storefront_mcp.backends.medusa.api import MedusaClient, expect_success
from storefront_mcp.backends.medusa.shapes import CategoryNode, CategoryNodes
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import CategoryNotFound
from storefront_mcp.commerce.ids import CategoryId

TREE_TTL_SECONDS: Final = 300.0
MAX_TREE_DEPTH: Final = 8
MAX_ROOTS: Final = 500
MAX_TREE_CATEGORIES: Final = 2_000
"""The rest is left out."""
TREE_FIELDS: Final = "id,name,handle,description,category_children"

_Placed = tuple[CategoryNode, str]
"""A category and its path."""


class MedusaCategories:
    """Categories of a store, found in one copy of the tree: an unknown id answers 200 and nothing."""

    def __init__(self, api: MedusaClient, *, clock: Callable[[], float]) -> None:
        self._api = api
        self._tree: TtlCache[None, tuple[_Placed, ...]] = TtlCache(size=1, seconds=TREE_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._tree,)

    async def tree(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The categories below `parent` or the root, `depth` levels deep. Raises CategoryNotFound."""
        if parent is None:
            roots = [(node, path) for node, path in await self._places() if "/" not in path]
        else:
            roots = list(_children(*await self._find(parent)))
        return tuple(_grow(node, path, min(depth, MAX_TREE_DEPTH)) for node, path in roots)

    async def category(self, key: str) -> Category:
        """The category with this id, path, handle or name, with its children. Raises CategoryNotFound."""
        wanted = key.strip().strip("/")
        placed = await self._places()
        by_place = [one for one in placed if wanted in {one[0].id, one[1]}]
        by_handle = [one for one in placed if one[1].rpartition("/")[2] == wanted]
        by_name = [one for one in placed if sanitizing.line(one[0].name).casefold() == wanted.casefold()]
        found = by_place or by_handle or by_name
        if not wanted or len(found) != 1:
            raise CategoryNotFound(key)
        return _grow(*found[0], 2)

    async def with_descendants(self, category: CategoryId) -> tuple[str, ...]:
        """The ids of a category and its descendants. Raises CategoryNotFound."""
        node, path = await self._find(category)
        return tuple(one.id for one, _ in _flatten(node, path))

    async def _find(self, category: CategoryId) -> _Placed:
        found = next((one for one in await self._places() if one[0].id == category), None)
        if found is None:
            raise CategoryNotFound(category)
        return found

    async def _places(self) -> tuple[_Placed, ...]:
        """Every category with its path, parents first."""
        known = self._tree.find(None)
        if known is None:
            query = {
                "include_descendants_tree": "true",
                "parent_category_id": "null",
                "limit": str(MAX_ROOTS),
                "fields": TREE_FIELDS,
            }
            read = expect_success(await self._api.get("/product-categories", query)).read(CategoryNodes)
            walked = (one for root in read.product_categories for one in _flatten(root, _segment(root)))
            unique = {
                node.id: (node, path) for (node, path), _ in zip(walked, range(MAX_TREE_CATEGORIES), strict=False)
            }
            known = self._tree[None] = tuple(unique.values())
        return known


def _segment(node: CategoryNode) -> str:
    """A part of a path."""
    return sanitizing.line(node.handle, translation.MAX_LABEL_CHARS).strip("/").replace("/", "-") or node.id


def _children(node: CategoryNode, path: str) -> Iterator[_Placed]:
    for child in node.category_children or ():
        yield child, f"{path}/{_segment(child)}"


def _flatten(node: CategoryNode, path: str, depth: int = MAX_TREE_DEPTH) -> Iterator[_Placed]:
    yield node, path
    for child in _children(node, path) if depth else ():
        yield from _flatten(*child, depth - 1)


def _grow(node: CategoryNode, path: str, depth: int) -> Category:
    """A category with `depth` levels of the tree, its own included."""
    children = [_grow(*child, depth - 1) for child in _children(node, path)] if depth > 1 else None
    return translation.category(node, children, path)
