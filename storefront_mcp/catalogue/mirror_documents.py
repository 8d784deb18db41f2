"""Makes index documents of a shop's entries: with the names of their categories, and a digest by which changes show."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute, DocumentCategory
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.ids import CategoryId
from storefront_mcp.commerce.listing import CatalogueEntry
from storefront_mcp.commerce.product import BRAND_CODES

MAX_FILTER_CHARS: Final = 60
"""Longest value of an attribute that buyers filter by; a longer one is prose."""
DIGEST_BYTES: Final = 16

_encode: Final = msgspec.msgpack.Encoder(decimal_format="number").encode


class TreeNode(Struct, frozen=True):
    """A category and the one above it."""

    id: CategoryId
    name: str
    parent: CategoryId | None


class CategoryPaths:
    """The categories of a shop by id, each with its ancestors."""

    def __init__(self, roots: Iterable[Category] = ()) -> None:
        self._nodes: Mapping[CategoryId, TreeNode] = {one.id: one for one in _nodes(roots, None)}

    def __contains__(self, category: CategoryId) -> bool:
        return category in self._nodes

    def documents(self, categories: Sequence[CategoryId]) -> tuple[DocumentCategory, ...]:
        """These categories and all above them; one that the tree does not show is left out."""
        found: dict[CategoryId, DocumentCategory] = {}
        direct = frozenset(categories)
        for category in categories:
            at: CategoryId | None = category
            while at is not None and at not in found and (node := self._nodes.get(at)) is not None:
                found[at] = DocumentCategory(id=at, name=node.name, direct=at in direct)
                at = node.parent
        return tuple(found.values())


def _nodes(categories: Iterable[Category], parent: CategoryId | None) -> Iterator[TreeNode]:
    for one in categories:
        yield TreeNode(one.id, one.name, parent)
        yield from _nodes(one.children, one.id)


def document_of(entry: CatalogueEntry, tree: CategoryPaths) -> CatalogueDocument:
    """The document of a product."""
    brands = {one.code: one.values[0] for one in entry.attributes if one.values and not one.axis}
    return CatalogueDocument(
        key=entry.key,
        product=entry.product,
        attributes=tuple(
            DocumentAttribute(
                code=one.code,
                label=one.label,
                values=one.values,
                axis=one.axis,
                filterable=all(len(value) <= MAX_FILTER_CHARS for value in one.values),
            )
            for one in entry.attributes
        ),
        categories=tree.documents(entry.product.categories),
        brand=next((brands[code] for code in BRAND_CODES if code in brands), None),
        reviews=entry.reviews,
        created=entry.created,
        listed=entry.listed,
        searchable=entry.searchable,
        related=entry.related,
        alternatives=entry.alternatives,
        accessories=entry.accessories,
    )


def digest_of(value: Struct) -> bytes:
    """A digest that is the same for equal values only, in this release."""
    return blake2b(_encode(value), digest_size=DIGEST_BYTES).digest()
