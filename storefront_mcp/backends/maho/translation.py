"""Pure translation of Maho's shapes into the shop's words: products, categories, facets, pages and carts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from storefront_mcp.backends import text
from storefront_mcp.backends.maho.prices import Till
from storefront_mcp.backends.maho.shapes import (
    AppliedCoupon,
    AskedOption,
    CartItem,
    ChildProduct,
    CmsPage,
    GuestCart,
    LabelledValue,
    LayeredFilter,
    ListedProduct,
    Prices,
    Rate,
    Shelf,
    WholeProduct,
)
from storefront_mcp.commerce.cart import Cart, Line
from storefront_mcp.commerce.category import Category, Facet, FacetValue
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.page import Page
from storefront_mcp.commerce.product import CustomOption, OptionAxis, OptionValue, Product, ProductSummary, Variant
from storefront_mcp.commerce.shipping import ShippingMethod

HIDDEN: Final = "not_visible"
FAMILY: Final = "configurable"
SETS: Final = frozenset({"bundle", "grouped"})
"""Products that are put together from others."""

Kind = Literal["text", "choice", "choices", "other"]
KINDS: Final[dict[str, Kind]] = {
    "field": "text",
    "area": "text",
    "drop_down": "choice",
    "radio": "choice",
    "checkbox": "choices",
    "multiple": "choices",
}
SKU: Final = 64
CODE: Final = 100


def summary(product: ListedProduct, till: Till) -> ProductSummary:
    """A product as lists show it."""
    price, list_price = till.shown(product)
    return ProductSummary(
        sku=Sku(text.visible(product.sku)[:SKU]),
        name=text.line(product.name),
        price=price,
        list_price=list_price,
        in_stock=product.stock_status != "out_of_stock",
        choose=_to_choose(product),
    )


def _to_choose(product: ListedProduct) -> str | None:
    if product.type == FAMILY:
        return "variant"
    if product.type in SETS:
        return "parts"
    return "options" if product.has_required_options else None


def product(found: WholeProduct, till: Till, *, site: str) -> Product:
    """A product with everything needed to buy it; `site` is where the shop's own pages are."""
    price, list_price = till.shown(found)
    path = found.url_path or found.url_key
    axes = _axes(found)
    return Product(
        sku=Sku(text.visible(found.sku)[:SKU]),
        name=text.line(found.name),
        price=price,
        list_price=list_price,
        in_stock=found.stock_status != "out_of_stock",
        stock=None if found.type == FAMILY else pieces(found.stock_qty),
        url=text.web_url(f"{site}/{quote(path)}") if site and path else None,
        url_key=text.line(found.url_key) or None,
        description=text.paragraphs(found.description or found.short_description),
        image=text.web_url(found.image_url),
        categories=tuple(CategoryId(str(one)) for one in found.category_ids),
        axes=tuple(_option_axis(axis, found) for axis in axes),
        variants=tuple(_variant(child, axes, price, till) for child in found.variants),
        custom_options=tuple(_custom_option(option, price, till) for option in found.custom_options),
    )


def pieces(quantity: Decimal | None) -> int | None:
    """A stock figure; None when there is none, or 0, which shops also write where they do not count."""
    if quantity is None or not quantity.is_finite() or not 0 < quantity < 10**9:
        return None
    return int(quantity)


class _Axis(Struct, frozen=True):
    """An axis of a family in words, made once for all variants."""

    code: str
    label: str
    values: dict[str, str]
    """Value id to label, in the shop's order."""


def _axes(found: WholeProduct) -> list[_Axis]:
    return [
        _Axis(
            code=axis.code,
            label=text.line(axis.label, CODE) or text.line(axis.code, CODE),
            values={str(value.id): text.line(value.label, CODE) for value in axis.values},
        )
        for axis in found.configurable_options
    ]


def _chosen(child: ChildProduct, axis: _Axis) -> str | None:
    """The id of a variant's value on an axis."""
    value = child.attributes.get(axis.code) if isinstance(child.attributes, dict) else None
    return None if value is None else str(value)


def _option_axis(axis: _Axis, found: WholeProduct) -> OptionAxis:
    """An axis with the values that occur among the variants; all of them where no variant tells."""
    occurring = {_chosen(child, axis) for child in found.variants} - {None}
    values = (label for value, label in axis.values.items() if value in occurring or not occurring)
    return OptionAxis(label=axis.label, values=tuple(values))


def _variant(child: ChildProduct, axes: Sequence[_Axis], parent_price: Money, till: Till) -> Variant:
    """A variant. Its price is 0 where the parent's counts, which is what a cart then charges."""
    price = till.money(child.final_price or child.price)
    chosen = {axis.label: (axis, value) for axis in axes if (value := _chosen(child, axis)) is not None}
    return Variant(
        sku=Sku(text.visible(child.sku)[:SKU]),
        options={label: axis.values.get(value) or text.line(value, CODE) for label, (axis, value) in chosen.items()},
        price=price if price and price != parent_price else None,
        in_stock=child.in_stock is not False,
        stock=pieces(child.stock_qty),
    )


def _surcharge(price: Decimal | None, kind: str | None, product_price: Money, till: Till) -> Money | None:
    """What an option adds; a percentage is of the product's price."""
    amount = till.money(price)
    if price is not None and kind == "percent":
        amount = till.money(product_price.major() * price / 100)
    return amount or None


def _custom_option(option: AskedOption, product_price: Money, till: Till) -> CustomOption:
    return CustomOption(
        id=str(option.id),
        title=text.line(option.title),
        kind=KINDS.get(option.type, "other"),
        required=option.required,
        max_length=option.max_characters or None,
        surcharge=_surcharge(option.price, option.price_type, product_price, till),
        values=tuple(
            OptionValue(
                id=str(value.id),
                title=text.line(value.title),
                surcharge=_surcharge(value.price, value.price_type, product_price, till),
            )
            for value in option.values
        ),
    )


def category(shelf: Shelf, children: Sequence[Category] = ()) -> Category:
    """A category with the children given."""
    return Category(
        id=CategoryId(str(shelf.id)),
        name=text.line(shelf.name),
        path=text.line(shelf.url_path or shelf.url_key),
        description=text.paragraphs(shelf.description),
        products=shelf.product_count,
        children=tuple(children),
    )


def facets(filters: Sequence[LayeredFilter]) -> tuple[Facet, ...]:
    """What a category's products differ in, without what no product has."""
    read = (
        Facet(
            label=text.line(one.label, CODE),
            values=tuple(
                FacetValue(text.line(value.label, CODE), value.count) for value in one.options if value.count > 0
            ),
        )
        for one in filters
    )
    return tuple(facet for facet in read if facet.values)


def page(found: CmsPage, *, site: str) -> Page:
    """One of the shop's pages, harmless."""
    html = text.safe_html(found.content or "", site=site)
    return Page(
        identifier=text.line(found.identifier), title=text.line(found.title), html=html, markdown=text.markdown(html)
    )


def cart(found: GuestCart, till: Till, asked: CartId) -> Cart:
    """A cart under the id the shop answers with, which is not always the one that was `asked` for."""
    till.checked(found.currency)
    return Cart(
        cart_id=CartId(found.masked_id or asked),
        lines=tuple(_line(item, till) for item in found.items),
        totals=till.totals(found.prices if isinstance(found.prices, Prices) else Prices()),
        coupon=coupon(found),
    )


def coupon(found: GuestCart) -> str | None:
    """The code in use."""
    applied = found.applied_coupon
    return text.line(applied.code, CODE) or None if isinstance(applied, AppliedCoupon) else None


def _line(item: CartItem, till: Till) -> Line:
    price, total = till.line(item)
    return Line(
        line_id=LineId(str(item.id)),
        sku=Sku(text.visible(item.sku)[:SKU]),
        name=text.line(item.name),
        quantity=pieces(item.qty) or 0,
        price=price,
        total=total,
        options={text.line(one.label, CODE): _value(one) for one in item.options},
    )


def _value(one: LabelledValue) -> str:
    values = one.value if isinstance(one.value, list) else [one.value]
    return text.line(", ".join(str(value) for value in values if value is not None), 500)


def shipping_methods(rates: Sequence[Rate], till: Till) -> tuple[ShippingMethod, ...]:
    """Offers; those without a price are carriers' error messages."""
    return tuple(
        ShippingMethod(
            text.line(rate.code, CODE), text.line(rate.title) or text.line(rate.code, CODE), till.money(rate.price)
        )
        for rate in rates
        if rate.code and rate.price is not None
    )
