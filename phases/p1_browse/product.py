"""One product by its SKU."""

from collections.abc import Mapping, Sequence

import msgspec

from storefront_mcp.commerce.product import with_description_part
from storefront_mcp.commerce.search import SearchQuery
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.resource import resource


async def complete_sku(typed: str, shop: Shop) -> Sequence[str]:
    """SKUs of products that match what was typed."""
    known = None if shop.guide is None else shop.guide.complete_sku(typed)
    if known is not None:
        return known
    found = await shop.backend.search(SearchQuery(text=typed, size=20))
    return [product.sku for product in found.products]


@resource("product://{sku}", media_type="application/json", complete={"sku": complete_sku})
async def product(variables: Mapping[str, str], shop: Shop) -> str:
    """A product by SKU, as get_product returns it in full, with the first part of a long description."""
    return msgspec.json.encode(with_description_part(await shop.backend.product(variables["sku"]), 1)).decode()
