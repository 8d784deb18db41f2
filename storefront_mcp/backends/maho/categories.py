"""Maho's category tree, read level by level and cached for a few minutes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.rest import RestClient, expect_success, is_id
from storefront_mcp.backends.maho.shapes import CategoryShape, CollectionShape, ResolvedUrl
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.backends.work_budget import WorkBudget
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import CategoryNotFound
from storefront_mcp.commerce.ids import CategoryId

TREE_TTL_SECONDS: Final = 300.0
"""The shop's own cache headers allow an hour."""
MAX_CACHED_CATEGORIES: Final = 20_000
MAX_LISTS_BYTES: Final = 4_000_000
LISTS_TTL_SECONDS: Final = 86_400.0
MAX_CONCURRENT_REQUESTS: Final = 6
MAX_TREE_DEPTH: Final = 8
MAX_TREE_CATEGORIES: Final = 2_000
"""Categories of one walk; the rest is left out."""

ROOT_ID: Final = ""


class MahoCategories:
    """Categories of a store. The tree is walked by `parentId`: Maho returns one level per call."""

    def __init__(self, rest: RestClient, budget: WorkBudget, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._budget = budget
        self._below: TtlCache[str, tuple[CategoryShape, ...]] = TtlCache(
            size=MAX_CACHED_CATEGORIES, seconds=TREE_TTL_SECONDS, clock=clock, weigh=lambda below: 1 + len(below)
        )
        self.caches: Final = (self._below,)
        self._lists: TtlCache[str, UpstreamResponse] = TtlCache(
            size=MAX_LISTS_BYTES, seconds=LISTS_TTL_SECONDS, clock=clock, weigh=lambda answer: 1 + len(answer.body)
        )
        """What the shop sent, to be asked whether it still holds."""
        self._turns = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def tree(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The categories below `parent` or the root, `depth` levels deep. Raises CategoryNotFound."""
        if parent is not None:
            await self._existing(parent)
        return await self._subtree(parent or ROOT_ID, min(depth, MAX_TREE_DEPTH))

    async def category(self, key: str) -> Category:
        """The category with this id, URL path, URL key or name, with its children. Raises CategoryNotFound."""
        path = key.strip().strip("/")
        found = await self._by_id(path) or await self._by_path(path) or await self._by_name(path)
        if found is None:
            raise CategoryNotFound(key)
        children = [child for child in found.children if _is_visible(child)]
        return translation.category(found, [translation.category(child) for child in children])

    async def with_descendants(self, category: CategoryId) -> frozenset[int]:
        """The ids of a category and its descendants. Raises CategoryNotFound."""
        await self._existing(category)
        return frozenset(int(one.id) for one in _flatten(await self._subtree(category, MAX_TREE_DEPTH))) | {
            int(category)
        }

    async def _existing(self, category: CategoryId) -> None:
        """Raise CategoryNotFound for an unknown id. Maho lists no children for one, so a childless one is read."""
        if not is_id(category):
            raise CategoryNotFound(category)
        if not await self._children(category) and await self._by_id(category) is None:
            raise CategoryNotFound(category)

    async def _subtree(self, parent: str, depth: int) -> tuple[Category, ...]:
        """Level by level, each category once: a shop may list one below itself."""
        below: dict[str, list[CategoryShape]] = {}
        seen, level = {parent}, [parent]
        for _ in range(depth):
            read = await asyncio.gather(*(self._budget.meter(self._children, one) for one in level))
            for one, children in zip(level, read, strict=True):
                below[one] = [child for child in children if not _is_seen(str(child.id), seen)]
            shown = (child for one in level for child in below[one])
            level = [str(child.id) for child in shown if child.children_count != 0]
        return _grow(parent, below)

    async def _children(self, parent: str) -> tuple[CategoryShape, ...]:
        """The visible children of a category, cached."""
        known = self._below.find(parent)
        if known is None:
            async with self._turns:
                query = {} if parent == ROOT_ID else {"parentId": parent}
                read = await self._rest.all(CollectionShape[CategoryShape], "/categories", query, self._lists)
                # A tree shows no descriptions, which are long.
                known = tuple(replace(one, description=None, children=[]) for one in read if _is_visible(one))
            self._below[parent] = known
        return known

    async def _by_id(self, key: str) -> CategoryShape | None:
        if not is_id(key):
            return None
        answer = await self._rest.get(f"/categories/{key}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        found = expect_success(answer).read(CategoryShape)
        return found if _is_visible(found) else None

    async def _by_path(self, path: str) -> CategoryShape | None:
        if not path:
            return None
        answer = await self._rest.get("/url-resolver", {"path": path})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        for resolved in expect_success(answer).read(CollectionShape[ResolvedUrl]).member[:1]:
            if resolved.type == "category" and resolved.id is not None:
                return await self._by_id(str(resolved.id))
        return None

    async def _by_name(self, key: str) -> CategoryShape | None:
        """The first with this URL key, else the only one of this name. Walks the tree: Maho filters by neither."""
        if not key or "/" in key:
            return None
        walked = list(_flatten(await self._subtree(ROOT_ID, MAX_TREE_DEPTH)))
        by_key = [one for one in walked if one.path.rpartition("/")[2] == key][:1]
        meant = by_key or [one for one in walked if one.name.casefold() == key.casefold()]
        return await self._by_id(meant[0].id) if len(meant) == 1 else None


def _is_visible(found: CategoryShape) -> bool:
    return found.is_active is not False


def _is_seen(category: str, seen: set[str]) -> bool:
    """Whether a walk has met a category, or met as many as it may; from now on it has."""
    if category in seen or len(seen) > MAX_TREE_CATEGORIES:
        return True
    seen.add(category)
    return False


def _grow(parent: str, below: dict[str, list[CategoryShape]]) -> tuple[Category, ...]:
    return tuple(
        translation.category(child, _grow(str(child.id), below) if str(child.id) in below else None)
        for child in below.get(parent, ())
    )


def _flatten(categories: Sequence[Category]) -> Iterator[Category]:
    for one in categories:
        yield one
        yield from _flatten(one.children)
