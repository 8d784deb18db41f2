"""Structs of a catalogue: categories, products with their options and variants, pages."""

from typing import Final, Literal

from msgspec import Struct

ROOT_CATEGORY_ID: Final = 2
"""The id of the store's root category; it is never listed itself."""


class DemoCategory(Struct, frozen=True, kw_only=True):
    """One node of the category tree; `level` 2 is the first that is visible."""

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


class DemoAttributeValue(Struct, frozen=True, kw_only=True):
    """One value of an attribute, such as Black."""

    id: int
    label: str


class DemoAttribute(Struct, frozen=True, kw_only=True):
    """A product attribute for filters and variants, such as colour."""

    id: int
    code: str
    label: str
    values: tuple[DemoAttributeValue, ...]

    def value(self, label: str) -> DemoAttributeValue:
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


class DemoOptionChoice(Struct, frozen=True, kw_only=True):
    """One value of a drop-down option and what it adds to the price."""

    id: int
    title: str
    cents: int = 0
    percent: int = 0
    """Of the product's price, in place of `cents`."""


class DemoOption(Struct, frozen=True, kw_only=True):
    """A custom option of a product, such as a text (with a limit, or none) or a drop-down (with choices)."""

    id: int
    title: str
    kind: Literal["field", "area", "drop_down", "radio", "checkbox", "multiple", "date", "date_time", "file"]
    required: bool = True
    choices: tuple[DemoOptionChoice, ...] = ()
    max_length: int = 0
    cents: int = 0
    """Added to the price when a text is given."""


class DemoSelection(Struct, frozen=True, kw_only=True):
    """A product in an option of a bundle."""

    id: int
    product: int
    cents: int
    qty: int = 1
    counted: bool = False
    """Whether the shopper may choose how many."""


class DemoBundleOption(Struct, frozen=True, kw_only=True):
    """A part of a bundle that is chosen; the title may be missing, as in real shops."""

    id: int
    title: str | None
    kind: Literal["radio", "checkbox"]
    required: bool
    selections: tuple[DemoSelection, ...]


class SaleRules(Struct, frozen=True, kw_only=True):
    """Least, most and step of a quantity; 0 is no rule."""

    least: int = 1
    most: int = 0
    step: int = 0


class DemoProduct(Struct, frozen=True, kw_only=True):
    """A product or variant; prices are AUD cents including GST, weights grams."""

    id: int
    sku: str
    url_key: str
    name: str
    summary: str
    description: str
    """HTML."""
    art: str
    """Its picture: a key of `art.SHAPES`."""
    cents: int
    sale_cents: int | None = None
    grams: int = 500
    virtual: bool = False
    """Whether nothing is sent."""
    stock: int = 0
    categories: tuple[int, ...] = ()
    """Its leaf categories; their ancestors list it too."""
    attributes: dict[str, int] = {}
    options: tuple[DemoOption, ...] = ()
    axes: tuple[str, ...] = ()
    """The attribute codes a variant is chosen by; only a configurable product has any."""
    variants: tuple[int, ...] = ()
    parent: int | None = None
    """Set on a variant, which lists omit."""
    kind: Literal["simple", "virtual", "bundle", "grouped", "downloadable", "giftcard"] = "simple"
    bundle: tuple[DemoBundleOption, ...] = ()
    """Without a price of its own it costs what its parts cost, else their prices are added."""
    members: tuple[tuple[int, int], ...] = ()
    """Products of a grouped one, with the suggested pieces of each."""
    links: tuple[DemoOptionChoice, ...] = ()
    """Files of a download, which are bought one by one unless they cost nothing."""
    disabled: bool = False
    """Whether it is not sold; it can still be read by its id."""
    amounts: tuple[int, ...] = ()
    """Suggested amounts of a gift card, in cents."""
    amount_range: tuple[int, int] | None = None
    tiers: tuple[tuple[int, int], ...] = ()
    """Quantities, and the unit price in cents from there on."""
    rules: SaleRules = SaleRules()

    @property
    def price(self) -> int:
        """Current price in AUD cents."""
        return self.cents if self.sale_cents is None else self.sale_cents


class DemoPage(Struct, frozen=True, kw_only=True):
    """A page of text; `content` is HTML."""

    id: int
    identifier: str
    title: str
    content: str


class DemoCatalogue(Struct, frozen=True, kw_only=True):
    """All categories, attributes, products and pages of a shop."""

    categories: dict[int, DemoCategory]
    attributes: dict[str, DemoAttribute]
    products: dict[int, DemoProduct]
    pages: dict[int, DemoPage]

    def descendants(self, category: int) -> frozenset[int]:
        """The ids of a category and of everything below it; empty for an unknown id."""
        return frozenset(found.id for found in self.categories.values() if str(category) in found.path.split("/"))

    def ancestors(self, product: DemoProduct) -> list[int]:
        """The ids of its categories and of all above them, in ascending order."""
        return sorted({int(part) for leaf in product.categories for part in self.categories[leaf].path.split("/")})

    def carriers(self, product: DemoProduct) -> list[DemoProduct]:
        """The products that carry its attributes: its variants, or itself."""
        return [self.products[child] for child in product.variants] or [product]

    def by_sku(self, sku: str) -> DemoProduct | None:
        """The product or variant with this SKU, in any spelling of case."""
        folded = sku.casefold()
        return next((product for product in self.products.values() if product.sku.casefold() == folded), None)
