"""Shops whose prices and rounding are as awkward as Maho's."""

from typing import Final

from msgspec.structs import replace

from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct
from storefront_mcp.demo.catalogue.product_kinds import every_kind
from storefront_mcp.demo.models import Release, ShopRules

RELEASES: Final[tuple[Release, ...]] = ("main", "26.7.4")
RULES: Final = [ShopRules(release=release, tax_included=included) for release in RELEASES for included in (True, False)]


def odd_catalogue() -> DemoCatalogue:
    """Every product type with odd cents, plenty in stock, and every seventh simple product virtual."""
    stocked = every_kind()
    products = {
        number: replace(
            product,
            cents=product.cents and product.cents + number * 7 % 97,
            sale_cents=None,
            kind="virtual" if number % 7 == 0 and _is_plain(product) else product.kind,
            virtual=product.virtual or (number % 7 == 0 and _is_plain(product)),
            stock=5_000,
        )
        for number, product in stocked.products.items()
    }
    return replace(stocked, products=products)


def _is_plain(product: DemoProduct) -> bool:
    return product.kind == "simple" and not product.axes and product.parent is None
