"""Products of an index in the words of lists: summaries and facets, short."""

from collections.abc import Sequence
from typing import Final

import msgspec

from storefront_mcp.catalogue.document import CatalogueDocument
from storefront_mcp.catalogue.index import IndexResult
from storefront_mcp.catalogue.index_query import AttributeFilter
from storefront_mcp.catalogue.query.folding import fold_text
from storefront_mcp.commerce.category import CategoryFacet, FacetValue
from storefront_mcp.commerce.product import CustomOption, Product, ProductSummary, Variant, least_price

MAX_OPTION_VALUES: Final = 3
"""Values of an option that a list spells out; of more it has the first and the last."""
MAX_OPTIONS_BYTES: Final = 80
"""Of JSON, about 20 tokens; a summary goes without more of what variants differ in, which get_product has."""
MAX_SIZE_CHARS: Final = 4
"""Of a value that may be one of a row of sizes, such as `XXL` or `10.5`."""
UNTOLD_PRICE: Final = ", may cost extra"
MAX_OPTION_TITLES: Final = 3
"""Custom options that a list names."""
_CHOSEN_KINDS: Final = frozenset({"bundle", "grouped", "downloadable", "giftcard"})


def summary_of(
    document: CatalogueDocument,
    filters: Sequence[AttributeFilter] = (),
    labels: Sequence[tuple[str, str]] = (),
    *,
    missed: Sequence[str] = (),
) -> ProductSummary:
    """A product in a list, with the variant that fits the filters where only one does.

    It is in stock where one that fits is.
    """
    product = document.product
    wanted = [*((one.code, one.values) for one in filters), *((code, (label,)) for code, label in labels)]
    fitting = fitting_variants(document, wanted)
    variant = fitting[0] if len(fitting) == 1 else None
    short = {axis.label: _short(axis.values) for axis in product.axes if axis.values}
    short |= {option.title: _short_option(option) for option in product.custom_options[:MAX_OPTION_TITLES]}
    # Without them a product with variants still says that one must be chosen.
    is_short = not product.variants or len(msgspec.json.encode(short)) <= MAX_OPTIONS_BYTES
    return ProductSummary(
        sku=product.sku,
        name=product.name,
        price=product.price,
        list_price=product.list_price,
        in_stock=product.in_stock and (not fitting or any(one.in_stock for one in fitting)),
        choose=_to_choose(product),
        variant=None if variant is None else variant.sku,
        from_price=least_price(product),
        options=short if variant is None and is_short else {},
        brand=document.brand,
        rating=product.rating if document.rating is None else document.rating,
        match=f"not {', '.join(missed)}" if missed else None,
    )


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
        from_price=least_price(product),
        selected_variant=variant,
        brand=document.brand,
        rating=product.rating if document.rating is None else document.rating,
    )


def facets_of(answer: IndexResult) -> tuple[CategoryFacet, ...]:
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


def _short_option(option: CustomOption) -> str:
    """A custom option in a few characters: `text, optional, +AUD 5.00`, or `Red, Gold +AUD 3.00`.

    Of a text that must be given it is said when the shop did not tell what it costs.
    """
    titles = [f"{one.title} +{one.surcharge}" if one.surcharge else one.title for one in option.values]
    what = ", ".join(titles)
    if len(titles) > MAX_OPTION_VALUES:
        most = max((one.surcharge for one in option.values if one.surcharge), key=lambda one: one.minor, default=None)
        what = f"{len(titles)} choices" + (f", up to +{most}" if most else "")
    costs = f", +{option.surcharge}" if option.surcharge else ""
    if option.kind == "text" and option.required and option.surcharge is None:
        costs = UNTOLD_PRICE
    return f"{what or option.kind}{'' if option.required else ', optional'}{costs}"


def _short(values: Sequence[str]) -> str:
    """The values of an option in a few characters: `Black, Blue`, `S to XL`, or `Black, Blue and 3 more`."""
    if len(values) <= MAX_OPTION_VALUES:
        return ", ".join(values)
    if any(len(value) > MAX_SIZE_CHARS for value in values):
        return f"{values[0]}, {values[1]} and {len(values) - 2} more"
    return f"{values[0]} to {values[-1]}"


def fitting_variants(document: CatalogueDocument, wanted: Sequence[tuple[str, Sequence[str]]]) -> Sequence[Variant]:
    """Those with one of the wanted values of each attribute in which variants differ; none where that was not asked."""
    labels = {one.code: one.label for one in document.attributes if one.axis}
    needed: dict[str, set[str]] = {}
    for code, values in wanted:
        if code in labels:
            needed.setdefault(labels[code], set()).update(map(fold_text, values))
    if not needed:
        return ()
    return [
        variant
        for variant in document.product.variants
        if all(fold_text(variant.options.get(label, "")) in values for label, values in needed.items())
    ]
