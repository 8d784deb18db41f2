"""Pure mapping of WooCommerce's structs to the commerce types: products, categories, pages, carts, shipping."""

from collections.abc import Mapping, Sequence
from typing import Final

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.woocommerce.prices import WooPrices, is_addressed
from storefront_mcp.backends.woocommerce.shapes import (
    WooAttributeShape,
    WooCartItemShape,
    WooCartShape,
    WooCategoryShape,
    WooProductShape,
    WooRateShape,
    WooVariationShape,
    WordPressPage,
)
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.page import ShopPage
from storefront_mcp.commerce.product import (
    CustomOption,
    OptionAxis,
    Product,
    ProductKind,
    ProductSummary,
    Variant,
)
from storefront_mcp.commerce.shipping import ShippingMethod

VARIABLE_TYPE: Final = "variable"
VARIATION_TYPE: Final = "variation"
BUYABLE_TYPES: Final = frozenset({"simple", VARIABLE_TYPE, VARIATION_TYPE})
"""Types that the cart takes by their id; others are chosen on the product's own page, or sold elsewhere."""
PRODUCT_KINDS: Final[dict[str, ProductKind]] = {VARIABLE_TYPE: "configurable", "grouped": "grouped"}
PAGE_OPTIONS: Final = CustomOption(id="page", title="Options", kind="other", required=True)
"""Of a product that is chosen or bought on its own page: what there is to choose, the shop does not tell."""
ID_PREFIX: Final = "wc-"
"""Before the id of a product without a SKU, in place of one."""
UNLIMITED: Final = 9999
"""How many pieces can be added of what the shop does not count."""
MAX_LABEL_CHARS: Final = 100
MAX_ATTRIBUTE_CHARS: Final = 200
MAX_DESCRIPTION_CHARS: Final = 100_000
MAX_IMAGES: Final = 20
MAX_RATING: Final = 5
RATE_SEPARATOR: Final = "|"
"""Between the rates of several packages in the code of one shipping method."""


def sku_of(found: WooProductShape | WooCartItemShape) -> Sku:
    """A product's SKU, sanitized; one without has its id in place of it."""
    return Sku(sanitizing.code(found.sku) or f"{ID_PREFIX}{found.id}")


def summary(found: WooProductShape, prices: WooPrices) -> ProductSummary:
    """A product summary for lists."""
    price, list_price = prices.product_prices(found.prices)
    return ProductSummary(
        sku=sku_of(found),
        name=sanitizing.line(found.name),
        price=price,
        list_price=list_price,
        in_stock=found.is_in_stock,
        choose=to_choose(found),
        rating=_rating(found),
    )


def to_choose(found: WooProductShape) -> str | None:
    """What must be chosen before it can be bought: a variant, or options that only its own page has."""
    if found.type == VARIABLE_TYPE:
        return "variant"
    return "options" if found.type not in BUYABLE_TYPES or found.has_options else None


def product(
    found: WooProductShape,
    variations: Mapping[int, WooProductShape],
    prices: WooPrices,
    known: KnownOrigins = NO_ORIGINS,
) -> Product:
    """A product with its variations, by their ids; those that could not be read are left out."""
    price, list_price = prices.product_prices(found.prices)
    pictures = [one.src for one in found.images if one.src and known.has(one.src)]
    axes = [one for one in found.attributes if one.has_variations]
    limits = found.add_to_cart
    return Product(
        sku=sku_of(found),
        name=sanitizing.line(found.name),
        price=price,
        list_price=list_price,
        in_stock=found.is_in_stock,
        stock=None if found.type == VARIABLE_TYPE else stock(found),
        url=product_url(found, known),
        url_key=sanitizing.line(found.slug) or None,
        description=sanitizing.paragraphs(
            found.description or found.short_description, MAX_DESCRIPTION_CHARS, known=known
        ),
        kind=PRODUCT_KINDS.get(found.type, "simple"),
        image=pictures[0] if pictures else None,
        images=tuple(dict.fromkeys(pictures[1:]))[:MAX_IMAGES],
        attributes={
            _label(one.name): sanitizing.line(", ".join(term.name for term in one.terms), MAX_ATTRIBUTE_CHARS)
            for one in found.attributes
            if not one.has_variations and one.terms
        },
        min_quantity=limits.minimum if limits.minimum > 1 else None,
        max_quantity=1 if found.sold_individually else None,
        quantity_step=limits.multiple_of if limits.multiple_of > 1 else None,
        categories=tuple(CategoryId(str(one.id)) for one in found.categories),
        axes=tuple(OptionAxis(label=_label(one.name), values=_terms(one)) for one in axes),
        variants=tuple(
            _variant(variations[one.id], one, axes, price, prices) for one in found.variations if one.id in variations
        ),
        custom_options=(PAGE_OPTIONS,) if to_choose(found) == "options" else (),
        rating=_rating(found),
        reviews=found.review_count or None,
    )


def product_url(found: WooProductShape, known: KnownOrigins) -> str | None:
    """The product's own page, where its address is the shop's."""
    return sanitizing.web_url(found.permalink) if known.has(found.permalink) else None


def stock(found: WooProductShape) -> int | None:
    """Pieces that can be bought; None where the shop does not count them."""
    most = found.add_to_cart.maximum
    return most if found.is_in_stock and not found.sold_individually and 0 < most < UNLIMITED else None


def _rating(found: WooProductShape) -> float | None:
    mean = found.average_rating
    return float(round(mean, 1)) if mean is not None and mean.is_finite() and 0 < mean <= MAX_RATING else None


def _label(text: str) -> str:
    return sanitizing.line(text, MAX_LABEL_CHARS)


def _terms(axis: WooAttributeShape) -> tuple[str, ...]:
    return tuple(_label(term.name) for term in axis.terms)


def _variant(
    found: WooProductShape,
    listed: WooVariationShape,
    axes: Sequence[WooAttributeShape],
    parent: Money,
    prices: WooPrices,
) -> Variant:
    price, _ = prices.product_prices(found.prices)
    chosen = {one.name: one.value for one in listed.attributes if one.value}
    return Variant(
        sku=sku_of(found),
        options={_label(axis.name): _value(axis, chosen[axis.name]) for axis in axes if axis.name in chosen},
        price=price if price != parent else None,
        in_stock=found.is_in_stock and found.is_purchasable,
        stock=stock(found),
    )


def _value(axis: WooAttributeShape, value: str) -> str:
    """The name of an attribute's value, of which variations tell the slug."""
    named = next((term.name for term in axis.terms if term.slug == value), value)
    return _label(named)


def category(found: WooCategoryShape, path: str, children: Sequence[Category] | None, *, has_more: bool) -> Category:
    """A category with the children given; None when they were not asked for."""
    return Category(
        id=CategoryId(str(found.id)),
        name=sanitizing.line(found.name),
        path=path,
        description=sanitizing.paragraphs(found.description),
        products=found.count,
        children=tuple(children or ()),
        more_below=children is None and has_more,
    )


def page(found: WordPressPage, known: KnownOrigins) -> ShopPage:
    """A page of the shop's own as safe HTML and Markdown."""
    html = sanitizing.safe_html(found.content.rendered, known=known)
    return ShopPage(
        identifier=sanitizing.line(found.slug),
        title=sanitizing.line(found.title.rendered),
        html=html,
        markdown=sanitizing.markdown(html, known=known),
    )


def cart(found: WooCartShape, prices: WooPrices, id_: CartId) -> Cart:
    """A cart. Raises ShopMisconfigured for one in another currency."""
    with_tax = prices.includes_tax(found)
    packages = found.shipping_rates if found.needs_shipping and is_addressed(found) else []
    chosen = [rate.name for package in packages for rate in package.shipping_rates if rate.selected]
    return Cart(
        cart_id=id_,
        lines=tuple(_line(item, prices, with_tax=with_tax) for item in found.items),
        totals=prices.totals(found),
        coupon=coupon(found),
        ships_nothing=ships_nothing(found),
        ships_by=sanitizing.line(" + ".join(dict.fromkeys(chosen))) or None,
    )


def coupon(found: WooCartShape) -> str | None:
    """The coupons of a cart as one text, in capitals, as codes are printed: the shop takes every case."""
    codes = (one.code.upper() if one.code.upper().lower() == one.code else one.code for one in found.coupons)
    return sanitizing.line(", ".join(codes), MAX_LABEL_CHARS) or None


def ships_nothing(found: WooCartShape) -> bool:
    """Whether there are lines, and nothing is sent of them."""
    return bool(found.items) and not found.needs_shipping


def _line(item: WooCartItemShape, prices: WooPrices, *, with_tax: bool) -> CartLine:
    price, total = prices.line(item, with_tax=with_tax)
    return CartLine(
        line_id=LineId(item.key),
        sku=sku_of(item),
        name=sanitizing.line(item.name),
        quantity=item.quantity,
        price=price,
        total=total,
        options={_label(one.attribute): _label(one.value) for one in item.variation},
    )


def shipping_choices(found: WooCartShape) -> dict[str, list[WooRateShape]]:
    """The ways to send a whole cart, by code: one rate for each package, all of the same kind where there is one.

    A cart of one package has its rates' own ids. None where a package cannot be sent at all.
    """
    packages = found.shipping_rates
    if not packages or any(not package.shipping_rates for package in packages):
        return {}
    choices: dict[str, list[WooRateShape]] = {}
    for lead in packages[0].shipping_rates:
        rates = [lead]
        for package in packages[1:]:
            alike = [rate for rate in package.shipping_rates if rate.method_id == lead.method_id]
            rates.append((alike or package.shipping_rates)[0])
        choices[RATE_SEPARATOR.join(rate.rate_id for rate in rates)] = rates
    return choices


def shipping_methods(found: WooCartShape, prices: WooPrices) -> tuple[ShippingMethod, ...]:
    """The ways to send a cart, as the buyer pays for them: with tax where the cart's prices are with tax."""
    with_tax = prices.includes_tax(found)
    methods = []
    for code, rates in shipping_choices(found).items():
        price = Money(0, prices.currency)
        for rate in rates:
            tax = int(rate.taxes or 0) if with_tax else 0
            price += prices.money(int(rate.price or 0) + tax, rate.currency_minor_unit)
        title = " + ".join(dict.fromkeys(sanitizing.line(rate.name) for rate in rates))
        takes = sanitizing.line(", ".join(dict.fromkeys(rate.delivery_time or "" for rate in rates)), MAX_LABEL_CHARS)
        methods.append(ShippingMethod(code, title or code, price, takes.strip(", ") or None))
    return tuple(methods)


def plain_error(message: str) -> str:
    """A sentence of the shop, which it escapes for HTML."""
    return sanitizing.line(message) or "no reason given"
