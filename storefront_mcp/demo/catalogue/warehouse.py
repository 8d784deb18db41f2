"""The catalogue of Pickle Warehouse, out of `catalogue.json`, with the same ids in every run."""

import re
import unicodedata
from functools import cache
from html import escape
from itertools import product as combinations
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from storefront_mcp.demo.catalogue.model import (
    ROOT_CATEGORY_ID,
    DemoAttribute,
    DemoAttributeValue,
    DemoCatalogue,
    DemoCategory,
    DemoProduct,
)
from storefront_mcp.demo.catalogue.tables import CatalogueData, CatalogueShelf, ProductRow

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
"""Added to a variant's own price, which only its detail shows: the cart charges the parent's."""


def slug(text: str) -> str:
    """A url-key: lower-case ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text.replace("'", "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _attributes() -> dict[str, DemoAttribute]:
    attributes: dict[str, DemoAttribute] = {}
    number = 4
    for attribute_id, code, label, labels in _ATTRIBUTES:
        values = []
        for value in labels:
            number += 1
            values.append(DemoAttributeValue(id=number, label=value))
        attributes[code] = DemoAttribute(id=attribute_id, code=code, label=label, values=tuple(values))
    return attributes


def _categories(shelves: tuple[CatalogueShelf, ...]) -> dict[tuple[str, ...], DemoCategory]:
    """Every category on the way to a shelf, by its names from the top."""
    found: dict[tuple[str, ...], DemoCategory] = {}
    for shelf in shelves:
        for depth in range(1, len(shelf.path) + 1):
            names = shelf.path[:depth]
            if names in found:
                continue
            above = found.get(names[:-1])
            number = ROOT_CATEGORY_ID + 1 + len(found)
            key = slug(names[-1])
            found[names] = DemoCategory(
                id=number,
                parent=above.id if above else ROOT_CATEGORY_ID,
                name=names[-1],
                url_key=key,
                url_path=f"{above.url_path}/{key}" if above else key,
                level=depth + 1,
                position=1 + sum(len(other) == depth and other[:-1] == names[:-1] for other in found),
                path=f"{above.path if above else f'1/{ROOT_CATEGORY_ID}'}/{number}",
                description=_ABOUT_BRANCH.get(
                    names[-1], f"{names[-1]} from the {names[0].lower()} side of the warehouse."
                ),
            )
    return found


def _stock(sku: str, given: int | None) -> int:
    return given if given is not None else 12 + crc32(sku.encode()) % 80


def _product(
    number: int, row: ProductRow, shelf: CatalogueShelf, leaf: DemoCategory, attributes: dict[str, DemoAttribute]
) -> DemoProduct:
    return DemoProduct(
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


def _variants(
    first: int, parent: DemoProduct, row: ProductRow, attributes: dict[str, DemoAttribute]
) -> list[DemoProduct]:
    variants = []
    for at, labels in enumerate(combinations(*row.axes.values())):
        sku = "-".join([row.sku, *(re.sub(r"[^A-Z0-9]", "", label.upper()) for label in labels)])
        name = " ".join([row.name, *labels])
        chosen = {code: attributes[code].value(label).id for code, label in zip(row.axes, labels, strict=True)}
        # The largest size of the last colour is always sold out.
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
def pickle_warehouse() -> DemoCatalogue:
    """The catalogue; visible products come first, then the variants, each in the order of the tables."""
    data = msgspec.json.decode(Path(__file__).with_name("catalogue.json").read_bytes(), type=CatalogueData)
    attributes = _attributes()
    categories = _categories(data.shelves)
    rows = [(row, shelf) for shelf in data.shelves for row in shelf.rows]
    products: dict[int, DemoProduct] = {}
    next_variant = 1001
    for number, (row, shelf) in enumerate(rows, start=1):
        product = _product(number, row, shelf, categories[shelf.path], attributes)
        if row.axes:
            variants = _variants(next_variant, product, row, attributes)
            next_variant += len(variants)
            products |= {variant.id: variant for variant in variants}
            product = msgspec.structs.replace(product, variants=tuple(variant.id for variant in variants))
        products[number] = product
    return DemoCatalogue(
        categories={category.id: category for category in categories.values()},
        attributes=attributes,
        products=dict(sorted(products.items())),
        pages={page.id: page for page in data.pages},
    )
