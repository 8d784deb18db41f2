"""Pure mapping of Medusa's response structs to the commerce types: products, categories, carts, shipping methods."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from storefront_mcp.backends import sanitizing
from storefront_mcp.backends.links import NO_ORIGINS, KnownOrigins
from storefront_mcp.backends.medusa.prices import AmountMapper
from storefront_mcp.backends.medusa.shapes import (
    CartItemShape,
    CategoryNode,
    ListedShape,
    MedusaCart,
    ProductShape,
    VariantShape,
)
from storefront_mcp.commerce.cart import Cart, CartLine
from storefront_mcp.commerce.category import Category
from storefront_mcp.commerce.errors import CartGone, ShopRefused
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import OptionAxis, Product, ProductSummary, Variant

MAX_LABEL_CHARS: Final = 100
MAX_SKU_CHARS: Final = 64
"""Of a SKU as agents send it."""
MAX_DESCRIPTION_CHARS: Final = 100_000
MAX_IMAGES: Final = 20
MAX_PIECES: Final = 10**9
PLAIN_VARIANTS: Final = frozenset({"default", "default variant", "default option value"})
"""Titles of the variant of a product that comes in one form only."""


def sku_of(product: ListedShape) -> Sku:
    """What a product is bought or read by: the SKU of its only variant, else its handle, which is unique."""
    variants = product.variants or ()
    if len(variants) == 1:
        return variant_sku(variants[0])
    handle = sanitizing.code(product.handle)
    return Sku(handle if handle and len(product.handle or "") <= MAX_SKU_CHARS else product.id)


def variant_sku(variant: VariantShape) -> Sku:
    """A variant's SKU; its id where it has none, or one too long to be sent back."""
    sku = variant.sku or ""
    return Sku(sanitizing.code(sku) if 0 < len(sku) <= MAX_SKU_CHARS else variant.id)


def pieces(variant: VariantShape) -> int | None:
    """Pieces in stock; None where stock is not managed, may be exceeded, or was not told."""
    told = variant.inventory_quantity
    if not variant.manage_inventory or variant.allow_backorder or told is None or not told.is_finite():
        return None
    return int(min(max(told, Decimal(0)), Decimal(MAX_PIECES)))


def has_stock(variant: VariantShape) -> bool:
    """Whether a variant can be bought as far as stock tells."""
    return pieces(variant) != 0


def summary(product: ListedShape, amounts: AmountMapper) -> ProductSummary | None:
    """A product summary for lists; None for a product that cannot be bought in this region."""
    variants = product.variants or ()
    prices = amounts.cheapest(variants)
    if prices is None:
        return None
    return ProductSummary(
        sku=sku_of(product),
        name=sanitizing.line(product.title),
        price=prices[0],
        list_price=prices[1],
        in_stock=any(map(has_stock, variants)),
        choose="variant" if len(variants) > 1 else None,
    )


def product(found: ProductShape, amounts: AmountMapper, known: KnownOrigins = NO_ORIGINS) -> Product:
    """A product with all that is needed to buy it. Raises ShopRefused for one that has no price in this region."""
    variants = found.variants or ()
    prices = amounts.cheapest(variants)
    if prices is None:
        raise ShopRefused("this product has no price for this store's region, so it cannot be bought here.")
    price, list_price = prices
    several = len(variants) > 1
    pictures = (one.url for one in found.images or () if one.url and known.has(one.url))
    image = found.thumbnail if found.thumbnail and known.has(found.thumbnail) else None
    handle = sanitizing.line(found.handle)
    return Product(
        sku=sku_of(found),
        name=sanitizing.line(found.title),
        price=price,
        list_price=list_price,
        in_stock=any(map(has_stock, variants)),
        stock=None if several or not variants else pieces(variants[0]),
        url=sanitizing.web_url(f"{known.website}/products/{quote(handle)}") if known.website and handle else None,
        url_key=handle or None,
        description=sanitizing.paragraphs(found.description or found.subtitle, MAX_DESCRIPTION_CHARS, known=known),
        kind="configurable" if several else "simple",
        image=image,
        images=tuple(one for one in dict.fromkeys(pictures) if one != image)[:MAX_IMAGES],
        attributes=dict(_attributes(found)),
        categories=tuple(CategoryId(one.id) for one in found.categories or ()),
        axes=tuple(_axes(found)) if several else (),
        variants=tuple(_variant(one, price, amounts) for one in variants) if several else (),
    )


def _attributes(found: ProductShape) -> Iterator[tuple[str, str]]:
    told = {
        "Material": found.material,
        "Origin": found.origin_country,
        "Type": None if found.type is None else found.type.value,
        "Collection": None if found.collection is None else found.collection.title,
    }
    for label, value in told.items():
        if shown := sanitizing.line(value):
            yield label, shown


def _axes(found: ProductShape) -> Iterator[OptionAxis]:
    """The options in which variants differ, with the values that occur, in the shop's order."""
    occurring: dict[str, dict[str, None]] = {}
    for variant in found.variants or ():
        for label, value in variant_options(variant).items():
            occurring.setdefault(label, {})[value] = None
    for option in found.options or ():
        label = sanitizing.line(option.title, MAX_LABEL_CHARS)
        ordered = (sanitizing.line(one.value, MAX_LABEL_CHARS) for one in option.values or ())
        here = occurring.get(label, {})
        values = [one for one in dict.fromkeys(ordered) if one in here]
        values += [one for one in here if one not in values]
        if values:
            yield OptionAxis(label=label, values=tuple(values))


def variant_options(variant: VariantShape) -> dict[str, str]:
    """Option title to value."""
    return {
        sanitizing.line(one.option.title, MAX_LABEL_CHARS): sanitizing.line(one.value, MAX_LABEL_CHARS)
        for one in variant.options or ()
        if one.option is not None
    }


def _variant(variant: VariantShape, shown: Money, amounts: AmountMapper) -> Variant:
    prices = amounts.variant(variant)
    return Variant(
        sku=variant_sku(variant),
        options=variant_options(variant),
        price=None if prices is None or prices[0] == shown else prices[0],
        in_stock=prices is not None and has_stock(variant),
        stock=pieces(variant),
    )


def category(found: CategoryNode, children: Sequence[Category] | None, path: str) -> Category:
    """A category with the children given; None when they were not asked for."""
    return Category(
        id=CategoryId(found.id),
        name=sanitizing.line(found.name),
        path=path,
        description=sanitizing.paragraphs(found.description),
        children=tuple(children or ()),
        more_below=children is None and bool(found.category_children),
    )


def cart(found: MedusaCart, amounts: AmountMapper) -> Cart:
    """An open cart. Raises ShopMisconfigured, and CartGone for one that became an order."""
    if found.completed_at:
        raise CartGone
    amounts.check_currency(found.currency_code)
    chosen = [sanitizing.line(one.name) for one in found.shipping_methods or ()]
    return Cart(
        cart_id=CartId(found.id),
        lines=tuple(_line(item, amounts) for item in sorted(found.items or (), key=_when_added)),
        totals=amounts.totals(found),
        coupon=", ".join(coupon_codes(found)) or None,
        ships_nothing=ships_nothing(found),
        ships_by=" + ".join(name for name in chosen if name) or None,
    )


def _when_added(item: CartItemShape) -> str:
    """Medusa tells lines in no order; its ids are ULIDs, which sort by when they were made."""
    return item.id


def ships_nothing(found: MedusaCart) -> bool:
    """Whether no line is sent."""
    return bool(found.items) and all(item.requires_shipping is False for item in found.items or ())


def coupon_codes(found: MedusaCart) -> list[str]:
    """The codes that were entered for a cart."""
    return [
        shown
        for one in found.promotions or ()
        if not one.is_automatic and (shown := sanitizing.line(one.code, MAX_LABEL_CHARS))
    ]


def line_sku(item: CartItemShape) -> Sku:
    """The SKU of a line's variant; its id where it has none."""
    sku = item.variant_sku or ""
    return Sku(sanitizing.code(sku) if 0 < len(sku) <= MAX_SKU_CHARS else item.variant_id or "")


def line_options(item: CartItemShape) -> dict[str, str]:
    """What makes the variant of a line; nothing of a product in one form."""
    form = sanitizing.line(item.variant_title, MAX_LABEL_CHARS)
    plain = form.casefold() in PLAIN_VARIANTS or form == sanitizing.line(item.product_title)
    return {"Variant": form} if form and not plain else {}


def _line(item: CartItemShape, amounts: AmountMapper) -> CartLine:
    price, total = amounts.line(item)
    return CartLine(
        line_id=LineId(item.id),
        sku=line_sku(item),
        name=sanitizing.line(item.product_title or item.title),
        quantity=item.quantity,
        price=price,
        total=total,
        options=line_options(item),
    )
