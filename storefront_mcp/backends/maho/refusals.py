"""What may go into a cart, by our own look and by the shop's answer."""

from http import HTTPStatus
from typing import Final

from storefront_mcp.backends.maho import translation
from storefront_mcp.backends.maho.rest import general, reason, refusal
from storefront_mcp.backends.maho.shapes import StockItem, WholeProduct
from storefront_mcp.backends.upstream import Answer
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
    ShopRefused,
    VariantNeeded,
)
from storefront_mcp.commerce.names import Sku
from storefront_mcp.commerce.product import Product

OUT: Final = "out_of_stock"


def check_choice(sku: Sku, options: Options, found: WholeProduct, product: Product) -> custom.Chosen:
    """The options to send for a product. Raises VariantNeeded, OptionsNeeded, and ShopRefused for sets of products."""
    if found.type in translation.SETS:
        raise ShopRefused(f"{sku} is put together from several products, which works on the shop's own page only.")
    if found.type == translation.FAMILY and all(variant.sku != sku for variant in product.variants):
        raise VariantNeeded(sku, product.variants)
    return custom.chosen(sku, product.custom_options, options)


def check_stock(product: WholeProduct, sku: Sku, quantity: int, *, also: int = 0) -> None:
    """Whether `quantity` pieces, and `also` others in the same cart, can be bought as far as the shop tells.

    `product` is the one with this SKU, or its parent. Raises OutOfStock, NotEnoughStock, QuantityRefused.
    """
    child = next((one for one in product.variants if one.sku == sku), None)
    there = product.stock_status != OUT if child is None else child.in_stock is not False
    if not there:
        raise OutOfStock(sku)
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


def of_line(answer: Answer, sku: Sku, product: Product | None) -> ShopError:
    """What the shop means by refusing a line. It has one status for many things, so its sentence must tell."""
    said = refusal(answer).message.casefold()
    variants = () if product is None else product.variants
    options = () if product is None else product.custom_options
    stock = None if product is None else next((one.stock for one in variants if one.sku == sku), product.stock)
    if answer.status == HTTPStatus.NOT_FOUND:
        return ProductNotFound(sku) if "product" in said else CartGone()
    if answer.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return general(answer)
    unfit = f"{reason(answer).removesuffix('.')}."
    undecided = OptionsNeeded(sku, unfit, options) if options and not variants else VariantNeeded(sku, variants)
    meanings: tuple[tuple[tuple[str, ...], ShopError], ...] = (
        (("product with sku", "not found"), ProductNotFound(sku)),
        (("out of stock",), OutOfStock(sku)),
        (("requested quantity", "not available"), NotEnoughStock(sku, available=stock)),
        (("specify the product's option",), undecided),
        (("required option",), OptionsNeeded(sku, unfit, options)),
        (("text is too long",), OptionsNeeded(sku, unfit, options)),
        (("quantity",), QuantityRefused(unfit)),
    )
    return next((meaning for words, meaning in meanings if all(word in said for word in words)), general(answer))
