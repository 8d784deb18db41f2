"""Maho's category tree, read level by level and remembered for a few minutes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.rest import Rest, accepted, is_id
from storefront_mcp.backends.maho.shapes import Collection, Resolved, Shelf
from storefront_mcp.backends.memory import Remembered
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import CategoryNotFound
from storefront_mcp.commerce.names import CategoryId

KEPT: Final = 300.0
"""Seconds; the shop itself lets anybody keep categories for an hour."""
PARENTS: Final = 1000
"""Families of categories remembered."""
AT_ONCE: Final = 6
"""Reads of a tree that run side by side."""
DEEPEST: Final = 8
"""Levels walked at most; a shop's tree may have been knotted by mistake."""

ROOT: Final = ""


class Shelves:
    """The categories of a store. A tree is walked by `parentId`: the shop gives one level per call."""

    def __init__(self, rest: Rest, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._below: Remembered[str, tuple[Shelf, ...]] = Remembered(size=PARENTS, seconds=KEPT, clock=clock)
        self.remembered: Final = (self._below,)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def tree(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The categories below one, or below the root, `depth` levels of them. Raises CategoryNotFound."""
        if parent is not None:
            await self._existing(parent)
        return await self._grown(parent or ROOT, min(depth, DEEPEST))

    async def category(self, key: str) -> Category:
        """The category with this id, path or url key, with its direct children. Raises CategoryNotFound."""
        path = key.strip().strip("/")
        shelf = await self._by_id(path) or await self._by_path(path) or await self._by_url_key(path)
        if shelf is None:
            raise CategoryNotFound(key)
        return translation.category(shelf, [translation.category(child) for child in shelf.children if _shown(child)])

    async def with_descendants(self, category: CategoryId) -> frozenset[int]:
        """The ids of a category and of everything below it. Raises CategoryNotFound."""
        await self._existing(category)
        return frozenset(int(one.id) for one in _flat(await self._grown(category, DEEPEST))) | {int(category)}

    async def _existing(self, category: CategoryId) -> None:
        """The shop answers an unknown parent with an empty list, so a category that seems childless is looked up."""
        if not is_id(category):
            raise CategoryNotFound(category)
        if not await self._children(category) and await self._by_id(category) is None:
            raise CategoryNotFound(category)

    async def _grown(self, parent: str, depth: int) -> tuple[Category, ...]:
        shelves = await self._children(parent)
        below = await asyncio.gather(*(self._grown_below(shelf, depth - 1) for shelf in shelves))
        return tuple(translation.category(shelf, grown) for shelf, grown in zip(shelves, below, strict=True))

    async def _grown_below(self, shelf: Shelf, depth: int) -> tuple[Category, ...]:
        if depth < 1 or shelf.children_count == 0:
            return ()
        return await self._grown(str(shelf.id), depth)

    async def _children(self, parent: str) -> tuple[Shelf, ...]:
        """The categories right below one."""
        known = self._below.find(parent)
        if known is None:
            async with self._turns:
                query = {} if parent == ROOT else {"parentId": parent}
                known = tuple(filter(_shown, await self._rest.all(Collection[Shelf], "/categories", query)))
            self._below.keep(parent, known)
        return known

    async def _by_id(self, key: str) -> Shelf | None:
        if not is_id(key):
            return None
        answer = await self._rest.get(f"/categories/{key}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        shelf = accepted(answer).read(Shelf)
        return shelf if _shown(shelf) else None

    async def _by_path(self, path: str) -> Shelf | None:
        if not path:
            return None
        answer = await self._rest.get("/url-resolver", {"path": path})
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        for resolved in accepted(answer).read(Collection[Resolved]).member[:1]:
            if resolved.type == "category" and resolved.id is not None:
                return await self._by_id(str(resolved.id))
        return None

    async def _by_url_key(self, key: str) -> Shelf | None:
        """The shop ignores a filter by url key, so the tree is walked."""
        if not key or "/" in key:
            return None
        for one in _flat(await self._grown(ROOT, DEEPEST)):
            if one.path.rpartition("/")[2] == key:
                return await self._by_id(one.id)
        return None


def _shown(shelf: Shelf) -> bool:
    return shelf.is_active is not False


def _flat(categories: Sequence[Category]) -> Iterator[Category]:
    for one in categories:
        yield one
        yield from _flat(one.children)
