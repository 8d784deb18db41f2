"""Products of an index in the words of lists: summaries and facets, short."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import IndexAnswer
from storefront_mcp.catalogue.query.folding import fold_text
from storefront_mcp.catalogue.question import AttributeFilter
from storefront_mcp.commerce.category import CategoryFacet, FacetValue
from storefront_mcp.commerce.product import Product, ProductSummary, Variant

MAX_OPTION_VALUES: Final = 3
"""Values of an option that a list spells out; of more it has the first and the last."""
MAX_SUMMARY_BYTES: Final = 180
"""Of JSON, about 45 tokens; a longer summary goes without its options, which get_product has."""
_CHOSEN_KINDS: Final = frozenset({"bundle", "grouped", "downloadable", "giftcard"})


def summary_of(
    document: CatalogueDocument,
    filters: Sequence[AttributeFilter] = (),
    labels: Sequence[tuple[str, str]] = (),
    *,
    missed: Sequence[str] = (),
) -> ProductSummary:
    """A product in a list, with the variant that fits the filters where only one does."""
    product = document.product
    wanted = [*((one.code, one.values) for one in filters), *((code, (label,)) for code, label in labels)]
    variant = _fitting_variant(document, wanted)
    short = {axis.label: _short(axis.values) for axis in product.axes if axis.values}
    summary = ProductSummary(
        sku=product.sku,
        name=product.name,
        price=product.price,
        list_price=product.list_price,
        in_stock=product.in_stock,
        choose=_to_choose(product),
        variant=None if variant is None else variant.sku,
        options=short if variant is None else {},
        brand=document.brand,
        rating=product.rating if document.rating is None else document.rating,
        match=f"not {', '.join(missed)}" if missed else None,
    )
    return summary if len(msgspec.json.encode(summary)) <= MAX_SUMMARY_BYTES else replace(summary, options={})


def selected_summary(document: CatalogueDocument, variant: Variant | None) -> ProductSummary:
    """A product that was found by its SKU, or by a variant's."""
    product = document.product
    return ProductSummary(
        sku=product.sku,
        name=product.name,
        price=product.price,
        list_price=product.list_price,
        in_stock=product.in_stock,
        choose=_to_choose(product),
        selected_variant=variant,
        brand=document.brand,
        rating=product.rating if document.rating is None else document.rating,
    )


def facets_of(answer: IndexAnswer) -> tuple[CategoryFacet, ...]:
    """The facets of an answer, prices first."""
    if answer.price_range is None:
        return ()
    low, high = answer.price_range
    prices = [CategoryFacet(code="price", min_minor=low, max_minor=high)] if low < high else []
    return (
        *prices,
        *(
            CategoryFacet(
                code=facet.code,
                label=facet.label,
                values=tuple(FacetValue(label, count) for label, count in facet.values),
            )
            for facet in answer.facets
        ),
    )


def _to_choose(product: Product) -> str | None:
    if product.variants:
        return "variant"
    needed = product.kind in _CHOSEN_KINDS or any(option.required for option in product.custom_options)
    return "options" if needed else None


def _short(values: Sequence[str]) -> str:
    """The values of an option in a few characters: `Black, Blue`, or `S to XL`."""
    if len(values) <= MAX_OPTION_VALUES:
        return ", ".join(values)
    return f"{values[0]} to {values[-1]}"


def _fitting_variant(document: CatalogueDocument, wanted: Sequence[tuple[str, Sequence[str]]]) -> Variant | None:
    """The only variant with one of the wanted values of each attribute in which variants differ."""
    labels = {one.code: one.label for one in document.attributes if one.axis}
    needed = {labels[code]: {fold_text(value) for value in values} for code, values in wanted if code in labels}
    if not needed:
        return None
    fitting = [
        variant
        for variant in document.product.variants
        if all(fold_text(variant.options.get(label, "")) in values for label, values in needed.items())
    ]
    return fitting[0] if len(fitting) == 1 else None
