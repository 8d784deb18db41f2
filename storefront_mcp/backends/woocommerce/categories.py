"""WooCommerce's categories: one flat list of all, from which the tree is grown, cached for a few minutes."""

from collections.abc import Callable, Sequence
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.cache import TtlCache
from storefront_mcp.backends.woocommerce import translation
from storefront_mcp.backends.woocommerce.shapes import WooCategoryShape
from storefront_mcp.backends.woocommerce.store_api import STORE, StoreApiClient, is_id
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import CategoryNotFound
from storefront_mcp.commerce.ids import CategoryId

TREE_TTL_SECONDS: Final = 300.0
MAX_TREE_DEPTH: Final = 8
ROOT_ID: Final = 0


class WooCategoryForest(dict[int, list[WooCategoryShape]]):
    """The categories below each id, the root's below `ROOT_ID`; each category once, whatever the shop says."""

    def __init__(self, listed: Sequence[WooCategoryShape]) -> None:
        super().__init__()
        self.found: Final = {one.id: one for one in listed}
        self.paths: Final[dict[int, str]] = {}
        for one in self.found.values():
            self.setdefault(one.parent if one.parent in self.found else ROOT_ID, []).append(one)
        level = [(one, "") for one in self.get(ROOT_ID, [])]
        for _ in range(MAX_TREE_DEPTH):
            for one, above in level:
                self.paths.setdefault(one.id, sanitizing.line(f"{above}{one.slug}"))
            level = [(child, f"{self.paths[one.id]}/") for one, _ in level for child in self.get(one.id, [])]

    def grow(self, parent: int, depth: int) -> tuple[Category, ...]:
        """The categories below one, so many levels of them."""
        return tuple(self.category(one, depth - 1) for one in self.get(parent, []) if one.id in self.paths)

    def category(self, found: WooCategoryShape, depth: int) -> Category:
        """A category with so many levels below it."""
        children = self.grow(found.id, depth) if depth > 0 else None
        return translation.category(found, self.paths[found.id], children, has_more=bool(self.get(found.id)))


class WooCategories:
    """Categories of a store."""

    def __init__(self, rest: StoreApiClient, *, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._forest: TtlCache[None, WooCategoryForest] = TtlCache(size=1, seconds=TREE_TTL_SECONDS, clock=clock)
        self.caches: Final = (self._forest,)

    async def tree(self, parent: CategoryId | None, *, depth: int) -> Sequence[Category]:
        """The categories below `parent` or the root, `depth` levels deep. Raises CategoryNotFound."""
        forest = await self._read()
        return forest.grow(ROOT_ID if parent is None else _known(forest, parent).id, min(depth, MAX_TREE_DEPTH))

    async def category(self, key: str) -> Category:
        """The category with this id, URL path, slug or name, with its children. Raises CategoryNotFound."""
        forest, plain = await self._read(), key.strip().strip("/")
        if is_id(plain) and int(plain) in forest.paths:
            return forest.category(forest.found[int(plain)], 1)
        meant = [one for one in forest.paths if forest.paths[one] == plain]
        meant = meant or [one for one in forest.paths if forest.found[one].slug == plain]
        wanted = plain.casefold()
        meant = meant or [one for one in forest.paths if sanitizing.line(forest.found[one].name).casefold() == wanted]
        if len(meant) != 1:
            raise CategoryNotFound(key)
        return forest.category(forest.found[meant[0]], 1)

    async def existing(self, category: CategoryId) -> int:
        """The shop's id of a category. Raises CategoryNotFound."""
        return _known(await self._read(), category).id

    async def _read(self) -> WooCategoryForest:
        forest = self._forest.find(None)
        if forest is None:
            forest = WooCategoryForest(await self._rest.all(WooCategoryShape, f"{STORE}/products/categories", {}))
            self._forest[None] = forest
        return forest


def _known(forest: WooCategoryForest, category: CategoryId) -> WooCategoryShape:
    if not is_id(category) or int(category) not in forest.paths:
        raise CategoryNotFound(category)
    return forest.found[int(category)]
