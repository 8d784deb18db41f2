"""Products beside a product: what the shop shows with it, or what is like it."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.errors import NotEnoughStock, OutOfStock
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import SearchQuery

RelatedKind = Literal["related", "alternatives", "accessories"]
MAX_OTHERS: Final = 3
"""Products that a refusal names."""
LOOK_ELSEWHERE: Final = "For others like it, ask get_related_products."


class RelatedProducts(CatalogueValue, frozen=True, kw_only=True):
    """Products beside one, never itself."""

    products: tuple[ProductSummary, ...]
    source: Literal["shop", "similar"]
    """Whether the shop itself names them, or they are of its category at a like price."""


class CatalogueGuide(Protocol):
    """What a copy of the catalogue answers at once. None from any method: ask the shop instead."""

    def beside(self, sku: str, kind: RelatedKind, *, in_stock: bool, size: int) -> RelatedProducts | None:
        """Products beside the one with this SKU; `in_stock` leaves out what is sold out."""

    def others(self, sku: str, *, size: int) -> Mapping[Sku, str] | None:
        """What is in stock and named like this one, such as a larger pack, or its other variants: SKU to name."""

    def complete_sku(self, typed: str) -> Sequence[str] | None:
        """SKUs that begin like this."""

    def complete_text(self, typed: str) -> Sequence[str] | None:
        """Names of products and words of the catalogue that go on like this."""

    def complete_category(self, typed: str) -> Sequence[str] | None:
        """Names of categories that begin like this, in order."""

    def complete_property(self, typed: str) -> Sequence[str] | None:
        """What products are told apart by, and its values, that begin like this: `Skill level`, `Beginner`."""


async def related_products(
    backend: CatalogueReader, sku: str, kind: RelatedKind, *, in_stock: bool, size: int
) -> RelatedProducts:
    """Products beside one where only the shop can be asked: those it names, else of its last category at a like price.

    Raises ProductNotFound and as the shop's search.
    """
    product = await backend.product(sku)
    named = tuple(one for one in product.related if one.in_stock or not in_stock)[:size] if kind == "related" else ()
    if named or kind == "accessories":
        return RelatedProducts(products=named, source="shop")
    if not product.categories:
        return RelatedProducts(products=(), source="similar")
    price = product.price
    found = await backend.search(
        SearchQuery(
            category=product.categories[-1],
            price_min=Money(price.minor // 2, price.currency),
            price_max=Money(price.minor * 2, price.currency),
            size=2 * size + 1,
        )
    )
    others = [one for one in found.products if one.sku != product.sku and (one.in_stock or not in_stock)]
    return RelatedProducts(products=tuple(others[:size]), source="similar")


def name_others(refused: OutOfStock | NotEnoughStock, guide: CatalogueGuide | None) -> None:
    """Add to a refusal for want of stock what is there instead, or how to find it."""
    others = None if guide is None else guide.others(refused.sku, size=MAX_OTHERS)
    named = ", ".join(f"{sku} ({name})" for sku, name in (others or {}).items())
    refused.add_notice(f"In stock: {named}." if named else LOOK_ELSEWHERE)
