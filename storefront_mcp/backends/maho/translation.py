"""Pure mapping of Maho's response structs to the commerce types: products, categories, facets, pages, carts."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal, get_args
from urllib.parse import quote

from msgspec import Struct

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.maho.choices import CHOSEN_TYPES, DOWNLOADABLE_TYPE, offered_choices
from storefront_mcp.backends.maho.prices import PriceMapper
from storefront_mcp.backends.maho.shapes import (
    AppliedCoupon,
    CartItem,
    CartPlaceShape,
    CategoryShape,
    ChildProduct,
    CmsPage,
    CustomOptionShape,
    GuestCart,
    LabelledValue,
    LayeredFilter,
    ListedProduct,
    ProductDetail,
    ShippingRateShape,
    StockItem,
)
from storefront_mcp.commerce.cart import AppliedGiftCard, Cart, CartLine, masked_code
from storefront_mcp.commerce.category import Category, CategoryFacet, FacetValue
from storefront_mcp.commerce.errors import CartGone
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.product import (
    BRAND_CODES,
    CustomOption,
    OptionAxis,
    OptionValue,
    Product,
    ProductKind,
    ProductSummary,
    TierPrice,
    Variant,
)
from storefront_mcp.commerce.shipping import ShippingMethod

HIDDEN_VISIBILITY: Final = "not_visible"
CONFIGURABLE_TYPE: Final = "configurable"
OUT_OF_STOCK: Final = "out_of_stock"
VIRTUAL_TYPES: Final = frozenset({"virtual", "downloadable", "giftcard"})
"""Product types of which nothing is sent."""

Kind = Literal["text", "choice", "choices", "date", "date_time", "other"]
KINDS: Final[dict[str, Kind]] = {
    "field": "text",
    "area": "text",
    "drop_down": "choice",
    "radio": "choice",
    "checkbox": "choices",
    "multiple": "choices",
    "date": "date",
    "date_time": "date_time",
}
MAX_LABEL_CHARS: Final = 100
PRODUCT_KINDS: Final[dict[str, ProductKind]] = {kind: kind for kind in get_args(ProductKind)}
MAX_DESCRIPTION_CHARS: Final = 100_000
MAX_IMAGES: Final = 20
"""Further pictures that are told."""
MAX_GALLERY: Final = 200
MAX_ATTRIBUTES: Final = 40
MAX_ATTRIBUTE_CHARS: Final = 200
MAX_TIERS: Final = 20
MAX_RELATED: Final = 4
MAX_RATING: Final = 5
MAX_WEIGHT: Final = 1_000_000
WEIGHT_DIGITS: Final = 3
"""After the point."""
MAX_UNIT_CHARS: Final = 10


def summary(product: ListedProduct, price_mapper: PriceMapper) -> ProductSummary:
    """A product summary for lists."""
    price, list_price = price_mapper.product_prices(product)
    return ProductSummary(
        sku=Sku(sanitizing.code(product.sku)),
        name=sanitizing.line(product.name),
        price=price,
        list_price=list_price,
        in_stock=product.stock_status != OUT_OF_STOCK,
        choose=_to_choose(product),
    )


def _to_choose(product: ListedProduct) -> str | None:
    if product.type == CONFIGURABLE_TYPE:
        return "variant"
    return "options" if product.type in CHOSEN_TYPES or product.has_required_options else None


def needs_choice(found: ProductDetail) -> bool:
    """Whether buying it may take more than its SKU: a variant, or options."""
    typed = found.type in {CONFIGURABLE_TYPE, DOWNLOADABLE_TYPE, *CHOSEN_TYPES}
    return typed or bool(found.variants or found.custom_options)


def is_sold_out(found: ProductDetail, sku: Sku) -> bool:
    """Whether the shop shows the product, or its variant with this SKU, as sold out."""
    child = next((one for one in found.variants if one.sku == sku), None)
    return found.stock_status == OUT_OF_STOCK if child is None else child.in_stock is False


def sku_of(found: ProductDetail) -> Sku:
    """A product's SKU, sanitized."""
    return Sku(sanitizing.code(found.sku))


def product(found: ProductDetail, price_mapper: PriceMapper, known: KnownOrigins = NO_ORIGINS) -> Product:
    """A product with all that is needed to buy it; the shop's website, if it is `known`, is the base of its link."""
    price, list_price = price_mapper.product_prices(found)
    path = found.url_path or found.url_key
    axes, text = _axes(found), found.description or found.short_description
    rules = found.stock_item if isinstance(found.stock_item, StockItem) else StockItem()
    image = found.image_url if found.image_url and known.has(found.image_url) else None
    pictures = (one.url for one in found.media_gallery[:MAX_GALLERY] if one.url and known.has(one.url))
    return Product(
        sku=sku_of(found),
        name=sanitizing.line(found.name),
        price=price,
        list_price=list_price,
        in_stock=found.stock_status != OUT_OF_STOCK,
        stock=None if found.type == CONFIGURABLE_TYPE else pieces(found.stock_qty),
        url=sanitizing.web_url(f"{known.website}/{quote(path)}") if known.website and path else None,
        url_key=sanitizing.line(found.url_key) or None,
        description=sanitizing.paragraphs(text, MAX_DESCRIPTION_CHARS, known=known),
        kind=PRODUCT_KINDS.get(found.type, "simple"),
        image=image,
        images=tuple(one for one in dict.fromkeys(pictures) if one != image)[:MAX_IMAGES],
        brand=_brand(found),
        attributes={
            sanitizing.line(one.label, MAX_LABEL_CHARS): sanitizing.line(str(one.value), MAX_ATTRIBUTE_CHARS)
            for one in found.additional_attributes[:MAX_ATTRIBUTES]
            if one.label and one.value is not None
        },
        tier_prices=tuple(
            TierPrice(quantity=least, price=price_mapper.money(one.price))
            for one in found.tier_prices[:MAX_TIERS]
            if (least := pieces(one.qty)) is not None and one.price is not None
        ),
        min_quantity=least if (least := pieces(rules.min_sale_qty)) != 1 else None,
        max_quantity=pieces(rules.max_sale_qty),
        quantity_step=pieces(rules.qty_increments) if rules.enable_qty_increments else None,
        categories=tuple(CategoryId(str(one)) for one in found.category_ids),
        axes=tuple(_option_axis(axis, found) for axis in axes),
        variants=tuple(_variant(child, axes, price, price_mapper) for child in found.variants),
        custom_options=(
            *(_custom_option(option, price, price_mapper) for option in found.custom_options),
            *offered_choices(found, price_mapper.money),
        ),
        rating=_rating(found),
        reviews=found.review_count if found.review_count and found.review_count > 0 else None,
        related=tuple(_shown_beside(found, price_mapper))[:MAX_RELATED],
    )


def weight(found: ProductDetail, unit: str) -> str | None:
    """What a product weighs, `0.79 kg`, as the shop says it; None where that is nothing or without a unit."""
    told, unit = found.weight, sanitizing.line(unit, MAX_UNIT_CHARS)
    if told is None or not unit or not 0 < told < MAX_WEIGHT:
        return None
    rounded = round(told, WEIGHT_DIGITS).normalize()
    return f"{rounded:f} {unit}" if rounded else None


def _rating(found: ProductDetail) -> float | None:
    """The mean of the reviews to a tenth; None where it says nothing."""
    mean = found.average_rating
    return None if mean is None or not 0 < mean <= MAX_RATING else float(round(mean, 1))


def _brand(found: ProductDetail) -> str | None:
    """The value of the first attribute that names a brand."""
    told = {one.code: one.value for one in found.additional_attributes[:MAX_ATTRIBUTES] if one.value is not None}
    named = (sanitizing.line(str(told[code]), MAX_ATTRIBUTE_CHARS) for code in BRAND_CODES if code in told)
    return next(filter(None, named), None)


def _shown_beside(found: ProductDetail, price_mapper: PriceMapper) -> Iterator[ProductSummary]:
    """Products that the shop shows beside this one, each once, without those that cannot be bought now."""
    seen = {found.sku}
    for one in (*found.related_products, *found.upsell_products):
        price, listed = price_mapper.money(one.final_price or one.price), price_mapper.money(one.price)
        if one.sku and one.sku not in seen and one.stock_status != OUT_OF_STOCK and price:
            seen.add(one.sku)
            yield ProductSummary(
                sku=Sku(sanitizing.code(one.sku)),
                name=sanitizing.line(one.name),
                price=price,
                list_price=listed if listed.minor > price.minor else None,
            )


def pieces(quantity: Decimal | None) -> int | None:
    """A quantity; None when absent or 0, which shops also write for stock that they do not manage."""
    if quantity is None or not quantity.is_finite() or not 0 < quantity < 10**9:
        return None
    return int(quantity)


class _Axis(Struct, frozen=True):
    """A sanitized option axis, shared by all variants of a product."""

    code: str
    label: str
    values: dict[str, str]
    """Value id to label, in the shop's order."""


def _axes(found: ProductDetail) -> list[_Axis]:
    return [
        _Axis(
            code=axis.code,
            label=sanitizing.line(axis.label, MAX_LABEL_CHARS) or sanitizing.line(axis.code, MAX_LABEL_CHARS),
            values={str(value.id): sanitizing.line(value.label, MAX_LABEL_CHARS) for value in axis.values},
        )
        for axis in found.configurable_options
    ]


def _option_of(child: ChildProduct, axis: _Axis) -> str | None:
    """The id of a variant's value on an axis."""
    value = child.attributes.get(axis.code) if isinstance(child.attributes, dict) else None
    return None if value is None else str(value)


def _option_axis(axis: _Axis, found: ProductDetail) -> OptionAxis:
    """An axis with the values that occur among the variants; all values if no variant names one."""
    occurring = {_option_of(child, axis) for child in found.variants} - {None}
    values = (label for value, label in axis.values.items() if value in occurring or not occurring)
    return OptionAxis(label=axis.label, values=tuple(values))


def _variant(child: ChildProduct, axes: Sequence[_Axis], parent_price: Money, price_mapper: PriceMapper) -> Variant:
    """A variant. Price 0 means the parent's, which the cart then charges."""
    price = price_mapper.money(child.final_price or child.price)
    chosen = {axis.label: (axis, value) for axis in axes if (value := _option_of(child, axis)) is not None}
    return Variant(
        sku=Sku(sanitizing.code(child.sku)),
        options={
            label: axis.values.get(value) or sanitizing.line(value, MAX_LABEL_CHARS)
            for label, (axis, value) in chosen.items()
        },
        price=price if price and price != parent_price else None,
        in_stock=child.in_stock is not False,
        stock=pieces(child.stock_qty),
    )


def _surcharge(
    price: Decimal | None, kind: str | None, product_price: Money, price_mapper: PriceMapper
) -> Money | None:
    """The surcharge of an option; a percentage is of the product's price."""
    amount = price_mapper.money(price)
    if price is not None and kind == "percent":
        amount = price_mapper.money(product_price.major() * price / 100)
    return amount or None


def _custom_option(option: CustomOptionShape, product_price: Money, price_mapper: PriceMapper) -> CustomOption:
    return CustomOption(
        id=sanitizing.code(option.id),
        title=sanitizing.line(option.title),
        kind=KINDS.get(option.type, "other"),
        required=option.required,
        max_length=option.max_characters or None,
        surcharge=_surcharge(option.price, option.price_type, product_price, price_mapper),
        values=tuple(
            OptionValue(
                id=sanitizing.code(value.id),
                title=sanitizing.line(value.title),
                surcharge=_surcharge(value.price, value.price_type, product_price, price_mapper),
            )
            for value in option.values
        ),
    )


def category(found: CategoryShape, children: Sequence[Category] | None = None) -> Category:
    """A category with the children given; None when they were not asked for."""
    return Category(
        id=CategoryId(str(found.id)),
        name=sanitizing.line(found.name),
        path=sanitizing.line(found.url_path or found.url_key),
        description=sanitizing.paragraphs(found.description),
        products=found.product_count,
        children=tuple(children or ()),
        more_below=children is None and bool(found.children_count),
    )


def facets(filters: Sequence[LayeredFilter]) -> tuple[CategoryFacet, ...]:
    """The facets of a category, without values that no product has."""
    read = (
        CategoryFacet(
            label=sanitizing.line(one.label, MAX_LABEL_CHARS),
            values=tuple(
                FacetValue(sanitizing.line(value.label, MAX_LABEL_CHARS), value.count)
                for value in one.options
                if value.count > 0
            ),
        )
        for one in filters
    )
    return tuple(facet for facet in read if facet.values)


def page(found: CmsPage, known: KnownOrigins) -> ShopPage:
    """A CMS page as safe HTML and Markdown."""
    html = sanitizing.safe_html(found.content or "", known=known)
    return ShopPage(
        identifier=sanitizing.line(found.identifier),
        title=sanitizing.line(found.title),
        html=html,
        markdown=sanitizing.markdown(html, known=known),
    )


def cart(found: GuestCart, price_mapper: PriceMapper, asked: CartId) -> Cart:
    """A cart under the id in the response, which may differ from the `asked` one.

    Raises ShopMisconfigured, and CartGone for a cart that became an order: another could be made of it.
    """
    if found.reserved_order_id:
        raise CartGone
    price_mapper.check_currency(found.currency)
    place = None if ships_nothing(found) else found.shipping_address
    return Cart(
        cart_id=CartId(found.masked_id or asked),
        lines=tuple(_line(item, price_mapper) for item in found.items),
        totals=price_mapper.totals(found.prices, sent_to=place if isinstance(place, CartPlaceShape) else None),
        coupon=coupon(found),
        gift_cards=tuple(
            AppliedGiftCard(
                code=masked_code(sanitizing.line(one.code, MAX_LABEL_CHARS)),
                amount=price_mapper.money(one.applied_amount),
            )
            for one in found.applied_giftcards
        ),
        ships_nothing=ships_nothing(found),
    )


def ships_nothing(found: GuestCart) -> bool:
    """Whether every line is virtual: place-order then wants a billing address and no shipping method."""
    return bool(found.items) and all(item.product_type in VIRTUAL_TYPES for item in found.items)


def coupon(found: GuestCart) -> str | None:
    """The applied coupon code."""
    applied = found.applied_coupon
    return sanitizing.line(applied.code, MAX_LABEL_CHARS) or None if isinstance(applied, AppliedCoupon) else None


def _line(item: CartItem, price_mapper: PriceMapper) -> CartLine:
    price, total = price_mapper.line(item)
    return CartLine(
        line_id=LineId(str(item.id)),
        sku=Sku(sanitizing.code(item.sku)),
        name=sanitizing.line(item.name),
        quantity=pieces(item.qty) or 0,
        price=price,
        total=total,
        options=line_options(item),
    )


def line_options(item: CartItem) -> dict[str, str]:
    """What was chosen for a line: title to value."""
    return {sanitizing.line(one.label, MAX_LABEL_CHARS): chosen_value(one) for one in item.options}


def chosen_value(one: LabelledValue) -> str:
    """The value of a chosen option as one text."""
    values = one.value if isinstance(one.value, list) else [one.value]
    return sanitizing.line(", ".join(str(value) for value in values if value is not None), 500)


def shipping_methods(rates: Sequence[ShippingRateShape], price_mapper: PriceMapper) -> tuple[ShippingMethod, ...]:
    """Shipping methods of rates; rates without a price are carriers' error messages and are dropped."""
    return tuple(
        ShippingMethod(
            sanitizing.line(rate.code, MAX_LABEL_CHARS),
            sanitizing.line(rate.title) or sanitizing.line(rate.code, MAX_LABEL_CHARS),
            price_mapper.money(rate.price),
        )
        for rate in rates
        if rate.code and rate.price is not None
    )
