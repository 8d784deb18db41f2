"""`CatalogueLister`: the port by which a shop's whole catalogue is read, page by page, for a copy of it."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product


class EntryAttribute(Struct, frozen=True, kw_only=True):
    """An attribute of a product or of its variants, by its code."""

    code: str
    label: str
    values: tuple[str, ...]
    """Labels of the product's own values, or of all its variants' values."""
    axis: bool = False
    """Whether variants differ in it."""


class CatalogueEntry(Struct, frozen=True, kw_only=True):
    """A whole product of the catalogue, as guests see it now."""

    key: str
    """The shop's own id of it, which never changes."""
    product: Product
    attributes: tuple[EntryAttribute, ...] = ()
    reviews: int = 0
    created: int | None = None
    """Unix seconds."""
    changed: int | None = None
    """Unix seconds, where the shop tells; stock may have changed later."""
    listed: bool = True
    """Whether it is shown where no words are searched for."""
    searchable: bool = True
    """Whether words find it."""
    related: tuple[Sku, ...] = ()
    alternatives: tuple[Sku, ...] = ()
    """Up-sells."""
    accessories: tuple[Sku, ...] = ()
    """Cross-sells."""
    reprices: tuple[int, ...] = ()
    """Unix seconds at which its price is going to change by date."""


class BriefEntry(Struct, frozen=True, kw_only=True):
    """What a short list tells of a product."""

    key: str
    sku: Sku
    price: Money
    list_price: Money | None
    in_stock: bool


class EntryPage(Struct, frozen=True, kw_only=True):
    """One page of whole products, in the order of their keys."""

    entries: tuple[CatalogueEntry, ...]
    unreadable: tuple[str, ...] = ()
    """Keys of products of this page that the shop tells in a way that cannot be read."""
    unsold: int = 0
    """Further products of this page, which guests cannot buy here, such as one without a price."""
    total: int
    """Products on all pages."""
    next: str | None
    """Position of the next page; None at the end."""
    shop_time: float
    """Unix seconds by the shop's clock, when it answered."""


class BriefPage(Struct, frozen=True, kw_only=True):
    """One page of a short list, in the order of the keys."""

    entries: tuple[BriefEntry, ...]
    total: int
    next: str | None


class CatalogueLister(Protocol):
    """A shop whose whole catalogue can be read. Every method raises only ShopError.

    What is absent from a list is not known to be deleted: shops leave out what is sold out or only found by words.
    """

    async def page(self, after: str | None = None) -> EntryPage:
        """Whole products from a position on. Pages shrink by themselves where they are too much for the shop or us."""

    async def brief_page(self, after: str | None = None) -> BriefPage:
        """What is listed, in short: a tenth of the shop's work."""

    async def changes(self, since: float, after: str | None = None) -> EntryPage:
        """Products that have changed since (Unix seconds by the shop's clock), and perhaps more; not by stock alone."""

    async def read(self, key: str) -> CatalogueEntry | None:
        """One product by its key, listed or not; None when there is none, or guests cannot see it.

        Raises ShopRefused for one that the shop tells in a way that cannot be read.
        """

    async def find(self, sku: str) -> CatalogueEntry | None:
        """One product by its SKU or url key; None when there is none, or the shop finds it by its id alone."""

    async def categories(self) -> Sequence[Category]:
        """The whole tree."""
