"""The shop's products in the words of UCP."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import OptionAxis, Product, ProductSummary, Variant, least_price
from storefront_mcp.ucp.catalog_shapes import (
    InputCorrelation,
    ProductMetadata,
    SelectedOption,
    UcpAvailability,
    UcpCategory,
    UcpDescription,
    UcpMedia,
    UcpOption,
    UcpOptionValue,
    UcpPrice,
    UcpPriceRange,
    UcpProduct,
    UcpRating,
    UcpVariant,
    WantedOption,
)

MAX_LISTED_VARIANTS: Final = 10
"""Of one product in a list; get_product has them all."""
RATING_SCALE: Final = 5.0
NOTHING_MORE: Final = UcpDescription("")
"""Of what has no description: UCP wants one, and the title is read already."""
IN_STOCK: Final = UcpAvailability(available=True, status="in_stock")
OUT_OF_STOCK: Final = UcpAvailability(available=False, status="out_of_stock")


def listed_product(product: Product) -> UcpProduct:
    """A product in a list, with its first variants; the price range is that of all."""
    shown = detailed_product(product)
    return replace(shown, variants=shown.variants[:MAX_LISTED_VARIANTS], media=shown.media[:1])


def summarized_product(summary: ProductSummary) -> UcpProduct:
    """A product of which no more is known than what a list of the shop tells."""
    variant = summary.selected_variant
    added = 0 if summary.from_price is None else summary.from_price.minor - summary.price.minor
    sku = variant.sku if variant is not None else summary.variant or summary.sku
    price = _price(summary.price if variant is None or variant.price is None else variant.price, added)
    list_price = None if summary.list_price is None else _price(summary.list_price, added)
    bought = UcpVariant(
        id=sku,
        sku=sku,
        title=summary.name,
        description=NOTHING_MORE,
        price=price,
        list_price=list_price,
        availability=_availability(available=summary.in_stock),
        options=() if variant is None else _options(variant),
    )
    return UcpProduct(
        id=summary.sku,
        title=summary.name,
        description=NOTHING_MORE,
        price_range=UcpPriceRange(price, price),
        list_price_range=None if list_price is None else UcpPriceRange(list_price, list_price),
        variants=(bought,),
        rating=_rating(summary.rating, None),
    )


def detailed_product(product: Product) -> UcpProduct:
    """A product with all of its variants, those that can be bought first.

    Prices are with the least that required options cost; the highest one is with the most.
    """
    least, most = _costs_of_options(product)
    variants = _variants(product, least)
    needed = tuple(option.title for option in product.custom_options if option.required)
    return UcpProduct(
        id=product.sku,
        handle=product.url_key,
        title=product.name,
        description=UcpDescription(product.description) if product.description else NOTHING_MORE,
        url=product.url,
        categories=tuple(map(UcpCategory, product.categories)),
        price_range=_price_range((one.price for one in variants), most - least),
        list_price_range=(
            None if product.list_price is None else _price_range([_price(product.list_price, least)], most - least)
        ),
        media=tuple(
            UcpMedia(url=url, alt_text=product.name) for url in (product.image, *product.images) if url is not None
        ),
        options=_option_lists(product),
        variants=variants,
        rating=_rating(product.rating, product.reviews),
        metadata=ProductMetadata(needed) if needed else None,
    )


def for_inputs(product: UcpProduct, ids: Sequence[str]) -> UcpProduct:
    """The product with the variants that `ids` ask for: a variant by its own id, else the featured one."""
    by_id = {one.id.casefold(): one for one in product.variants}
    inputs: dict[str, list[InputCorrelation]] = {}
    for id_ in ids:
        exact = by_id.get(id_.casefold()) if id_.casefold() != product.id.casefold() or len(by_id) == 1 else None
        found = exact or product.variants[0]
        match = InputCorrelation(id_, "featured" if exact is None else "exact")
        inputs.setdefault(found.id, []).append(match)
    return replace(
        product,
        variants=tuple(replace(one, inputs=tuple(inputs[one.id])) for one in product.variants if one.id in inputs),
    )


def with_selection(product: UcpProduct, wanted: Sequence[SelectedOption]) -> UcpProduct:
    """The product as its page shows it once these options are selected.

    Values tell whether a variant has them along with the other selected options (`exists`), and whether one of those
    can be bought (`available`). The variants are those that fit, the featured one being what `selected` says.
    """
    if not product.options:
        return product
    chosen = {_plain(one.name): _plain(one.label) for one in wanted}
    fitting = [one for one in product.variants if _fits(one, chosen)]
    shown = tuple(fitting) or product.variants
    selected = tuple(wanted) or shown[0].options
    chosen = {_plain(one.name): _plain(one.label) for one in selected}
    options = tuple(
        UcpOption(
            option.name, tuple(_option_value(product, option.name, value.label, chosen) for value in option.values)
        )
        for option in product.options
    )
    return replace(product, options=options, selected=selected, variants=shown)


def effective_selection(
    product: UcpProduct, wanted: Sequence[WantedOption], preferences: Sequence[str]
) -> tuple[SelectedOption, ...]:
    """What of a selection a variant has: the least preferred options are given up until one fits."""
    known = {
        _plain(option.name): (option.name, {_plain(value.label): value.label for value in option.values})
        for option in product.options
    }
    chosen: list[SelectedOption] = []
    for one in wanted:
        name, labels = known.get(_plain(one.name), ("", {}))
        label = labels.get(_plain(one.label or one.id or ""))
        if label is not None:
            chosen.append(SelectedOption(name=name, label=label))
    order = {_plain(name): place for place, name in enumerate(preferences)}
    chosen.sort(key=lambda one: order.get(_plain(one.name), len(order)))
    while chosen and not any(
        _fits(one, {_plain(part.name): _plain(part.label) for part in chosen}) for one in product.variants
    ):
        chosen.pop()
    return tuple(chosen)


def with_variant_first(product: UcpProduct, sku: str) -> UcpProduct:
    """The product with one of its variants featured."""
    wanted = sku.casefold()
    return replace(product, variants=tuple(sorted(product.variants, key=lambda one: one.id.casefold() != wanted)))


def _costs_of_options(product: Product) -> tuple[int, int]:
    """The least and the most that the required options add to a price, in minor units."""
    if (from_price := least_price(product)) is None:
        return 0, 0
    most = 0
    for option in product.custom_options:
        surcharges = [one.surcharge for one in option.values] or [option.surcharge]
        added = [surcharge.minor for surcharge in surcharges if surcharge is not None and surcharge.minor > 0]
        if option.required and added:
            most += sum(added) if option.kind == "choices" else max(added)
    least = from_price.minor - product.price.minor
    return least, max(least, most)


def _variants(product: Product, added: int) -> tuple[UcpVariant, ...]:
    """The variants; `added` is what required options add to each price at least, in minor units."""
    if not product.variants:
        return (_only_variant(product, added),)
    shown = (_variant(product, one, added) for one in product.variants)
    return tuple(sorted(shown, key=lambda one: not one.availability.available))


def _only_variant(product: Product, added: int) -> UcpVariant:
    return UcpVariant(
        id=product.sku,
        sku=product.sku,
        title=product.name,
        description=NOTHING_MORE,
        price=_price(product.price, added),
        list_price=None if product.list_price is None else _price(product.list_price, added),
        availability=_availability(available=product.in_stock),
    )


def _variant(product: Product, variant: Variant, added: int) -> UcpVariant:
    title = ", ".join(variant.options.values()) or product.name
    list_price = product.list_price if variant.price is None else None
    return UcpVariant(
        id=variant.sku,
        sku=variant.sku,
        title=title,
        description=NOTHING_MORE,
        price=_price(product.price if variant.price is None else variant.price, added),
        list_price=None if list_price is None else _price(list_price, added),
        availability=_availability(available=variant.in_stock and product.in_stock),
        options=_options(variant),
    )


def _options(variant: Variant) -> tuple[SelectedOption, ...]:
    return tuple(SelectedOption(name=name, label=label) for name, label in variant.options.items())


def _option_lists(product: Product) -> tuple[UcpOption, ...]:
    axes: Iterable[OptionAxis] = product.axes if product.variants else ()
    return tuple(
        UcpOption(axis.label, tuple(UcpOptionValue(label=value) for value in axis.values))
        for axis in axes
        if axis.values
    )


def _detailed_option(product: UcpProduct, option: UcpOption, chosen: dict[str, str]) -> UcpOption:
    values = (_option_value(product, option.name, value.label, chosen) for value in option.values)
    return UcpOption(option.name, tuple(values))


def _option_value(product: UcpProduct, name: str, label: str, chosen: dict[str, str]) -> UcpOptionValue:
    wanted = {**chosen, _plain(name): _plain(label)}
    fitting = [one for one in product.variants if _fits(one, wanted)]
    return UcpOptionValue(
        label=label, available=any(one.availability.available for one in fitting), exists=bool(fitting)
    )


def _fits(variant: UcpVariant, chosen: dict[str, str]) -> bool:
    has = {_plain(one.name): _plain(one.label) for one in variant.options}
    return all(has.get(name) == label for name, label in chosen.items())


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _price(money: Money, added: int = 0) -> UcpPrice:
    return UcpPrice(money.minor + added, money.currency)


def _price_range(prices: Iterable[UcpPrice], more: int = 0) -> UcpPriceRange:
    """The range of these prices; the highest one may be `more` minor units."""
    found = sorted(prices, key=lambda price: price.amount)
    return UcpPriceRange(found[0], replace(found[-1], amount=found[-1].amount + more))


def _availability(*, available: bool) -> UcpAvailability:
    return IN_STOCK if available else OUT_OF_STOCK


def _rating(value: float | None, count: int | None) -> UcpRating | None:
    return None if value is None else UcpRating(value=value, scale_max=RATING_SCALE, count=count)
