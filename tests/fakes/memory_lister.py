"""A catalogue in memory behind the lister's port, with the habits of shops: lists hide, pages shift, dates lag."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import ShopRefused
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.listing import BriefEntry, BriefPage, CatalogueEntry, EntryPage
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product, Variant
from tests.fakes.memory_index import nothing

PADDLES = CategoryId("3")


class ShelfProduct(Struct, kw_only=True):
    """A product of the shop."""

    key: str
    price: int = 1000
    stock: int = 5
    listed: bool = True
    """Whether browsing shows it."""
    name: str = ""
    changed: float = 0.0
    variants: dict[str, int] = {}
    """Stock by SKU."""
    reprices: tuple[int, ...] = ()
    unreadable: bool = False
    unsold: bool = False
    """Whether guests cannot buy it, as it has no price."""
    category: CategoryId = PADDLES

    @property
    def in_stock(self) -> bool:
        return any(self.variants.values()) if self.variants else self.stock > 0


class MemoryLister:
    """Implements `CatalogueLister`."""

    def __init__(self, count: int, *, now: Callable[[], float], size: int = 10, dated: bool = True) -> None:
        """`dated`: whether it knows what has changed since; else `changes` tells everything."""
        self.products = {f"{number:05}": ShelfProduct(key=f"{number:05}") for number in range(1, count + 1)}
        self.tree = (Category(id=CategoryId("2"), name="Gear", children=(Category(id=PADDLES, name="Paddles"),)),)
        self.size = size
        self.calls: list[str] = []
        self.step: Callable[[str], None] = nothing
        """Called before each answer; it may raise, or change the shop."""
        self._now = now
        self._dated = dated

    def change(self, key: str, *, by_stock: bool = False, **fields: object) -> None:
        """Change a product; stock moves without a date."""
        product = self.products[key]
        for name, value in fields.items():
            setattr(product, name, value)
        if not by_stock:
            product.changed = self._now()

    @property
    def truth(self) -> dict[str, Product]:
        """Whatever the shop has, as it is now."""
        return {
            key: self._entry(one).product for key, one in self.products.items() if not (one.unreadable or one.unsold)
        }

    async def page(self, after: str | None = None) -> EntryPage:
        return self._page("page", self._shown(), after)

    async def changes(self, since: float, after: str | None = None) -> EntryPage:
        changed = [one for one in self._shown() if not self._dated or one.changed >= since]
        return self._page("changes", changed, after)

    async def brief_page(self, after: str | None = None) -> BriefPage:
        self._ask("brief_page")
        shown = self._shown()
        at = int(after or 0)
        entries = []
        for one in [each for each in shown[at : at + self.size] if not each.unsold]:
            product = self._entry(one).product
            entries.append(
                BriefEntry(
                    key=one.key,
                    sku=product.sku,
                    price=product.price,
                    list_price=product.list_price,
                    in_stock=product.in_stock,
                )
            )
        return BriefPage(entries=tuple(entries), total=len(shown), next=self._next(at, len(shown)))

    async def read(self, key: str) -> CatalogueEntry | None:
        self._ask(f"read {key}")
        found = self.products.get(key)
        if found is not None and found.unreadable:
            raise ShopRefused("this product cannot be read.")
        return None if found is None or found.unsold else self._entry(found)

    async def find(self, sku: str) -> CatalogueEntry | None:
        self._ask(f"find {sku}")
        return next((self._entry(one) for one in self._shown() if f"SKU-{one.key}" == sku), None)

    async def categories(self) -> Sequence[Category]:
        self._ask("categories")
        return self.tree

    def _ask(self, name: str) -> None:
        self.calls.append(name)
        self.step(name)

    def _shown(self) -> list[ShelfProduct]:
        return [one for _, one in sorted(self.products.items()) if one.listed and one.in_stock]

    def _page(self, name: str, shown: Sequence[ShelfProduct], after: str | None) -> EntryPage:
        self._ask(name)
        if name == "page":
            shown = self._shown()
        at = int(after or 0)
        part = shown[at : at + self.size]
        return EntryPage(
            entries=tuple(self._entry(one) for one in part if not (one.unreadable or one.unsold)),
            unreadable=tuple(one.key for one in part if one.unreadable),
            unsold=sum(one.unsold for one in part),
            total=len(shown),
            next=self._next(at, len(shown)),
            shop_time=self._now(),
        )

    def _next(self, at: int, total: int) -> str | None:
        return str(at + self.size) if at + self.size < total else None

    def _entry(self, one: ShelfProduct) -> CatalogueEntry:
        product = Product(
            sku=Sku(f"SKU-{one.key}"),
            name=one.name or f"Paddle {one.key}",
            price=Money(one.price, "AUD"),
            in_stock=one.in_stock,
            stock=one.stock or None,
            categories=(one.category,),
            variants=tuple(
                Variant(sku=Sku(sku), options={"Colour": sku}, in_stock=stock > 0)
                for sku, stock in one.variants.items()
            ),
        )
        entry = CatalogueEntry(
            key=one.key, product=product, changed=int(one.changed), listed=one.listed, reprices=one.reprices
        )
        return replace(entry, created=1)
