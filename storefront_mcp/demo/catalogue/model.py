"""The shapes of a catalogue: categories, products with their options and variants, pages."""

from typing import Final, Literal

from msgspec import Struct

ROOT: Final = 2
"""The id of the store's root category; it is never listed itself."""


class Category(Struct, frozen=True, kw_only=True):
    """One node of the tree; `level` 2 is the first one a shopper sees."""

    id: int
    parent: int
    name: str
    url_key: str
    url_path: str
    level: int
    position: int
    path: str
    """The ids from the tree's root down, joined by slashes: "1/2/3"."""
    description: str


class AttributeValue(Struct, frozen=True, kw_only=True):
    """One value of an attribute, such as Black."""

    id: int
    label: str


class Attribute(Struct, frozen=True, kw_only=True):
    """Something to filter by, or to choose a variant by, such as colour."""

    id: int
    code: str
    label: str
    values: tuple[AttributeValue, ...]

    def value(self, label: str) -> AttributeValue:
        """The value with this label; KeyError when there is none."""
        for value in self.values:
            if value.label == label:
                return value
        raise KeyError(label)

    def label_of(self, value_id: int) -> str:
        """The label of a value id; KeyError when there is none."""
        for value in self.values:
            if value.id == value_id:
                return value.label
        raise KeyError(value_id)


class Choice(Struct, frozen=True, kw_only=True):
    """One value of a drop-down option and what it adds to the price."""

    id: int
    title: str
    cents: int = 0


class CustomOption(Struct, frozen=True, kw_only=True):
    """A question asked with a product: a text (with a limit) or a drop-down (with choices)."""

    id: int
    title: str
    kind: Literal["field", "drop_down"]
    required: bool = True
    choices: tuple[Choice, ...] = ()
    max_length: int = 0
    cents: int = 0
    """Added to the price when a text is given."""


class Product(Struct, frozen=True, kw_only=True):
    """Something for sale; prices are AUD cents including GST, weights grams."""

    id: int
    sku: str
    url_key: str
    name: str
    summary: str
    description: str
    """HTML."""
    art: str
    """Which picture is drawn for it."""
    cents: int
    sale_cents: int | None = None
    grams: int = 500
    stock: int = 0
    categories: tuple[int, ...] = ()
    """The leaves it was put in; their ancestors show it too."""
    attributes: dict[str, int] = {}
    options: tuple[CustomOption, ...] = ()
    axes: tuple[str, ...] = ()
    """The attribute codes a variant is chosen by; only a configurable product has any."""
    variants: tuple[int, ...] = ()
    parent: int | None = None
    """Set on a variant, which no list shows."""

    @property
    def price(self) -> int:
        """What it costs today, in cents."""
        return self.cents if self.sale_cents is None else self.sale_cents


class Page(Struct, frozen=True, kw_only=True):
    """A page of text; `content` is HTML."""

    id: int
    identifier: str
    title: str
    content: str


class Catalogue(Struct, frozen=True, kw_only=True):
    """Everything a shop has to show."""

    categories: dict[int, Category]
    attributes: dict[str, Attribute]
    products: dict[int, Product]
    pages: dict[int, Page]

    def descendants(self, category: int) -> frozenset[int]:
        """The ids of a category and of everything below it; empty for an unknown id."""
        return frozenset(found.id for found in self.categories.values() if str(category) in found.path.split("/"))

    def by_sku(self, sku: str) -> Product | None:
        """The product or variant with this SKU, in any spelling of case."""
        folded = sku.casefold()
        return next((product for product in self.products.values() if product.sku.casefold() == folded), None)
