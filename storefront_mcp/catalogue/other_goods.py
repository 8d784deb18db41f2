"""What can be bought in place of something of which there is too little."""

from collections import Counter
from collections.abc import Sequence

from storefront_mcp.commerce.product import Product, Variant
from storefront_mcp.commerce.related import OtherGoods


def other_variants(product: Product, wanted: Variant) -> Sequence[OtherGoods]:
    """The other variants in stock: those that share most options first, by turns the colour and the size."""
    turns: Counter[frozenset[str]] = Counter()
    ranked: list[tuple[int, int, Variant]] = []
    for one in product.variants:
        if one.in_stock and one.sku != wanted.sku:
            shared = frozenset(label for label, value in one.options.items() if wanted.options.get(label) == value)
            turns[shared] += 1
            ranked.append((-len(shared), turns[shared], one))
    ranked.sort(key=lambda rank: rank[:2])
    return [
        OtherGoods(sku=one.sku, name=", ".join(one.options.values()), left=_left(one, product)) for *_, one in ranked
    ]


def _left(variant: Variant, product: Product) -> int | None:
    known = (one for one in (variant.stock, product.max_quantity) if one is not None)
    return min(known, default=None) if variant.stock is not None else None
