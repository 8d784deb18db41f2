"""Products beside a product: what the shop shows with it, or what is like it."""

from asyncio import gather
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.backend import CatalogueReader
from storefront_mcp.commerce.catalogue_value import CatalogueValue
from storefront_mcp.commerce.errors import NotEnoughStock, OutOfStock, ShopError
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import Product, ProductSummary
from storefront_mcp.commerce.search import SearchQuery

RelatedKind = Literal["related", "alternatives", "accessories"]
MAX_OTHERS: Final = 3
"""Goods that a refusal names."""
MAX_OTHERS_ASKED: Final = 4
"""Goods of which the shop is asked how many there are."""
MAX_OTHERS_SEEN: Final = 60
"""Goods among which those are looked for."""
LOOK_ELSEWHERE: Final = "For others like it, ask get_related_products."


class RelatedProducts(CatalogueValue, frozen=True, kw_only=True):
    """Products beside one, never itself."""

    products: tuple[ProductSummary, ...]
    source: Literal["shop", "similar"]
    """Whether the shop itself names them, or they are of its category at a like price."""


class OtherGoods(Struct, frozen=True, kw_only=True):
    """What can be bought in place of something."""

    sku: Sku
    name: str
    left: int | None = None
    """Pieces that one order can have; None where the shop does not tell."""


class CatalogueGuide(Protocol):
    """What a copy of the catalogue answers at once. None from any method: ask the shop instead."""

    def beside(self, sku: str, kind: RelatedKind, *, in_stock: bool, size: int) -> RelatedProducts | None:
        """Products beside the one with this SKU; `in_stock` leaves out what is sold out."""

    def others(self, sku: str) -> Sequence[OtherGoods] | None:
        """What is in stock and named like this one, such as a larger pack, or its variants, the most alike first."""

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


async def name_others(
    refused: OutOfStock | NotEnoughStock, quantity: int, guide: CatalogueGuide | None, backend: CatalogueReader
) -> None:
    """Add to a refusal for want of stock where there are as many pieces, where the most are, or how to find others.

    The shop is asked of the first few of which the guide does not know how many there are.
    """
    others = list((None if guide is None else guide.others(refused.sku)) or ())
    unknown = [at for at, one in enumerate(others) if one.left is None][:MAX_OTHERS_ASKED]
    for at, left in zip(unknown, await gather(*(_left_of(others[at].sku, backend) for at in unknown)), strict=True):
        others[at] = replace(others[at], left=left)
    enough = [one for one in others if one.left is None or one.left >= quantity][:MAX_OTHERS]
    if enough:
        refused.add_notice(f"In stock: {', '.join(f'{one.sku} ({one.name})' for one in enough)}.")
    elif others:
        most = max(others, key=lambda one: one.left or 0)
        refused.add_notice(f"Nothing like it has {quantity}; most of {most.sku} ({most.name}): {most.left}.")
    else:
        refused.add_notice(LOOK_ELSEWHERE)


def most_at_once(product: Product) -> int | None:
    """Pieces of which one order can have all; of one variant, where it comes in variants. None where nobody tells."""
    stocks = [one.stock for one in product.variants if one.in_stock] or [product.stock if product.in_stock else 0]
    known = [stock for stock in stocks if stock is not None]
    stock = max(known) if len(known) == len(stocks) else None
    return min((one for one in (stock, product.max_quantity) if one is not None), default=None)


async def _left_of(sku: Sku, backend: CatalogueReader) -> int | None:
    try:
        return most_at_once(await backend.product(sku))
    except ShopError:
        return None
