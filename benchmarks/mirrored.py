"""A mirror that nobody writes any more: the ten products of the answer among twenty thousand others."""

import shutil
from pathlib import Path
from typing import Final

from benchmarks.answer import FOUND
from benchmarks.catalogue_products import LOCALE, catalogue_of
from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.commerce.product import Product

MIRROR: Final = Path("build/bench/mirror")
OTHERS: Final = 20_000


def build_mirror(folder: Path) -> None:
    """Build it anew."""
    from storefront_mcp.catalogue.tantivy_engine.writer import TantivyIndexWriter  # noqa: PLC0415 -- not in a server

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    writer = TantivyIndexWriter(folder, locale=LOCALE)
    writer.begin(1)
    writer.put(
        CatalogueDocument(
            key=f"answer-{one.sku}",
            product=Product(sku=one.sku, name=one.name, price=one.price, list_price=one.list_price),
        )
        for one in FOUND.products
    )
    writer.put(catalogue_of(OTHERS)[1])
    writer.swap()
    writer.close()
