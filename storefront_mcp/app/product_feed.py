"""Export of a store's products as a feed of the Agentic Commerce Protocol, from its mirror or its shop."""

import datetime as dt
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from storefront_mcp.acp.product_feed import (
    METADATA_FILE,
    PRODUCTS_FILE,
    FeedMetadata,
    FeedOmission,
    FeedProduct,
    feed_product,
    feed_seller,
)
from storefront_mcp.app.assembly import server_identity
from storefront_mcp.app.backends import lister_of
from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.mirror_documents import CategoryPaths, document_of
from storefront_mcp.catalogue.mirror_view import StoreMirror
from storefront_mcp.commerce.listing import CatalogueLister
from storefront_mcp.commerce.store import Store
from storefront_mcp.settings.schema import StoreSettings

OMISSIONS: Final = {
    "chosen": "that their buyer chooses or writes something for",
    "incomplete": "without a price or an id",
    "hidden": "that the shop neither lists nor finds",
    "unreadable": "that the shop tells in a way that cannot be read",
}
"""Why products are left out, for people: those of `FeedOmission`, and what is seen before."""


class FeedEmpty(Exception):
    """There is no product to be told of: a feed without any would empty the platform's."""


class FeedReport(Struct, kw_only=True):
    """What an export wrote, and what it left out."""

    source: Literal["mirror", "shop"]
    as_of: str
    """When the shop told it, UTC."""
    products: int = 0
    variants: int = 0
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OMISSIONS, 0))
    """Products by reason."""
    moved: bool = False
    """Whether products came or went while the shop listed them, so that one may have been passed over."""


class ProductFeedWriter:
    """Writes products a line each, and counts. Of all products it keeps the ids only."""

    def __init__(self, file: BinaryIO, store: Store, report: FeedReport) -> None:
        self._file = file
        self._seller = feed_seller(store)
        self._report = report
        self._written: set[str] = set()
        self._encoder = msgspec.json.Encoder()

    def write(self, document: CatalogueDocument) -> None:
        """Write a product, or count why it is left out; one that was written is not written again."""
        product, report = document.product, self._report
        if product.sku in self._written:
            return
        told: FeedProduct | FeedOmission | Literal["hidden"] = "hidden"
        if document.listed or document.searchable:
            categories = [one.name for one in document.categories if one.direct]
            told = feed_product(product, categories, self._seller)
        if not isinstance(told, FeedProduct):
            report.left_out[told] += 1
            return
        self._written.add(product.sku)
        self._file.write(self._encoder.encode(told) + b"\n")
        report.products += 1
        report.variants += len(told.variants)

    async def write_shop(self, lister: CatalogueLister) -> None:
        """Write all that a shop lists, page by page. Raises ShopError."""
        report, tree = self._report, CategoryPaths(await lister.categories())
        after, total = None, None
        while True:
            page = await lister.page(after)
            for entry in page.entries:
                self.write(document_of(entry, tree))
            report.left_out["incomplete"] += page.unsold
            report.left_out["unreadable"] += len(page.unreadable)
            report.moved |= total not in {None, page.total}
            after, total = page.next, page.total
            if after is None:
                return


async def export_feed(
    settings: StoreSettings,
    mirror: StoreMirror | None,
    folder: Path,
    metadata: FeedMetadata,
    *,
    now: Callable[[], float] = time.time,
) -> FeedReport:
    """Write a store's feed into a folder: each file takes the place of the one before at once, when all is written.

    It comes from the mirror, and without one from the shop. Raises FeedEmpty, ShopError and OSError, and then nothing
    was replaced.
    """
    index = None if mirror is None else mirror.index
    moment = dt.datetime.fromtimestamp(now(), dt.UTC) if mirror is None or index is None else mirror.as_of
    as_of = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    report = FeedReport(source="shop" if index is None else "mirror", as_of=as_of)
    with replaced_file(folder / PRODUCTS_FILE) as file:
        writer = ProductFeedWriter(file, settings.store(server_identity(settings)), report)
        if index is not None:
            for document in index.documents():
                writer.write(document)
        else:
            lister, close = lister_of(settings)
            try:
                await writer.write_shop(lister)
            finally:
                await close()
        if not report.products:
            raise FeedEmpty
    with replaced_file(folder / METADATA_FILE) as file:
        file.write(msgspec.json.encode(replace(metadata, updated_at=as_of)) + b"\n")
    return report


@contextmanager
def replaced_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` at once when the block ends, and is removed when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with half.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
