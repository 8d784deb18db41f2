"""One product by its SKU."""

from collections.abc import Mapping, Sequence

import msgspec

from storefront_mcp.commerce.search import Search
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.roadmap.resource import resource


async def skus(typed: str, shop: Shop) -> Sequence[str]:
    """SKUs of products that match what was typed."""
    found = await shop.backend.search(Search(text=typed, size=20))
    return [product.sku for product in found.products]


@resource("product://{sku}", media_type="application/json", complete={"sku": skus})
async def product(variables: Mapping[str, str], shop: Shop) -> str:
    """A product by SKU, as get_product returns it in full."""
    return msgspec.json.encode(await shop.backend.product(variables["sku"])).decode()
