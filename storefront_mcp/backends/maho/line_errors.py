"""Checks a cart line before it is sent (variant, options, stock) and maps Maho's 4xx on a line to a ShopError."""

from http import HTTPStatus

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.choices import EMAIL_IDS
from storefront_mcp.backends.maho.rest import error_body, error_reason, general_error
from storefront_mcp.backends.maho.shapes import ProductDetail, StockItem
from storefront_mcp.backends.maho.storable import is_email, unstorable_characters
from storefront_mcp.backends.upstream_messages import UpstreamResponse
from storefront_mcp.commerce import options as custom
from storefront_mcp.commerce.backend import Options
from storefront_mcp.commerce.errors import (
    CartGone,
    NotEnoughStock,
    OptionsNeeded,
    OutOfStock,
    ProductNotFound,
    QuantityRefused,
    ShopError,
    VariantNeeded,
)
from storefront_mcp.commerce.ids import Sku
from storefront_mcp.commerce.product import Product


def check_choice(sku: Sku, options: Options, found: ProductDetail, product: Product) -> custom.Chosen:
    """Resolve a product's options. Raises VariantNeeded and OptionsNeeded, with the product's page for a file."""
    if found.type == translation.CONFIGURABLE_TYPE and all(variant.sku != sku for variant in product.variants):
        raise VariantNeeded(sku, product.variants)
    elsewhere = [one.title for one in product.custom_options if one.kind == "other" and one.required]
    if elsewhere:
        page = f", {product.url}" if product.url else ""
        told = f"{', '.join(map(repr, elsewhere))} can only be given on the product's own page{page}: hand it over."
        raise OptionsNeeded(sku, told, product.custom_options, how="")
    chosen = custom.resolve_options(sku, product.custom_options, options)
    if bad := unstorable_characters("".join(value for value in chosen.values() if isinstance(value, str))):
        raise OptionsNeeded(sku, f"The shop cannot store {bad!r}: write it without.", product.custom_options)
    for option in product.custom_options:
        mail = chosen.get(option.id)
        if option.id in EMAIL_IDS and isinstance(mail, str) and not is_email(mail):
            told = f"{option.title!r} must be an e-mail address. Ask the buyer; never invent one."
            raise OptionsNeeded(sku, told, product.custom_options)
    return chosen


def check_stock(product: ProductDetail, sku: Sku, quantity: int, *, also: int = 0) -> None:
    """Check `quantity` pieces, besides `also` in other lines of the cart, against stock and sales rules.

    `product` has this SKU or is its parent. Raises OutOfStock, NotEnoughStock, QuantityRefused.
    """
    if translation.is_sold_out(product, sku):
        raise OutOfStock(sku)
    child = next((one for one in product.variants if one.sku == sku), None)
    stock = translation.pieces(product.stock_qty if child is None else child.stock_qty)
    if stock is not None and quantity + also > stock:
        raise NotEnoughStock(sku, available=max(stock - also, 0))
    rules = product.stock_item
    if child is None and isinstance(rules, StockItem):
        least, most = translation.pieces(rules.min_sale_qty), translation.pieces(rules.max_sale_qty)
        step = translation.pieces(rules.qty_increments) if rules.enable_qty_increments else None
        if least is not None and 0 < quantity < least:
            raise QuantityRefused(f"at least {least} must be bought.")
        if most is not None and quantity > most:
            raise QuantityRefused(f"at most {most} can be bought.")
        if step is not None and quantity % step:
            raise QuantityRefused(f"it is sold in steps of {step}.")


def line_error(answer: UpstreamResponse, sku: Sku, product: Product | None) -> ShopError:
    """Map a 4xx on a line to an error, by its message: Maho uses one status for many causes."""
    said = error_body(answer).message.casefold()
    variants = () if product is None else product.variants
    options = () if product is None else product.custom_options
    stock = None if product is None else next((one.stock for one in variants if one.sku == sku), product.stock)
    if answer.status == HTTPStatus.NOT_FOUND:
        return ProductNotFound(sku) if "product" in said else CartGone()
    if answer.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return general_error(answer)
    unfit = f"{error_reason(answer).removesuffix('.')}."
    undecided = OptionsNeeded(sku, unfit, options) if options and not variants else VariantNeeded(sku, variants)
    meanings: tuple[tuple[tuple[str, ...], ShopError], ...] = (
        (("product with sku", "not found"), ProductNotFound(sku)),
        (("out of stock",), OutOfStock(sku)),
        (("requested quantity", "not available"), NotEnoughStock(sku, available=stock)),
        (("specify the product's option",), undecided),
        (("specify product option",), undecided),
        (("required option",), OptionsNeeded(sku, unfit, options)),
        (("gift card amount",), OptionsNeeded(sku, unfit, options)),
        (("text is too long",), OptionsNeeded(sku, unfit, options)),
        (("quantity",), QuantityRefused(unfit)),
        (("in increments of",), QuantityRefused(unfit)),
        (("product '", "is not available"), ProductNotFound(sku)),
    )
    return next((meaning for words, meaning in meanings if all(word in said for word in words)), general_error(answer))
