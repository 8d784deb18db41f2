"""Products as an agent reads them: short in lists, whole on request."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CategoryId, Sku


class ProductSummary(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A product in a list: enough to choose, no more."""

    sku: Sku
    name: str
    price: Money
    list_price: Money | None = None
    """The price before a reduction; absent when there is none."""
    in_stock: bool = True
    choose: Annotated[str | None, Meta(description="What must be chosen before it can be bought")] = None


class OptionAxis(Struct, frozen=True, kw_only=True):
    """One thing that tells variants apart, with the values that occur."""

    label: str
    values: tuple[str, ...]


class Variant(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One buyable form of a product."""

    sku: Sku
    options: dict[str, str]
    price: Annotated[Money | None, Meta(description="Only where it differs from the product's price")] = None
    in_stock: bool = True
    stock: int | None = None


class OptionValue(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A value that may be chosen for a custom option."""

    id: str
    title: str
    surcharge: Money | None = None


class CustomOption(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something the buyer tells the shop about a product: a text, or a choice."""

    id: str
    title: str
    kind: Literal["text", "choice", "choices", "other"]
    required: bool = False
    max_length: int | None = None
    surcharge: Money | None = None
    values: tuple[OptionValue, ...] = ()


class Product(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A product with everything needed to put it into a cart."""

    sku: Sku
    name: str
    price: Money
    list_price: Money | None = None
    in_stock: bool = True
    stock: Annotated[int | None, Meta(description="Pieces left, when the shop tells")] = None
    url: str | None = None
    url_key: str | None = None
    description: str = ""
    image: str | None = None
    categories: tuple[CategoryId, ...] = ()
    axes: tuple[OptionAxis, ...] = ()
    variants: Annotated[tuple[Variant, ...], Meta(description="Buy one of these by its own SKU")] = ()
    custom_options: tuple[CustomOption, ...] = ()
