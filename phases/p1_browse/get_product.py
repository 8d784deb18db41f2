"""Read one product."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.product import Product, least_price, with_description_part
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool

MAX_SUMMARY_CHARS: Final = 240
"""Characters of the description that a brief answer keeps."""


class GetProduct(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which product, and how much of it."""

    sku: Annotated[str, Meta(min_length=1, max_length=200, description="Of the product")] | None = None
    url_key: Annotated[str, Meta(min_length=1, max_length=200, description="Instead of sku")] | None = None
    detail: Annotated[Literal["brief", "full"], Meta(description="full: all text, pictures, related")] = "brief"
    part: Annotated[int, Meta(ge=1, le=100, description="Of a long description, with full")] = 1

    def __post_init__(self) -> None:
        """One of the two names."""
        if (self.sku is None) == (self.url_key is None) or not self.key:
            message = "send either sku or url_key"
            raise ValueError(message)

    @property
    def key(self) -> str:
        """Whichever name was sent."""
        return (self.sku or self.url_key or "").strip()


@tool()
async def get_product(args: GetProduct, shop: Shop) -> Product:
    """Read a product: price, stock, variants and options.

    A product with variants is bought by the SKU of one of them. Custom options go into add_to_cart.
    """
    product = await shop.backend.product(args.key)
    product = replace(product, from_price=least_price(product))
    if args.detail == "full":
        return with_description_part(product, args.part)
    product = replace(product, images=(), related=(), url_key=None)
    if len(product.description) <= MAX_SUMMARY_CHARS:
        return product
    cut = product.description[:MAX_SUMMARY_CHARS]
    return replace(product, description=f"{cut.rpartition(' ')[0].rstrip() or cut} …")
