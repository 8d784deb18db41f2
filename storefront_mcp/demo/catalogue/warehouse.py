"""Assemble the tables into the catalogue of Pickle Warehouse, with the same ids in every run."""

import re
import unicodedata
from functools import cache
from html import escape
from itertools import product as combinations
from typing import Final
from zlib import crc32

import msgspec

from storefront_mcp.demo.catalogue.court import COURT
from storefront_mcp.demo.catalogue.gifts import GIFTS
from storefront_mcp.demo.catalogue.jars import JARS
from storefront_mcp.demo.catalogue.larder import LARDER
from storefront_mcp.demo.catalogue.model import ROOT, Attribute, AttributeValue, Catalogue, Category, Product
from storefront_mcp.demo.catalogue.paddles import PADDLES
from storefront_mcp.demo.catalogue.pages import PAGES
from storefront_mcp.demo.catalogue.tables import Row, Shelf
from storefront_mcp.demo.catalogue.wardrobe import WARDROBE

SHELVES: Final = (*PADDLES, *COURT, *JARS, *LARDER, *WARDROBE, *GIFTS)

_ATTRIBUTES: Final = (
    (92, "color", "Colour", ("Black", "Blue", "Green", "Sand", "White")),
    (93, "size", "Size", ("S", "M", "L", "XL", "S/M", "L/XL")),
    (94, "heat", "Heat", ("Mild", "Medium", "Hot")),
    (95, "skill", "Skill level", ("Beginner", "Intermediate", "Advanced")),
)
_ABOUT_BRANCH: Final = {
    "Pickleball": "Everything between you and the kitchen line.",
    "Pickles": "Everything between you and a dull sandwich.",
    "Apparel": "Clothes for the court, the cellar and the car park in between.",
    "Gifts": "For people who have everything, except this.",
}
_VARIANT_SURCHARGE = 2_00
"""A variant's own price, which only a look at the variant shows: the cart charges the parent's."""


def slug(text: str) -> str:
    """A url-key: lower-case ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text.replace("'", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _attributes() -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    number = 4
    for attribute_id, code, label, labels in _ATTRIBUTES:
        values = []
        for value in labels:
            number += 1
            values.append(AttributeValue(id=number, label=value))
        attributes[code] = Attribute(id=attribute_id, code=code, label=label, values=tuple(values))
    return attributes


def _categories(shelves: tuple[Shelf, ...]) -> dict[tuple[str, ...], Category]:
    """Every category on the way to a shelf, by its names from the top."""
    found: dict[tuple[str, ...], Category] = {}
    for shelf in shelves:
        for depth in range(1, len(shelf.path) + 1):
            names = shelf.path[:depth]
            if names in found:
                continue
            above = found.get(names[:-1])
            number = ROOT + 1 + len(found)
            key = slug(names[-1])
            found[names] = Category(
                id=number,
                parent=above.id if above else ROOT,
                name=names[-1],
                url_key=key,
                url_path=f"{above.url_path}/{key}" if above else key,
                level=depth + 1,
                position=1 + sum(len(other) == depth and other[:-1] == names[:-1] for other in found),
                path=f"{above.path if above else f'1/{ROOT}'}/{number}",
                description=_ABOUT_BRANCH.get(
                    names[-1], f"{names[-1]} from the {names[0].lower()} side of the warehouse."
                ),
            )
    return found


def _stock(sku: str, given: int | None) -> int:
    return given if given is not None else 12 + crc32(sku.encode()) % 80


def _product(number: int, row: Row, shelf: Shelf, leaf: Category, attributes: dict[str, Attribute]) -> Product:
    return Product(
        id=number,
        sku=row.sku,
        url_key=slug(row.url_key or row.name),
        name=row.name,
        summary=row.blurb,
        description=f"<p>{escape(row.blurb, quote=False)}</p>\n<p>{escape(shelf.about, quote=False)}</p>",
        art=shelf.art,
        cents=row.cents,
        sale_cents=row.sale,
        grams=row.grams,
        stock=0 if row.axes else _stock(row.sku, row.stock),
        categories=(leaf.id,),
        attributes={code: attributes[code].value(label).id for code, label in row.traits.items()},
        options=row.options,
        axes=tuple(row.axes),
    )


def _variants(first: int, parent: Product, row: Row, attributes: dict[str, Attribute]) -> list[Product]:
    variants = []
    for at, labels in enumerate(combinations(*row.axes.values())):
        sku = "-".join([row.sku, *(re.sub(r"[^A-Z0-9]", "", label.upper()) for label in labels)])
        name = " ".join([row.name, *labels])
        chosen = {code: attributes[code].value(label).id for code, label in zip(row.axes, labels, strict=True)}
        # The largest size of the last colour is always the one that is gone.
        last = at == len(list(combinations(*row.axes.values()))) - 1
        variants.append(
            msgspec.structs.replace(
                parent,
                id=first + at,
                sku=sku,
                url_key=slug(name),
                name=name,
                cents=parent.cents + _VARIANT_SURCHARGE,
                sale_cents=None,
                stock=0 if last else _stock(sku, None),
                attributes=chosen,
                axes=(),
                parent=parent.id,
            )
        )
    return variants


@cache
def pickle_warehouse() -> Catalogue:
    """The catalogue; visible products come first, then the variants, each in the order of the tables."""
    attributes = _attributes()
    categories = _categories(SHELVES)
    rows = [(row, shelf) for shelf in SHELVES for row in shelf.rows]
    products: dict[int, Product] = {}
    next_variant = 1001
    for number, (row, shelf) in enumerate(rows, start=1):
        product = _product(number, row, shelf, categories[shelf.path], attributes)
        if row.axes:
            variants = _variants(next_variant, product, row, attributes)
            next_variant += len(variants)
            products |= {variant.id: variant for variant in variants}
            product = msgspec.structs.replace(product, variants=tuple(variant.id for variant in variants))
        products[number] = product
    return Catalogue(
        categories={category.id: category for category in categories.values()},
        attributes=attributes,
        products=dict(sorted(products.items())),
        pages=PAGES,
    )
