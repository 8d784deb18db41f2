"""The demo shop's catalogue as documents of an index, without a shop that runs."""

import re
from collections.abc import Iterator
from typing import Final

from storefront_mcp.catalogue.document import CatalogueDocument, DocumentAttribute, DocumentCategory
from storefront_mcp.commerce.ids import CategoryId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import CustomOption, OptionAxis, Product, Variant
from storefront_mcp.demo.catalogue.model import DemoCatalogue, DemoProduct
from storefront_mcp.demo.catalogue.warehouse import pickle_warehouse

CURRENCY: Final = "AUD"
_TAG: Final = re.compile(r"<[^<>]*>")


def demo_documents() -> list[CatalogueDocument]:
    """Every product that the demo shop sells, with its variants."""
    catalogue = pickle_warehouse()
    sold = [one for one in catalogue.products.values() if one.parent is None and not one.disabled]
    return [_document(catalogue, product) for product in sold]


def _document(catalogue: DemoCatalogue, found: DemoProduct) -> CatalogueDocument:
    carriers = catalogue.carriers(found)
    variants = tuple(_variants(catalogue, found))
    attributes = []
    for code, attribute in catalogue.attributes.items():
        values = {carrier.attributes[code] for carrier in carriers if code in carrier.attributes}
        if values:
            labels = tuple(value.label for value in attribute.values if value.id in values)
            attributes.append(
                DocumentAttribute(code=code, label=attribute.label, values=labels, axis=code in found.axes)
            )
    in_stock = any(variant.in_stock for variant in variants) if variants else found.stock > 0
    return CatalogueDocument(
        key=str(found.id),
        product=Product(
            sku=Sku(found.sku),
            name=found.name,
            price=Money(found.price, CURRENCY),
            list_price=Money(found.cents, CURRENCY) if found.sale_cents is not None else None,
            in_stock=in_stock,
            url_key=found.url_key,
            description=_TAG.sub(" ", f"{found.summary} {found.description}"),
            kind="configurable" if variants else found.kind,
            categories=tuple(CategoryId(str(number)) for number in found.categories),
            axes=tuple(OptionAxis(label=one.label, values=one.values) for one in attributes if one.axis),
            variants=variants,
            custom_options=tuple(
                CustomOption(id=str(option.id), title=option.title, kind="other", required=option.required)
                for option in found.options
            ),
        ),
        attributes=tuple(attributes),
        categories=tuple(_categories(catalogue, found)),
    )


def _variants(catalogue: DemoCatalogue, family: DemoProduct) -> Iterator[Variant]:
    for number in family.variants:
        child = catalogue.products[number]
        options = {
            catalogue.attributes[code].label: catalogue.attributes[code].label_of(child.attributes[code])
            for code in family.axes
        }
        yield Variant(sku=Sku(child.sku), options=options, in_stock=child.stock > 0, stock=child.stock)


def _categories(catalogue: DemoCatalogue, product: DemoProduct) -> Iterator[DocumentCategory]:
    for number in catalogue.ancestors(product):
        if (category := catalogue.categories.get(number)) is not None:
            yield DocumentCategory(id=CategoryId(str(number)), name=category.name, direct=number in product.categories)
