"""Find products beside a product."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.related import RelatedKind, RelatedProducts, related_products
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class GetRelatedProducts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Beside which product, and of which kind."""

    sku: Annotated[str, Meta(min_length=1, max_length=200, description="Of the product")]
    kind: Annotated[RelatedKind, Meta(description="Default: related")] = "related"
    in_stock: Annotated[bool, Meta(extra_json_schema={"unlisted": True})] = True
    page_size: Annotated[int, Meta(ge=1, le=10, extra_json_schema={"unlisted": True})] = 4


@tool()
async def get_related_products(args: GetRelatedProducts, shop: Shop) -> RelatedProducts:
    """Find what goes with a product, or in its place."""
    sku = args.sku.strip()
    if shop.guide is not None:
        found = shop.guide.beside(sku, args.kind, in_stock=args.in_stock, size=args.page_size)
        if found is not None:
            return found
    return await related_products(shop.backend, sku, args.kind, in_stock=args.in_stock, size=args.page_size)
