"""Products: a summary for lists, and the full record."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money

ProductKind = Literal["simple", "configurable", "bundle", "grouped", "downloadable", "virtual", "giftcard"]
BRAND_CODES: Final = ("brand", "manufacturer")
"""Attributes whose value is the brand, the first that is there."""
MAX_PART_CHARS: Final = 4000
"""Characters of a description in one answer."""


class Variant(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One variant of a product."""

    sku: Sku
    options: dict[str, str]
    price: Annotated[Money | None, Meta(description="Only where it differs from the product's price")] = None
    in_stock: bool = True
    stock: int | None = None


class ProductSummary(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A product in a list."""

    sku: Sku
    name: str
    price: Money
    list_price: Money | None = None
    """The price before a reduction; absent when there is none."""
    from_price: Annotated[Money | None, Meta(description="With the least that its required options cost")] = None
    in_stock: bool = True
    choose: Annotated[str | None, Meta(description="What must be chosen before it can be bought")] = None
    selected_variant: Variant | None = None
    """The one that was searched for by its SKU."""
    variant: Annotated[Sku | None, Meta(description="The one that fits what was asked, where only one does")] = None
    options: Annotated[dict[str, str], Meta(description="What variants differ in, or can be chosen")] = {}
    brand: str | None = None
    rating: Annotated[float | None, Meta(description="Of 5")] = None
    match: Annotated[str | None, Meta(description="What it does not match")] = None


class OptionAxis(Struct, frozen=True, kw_only=True):
    """One attribute in which variants differ, with its values."""

    label: str
    values: tuple[str, ...]


class OptionValue(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A selectable value of a custom option."""

    id: str
    title: str
    surcharge: Money | None = None
    in_stock: bool = True
    pieces: Annotated[int | None, Meta(description="How many of it, unless said otherwise")] = None


class CustomOption(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An option that the buyer fills in: a text, or a choice."""

    id: str
    title: str
    kind: Annotated[
        Literal["text", "choice", "choices", "amounts", "date", "date_time", "other"],
        Meta(description='amounts: a list of "value id: pieces"; date: YYYY-MM-DD; other: on the product\'s page only'),
    ]
    required: bool = False
    max_length: int | None = None
    surcharge: Money | None = None
    values: tuple[OptionValue, ...] = ()


class TierPrice(Struct, frozen=True, kw_only=True):
    """A unit price that holds from a quantity on."""

    quantity: int
    price: Money


class Product(CatalogueValue, frozen=True, kw_only=True):
    """The full record of a product."""

    sku: Sku
    name: str
    price: Money
    list_price: Money | None = None
    from_price: Annotated[Money | None, Meta(description="With the least that its required options cost")] = None
    in_stock: bool = True
    stock: Annotated[int | None, Meta(description="Pieces left, when the shop tells")] = None
    url: str | None = None
    url_key: str | None = None
    brand: str | None = None
    weight: Annotated[str | None, Meta(description="With its packing, as shipping counts it")] = None
    description: str = ""
    parts: Annotated[int | None, Meta(description="Of the description, when it has more than one")] = None
    kind: Annotated[ProductKind, Meta(description="What is sold")] = "simple"
    image: str | None = None
    images: tuple[str, ...] = ()
    """Further pictures."""
    attributes: dict[str, str] = field(default_factory=dict)
    tier_prices: tuple[TierPrice, ...] = ()
    min_quantity: int | None = None
    max_quantity: int | None = None
    quantity_step: Annotated[int | None, Meta(description="It is sold in multiples of this")] = None
    categories: tuple[CategoryId, ...] = ()
    axes: tuple[OptionAxis, ...] = ()
    variants: Annotated[tuple[Variant, ...], Meta(description="Buy one of these by its own SKU")] = ()
    selected_variant: Annotated[Variant | None, Meta(description="The one that was asked for by its SKU")] = None
    custom_options: tuple[CustomOption, ...] = ()
    rating: Annotated[float | None, Meta(description="Mean of the reviews, of 5")] = None
    reviews: int | None = None
    related: Annotated[tuple[ProductSummary, ...], Meta(description="What the shop shows beside it")] = ()


def least_price(product: Product) -> Money | None:
    """The price with the least that required options add to it; None where they add nothing.

    Bundles and sets have a price of their choices already.
    """
    if product.kind in {"bundle", "grouped", "downloadable", "giftcard"}:
        return None
    needed = [option for option in product.custom_options if option.required]
    added = sum(min((_minor(value.surcharge) for value in one.values), default=_minor(one.surcharge)) for one in needed)
    return Money(product.price.minor + added, product.price.currency) if added > 0 else None


def charged_price(product: Product) -> Money:
    """The least that one piece costs, as far as that is known: what filters and orders by price go by."""
    return least_price(product) or product.price


def _minor(surcharge: Money | None) -> int:
    return 0 if surcharge is None else surcharge.minor


def variant_of(product: Product, sku: str) -> Variant | None:
    """The variant with this SKU, in whatever case."""
    wanted = sku.casefold()
    return next((variant for variant in product.variants if variant.sku.casefold() == wanted), None)


def with_description_part(product: Product, part: int) -> Product:
    """The product with one part of its description, counted from 1; the last one beyond the end."""
    text = product.description
    if len(text) <= MAX_PART_CHARS:
        return product
    starts = range(0, len(text), MAX_PART_CHARS)
    start = starts[min(part, len(starts)) - 1]
    return replace(product, description=text[start : start + MAX_PART_CHARS], parts=len(starts))
