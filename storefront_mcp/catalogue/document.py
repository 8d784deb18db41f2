"""`CatalogueDocument`: one product with its variants, as a mirror keeps it and an index reads it."""

from typing import Final

from msgspec import Struct

from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.product import Product

MAX_INDEXED_CHARS: Final = 4000
"""Characters of a description that are searched."""


class DocumentAttribute(Struct, frozen=True, kw_only=True):
    """An attribute of a product or of its variants, with labels in the store's language."""

    code: str
    """As the shop has it: `color`."""
    label: str
    values: tuple[str, ...]
    """Labels of the product's own values, or of all its variants' values."""
    axis: bool = False
    """Whether variants differ in it. `label` is then a key of their `options`, and `values` are what these hold."""
    filterable: bool = True
    """Whether a buyer may filter by it; its words are searched either way."""


class DocumentCategory(Struct, frozen=True, kw_only=True):
    """A category that lists the product."""

    id: CategoryId
    name: str
    direct: bool = True
    """Whether the product was put into it, not only into a category below."""


class CatalogueDocument(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One product of the catalogue, as a guest sees it in one store view, currency and language.

    Prices hold now: a price with dates is written anew when it begins and when it ends.
    """

    key: str
    """The shop's own id of it, which stays when SKU, name or address change."""
    product: Product
    """As `ShopBackend.product` reads it, variants included; its description is whole."""
    attributes: tuple[DocumentAttribute, ...] = ()
    categories: tuple[DocumentCategory, ...] = ()
    """Those it is in and all above them, but not the root; in any order."""
    brand: str | None = None
    rating: float | None = None
    """Mean of the reviews, 0 to 5."""
    reviews: int = 0
    sold: int | None = None
    """Pieces sold of late, where the shop tells: for `best_selling`."""
    created: int | None = None
    """Unix seconds: for `newest`."""
    listed: bool = True
    """Whether it is shown where no words are searched for."""
    searchable: bool = True
    """Whether words find it; its exact SKU always does."""
    related: tuple[Sku, ...] = ()
    """What the shop itself shows beside it; SKUs that are not in the mirror are left out of answers."""
    alternatives: tuple[Sku, ...] = ()
    """Its up-sells."""
    accessories: tuple[Sku, ...] = ()
    """Its cross-sells."""
