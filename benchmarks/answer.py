"""The one answer that every server gives: ten products, 3.4 KB of JSON, and the shop's page they can be read from."""

from typing import Any, Final

import msgspec

from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import ProductSummary
from storefront_mcp.commerce.search import SearchPage
from storefront_mcp.phases.p1_browse.search_products import SearchResult

CURRENCY: Final = "AUD"
BLURB: Final = (
    "sixteen millimetre honeycomb, raw carbon face, elongated handle, edgeless rim, perforated grip, "
    'weighs 225 grams, 16.5" long, for two hands; a "forgiving" paddle for long rallies; ships today \u2013 free'
)

FOUND: Final = SearchPage(
    products=tuple(
        ProductSummary(
            sku=Sku(f"PAD-{number:02}"),
            name=f"Paddle no. {number}: {BLURB}",
            price=Money(19900 + 1000 * number, CURRENCY),
            list_price=Money(24900 + 1000 * number, CURRENCY),
            choose="variant",
        )
        for number in range(10)
    ),
    total=10,
)
RESULT: Final = SearchResult(products=FOUND.products, total=FOUND.total)
ANSWER: Final = msgspec.json.encode(RESULT)
"""What stands in `structuredContent`, and once more as text."""


def shop_page() -> bytes:
    """About 3 KB: the same products as a Maho shop lists them, with a field that nobody reads."""
    members: list[dict[str, Any]] = [
        {
            "@id": f"/api/rest/v2/products/{number}",
            "id": number + 1,
            "sku": product.sku,
            "name": product.name[:100],
            "type": "configurable",
            "price": float((product.list_price or product.price).major()),
            "finalPrice": float(product.price.major()),
            "currency": CURRENCY,
            "stockStatus": "in_stock",
            "categoryIds": [3, 7],
        }
        for number, product in enumerate(FOUND.products)
    ]
    return msgspec.json.encode({"@type": "Collection", "totalItems": len(members), "member": members})
