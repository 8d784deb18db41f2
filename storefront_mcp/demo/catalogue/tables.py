"""Format of `catalogue.json`: shelves of products, and pages of text."""

from msgspec import Struct

from storefront_mcp.demo.catalogue.model import DemoOption, DemoPage


class ProductRow(Struct, frozen=True):
    """One product: prices in AUD cents including GST, weight in grams."""

    sku: str
    name: str
    cents: int
    grams: int
    blurb: str
    sale: int | None = None
    stock: int | None = None
    """None: a number made from the SKU."""
    url_key: str = ""
    """Empty: made from the name."""
    traits: dict[str, str] = {}
    """Attribute code to the label of its value."""
    options: tuple[DemoOption, ...] = ()
    axes: dict[str, tuple[str, ...]] = {}
    """Attribute code to the labels of its variants; a row with axes is configurable."""


class CatalogueShelf(Struct, frozen=True, kw_only=True):
    """A leaf category with its products; `about` ends every description."""

    path: tuple[str, ...]
    art: str
    """A key of `art.SHAPES`."""
    about: str
    rows: tuple[ProductRow, ...]


class CatalogueData(Struct, frozen=True):
    """The file `catalogue.json`."""

    shelves: tuple[CatalogueShelf, ...]
    pages: tuple[DemoPage, ...]
