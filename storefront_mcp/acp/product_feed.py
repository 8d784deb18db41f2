"""The product feed: a store's products as files for a platform, which hosts the feed and never asks the store.

A feed is `metadata.json`, one `FeedMetadata`, and `products.jsonl`, one `FeedProduct` a line; it replaces the whole
feed that went before. The objects are closed: there are no members but these.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal
from urllib.parse import quote

from msgspec import Struct

from storefront_mcp.acp.session_view import links_view
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.plain_text import visible_line, visible_text
from storefront_mcp.commerce.product import Product, Variant
from storefront_mcp.commerce.store import Store

METADATA_FILE: Final = "metadata.json"
PRODUCTS_FILE: Final = "products.jsonl"
FeedOmission = Literal["incomplete", "chosen"]
"""Why a product is in no feed: it has no price or no id, or takes more than its id to buy, such as an engraving."""
CHOSEN_KINDS: Final = frozenset({"bundle", "grouped", "giftcard"})
"""Kinds of products that are made up by their buyer."""
TAXONOMY: Final = "merchant"
"""The one that categories of a shop's own are of."""
LINK_TYPES: Final = {"terms_of_use": "terms_of_service", "return_policy": "refund_policy"}
"""A seller's links by what a session calls them, where feeds have another word."""
URL_SAFE: Final = ":/?#[]@!$&'()*+,;=%~"
"""What stays as it is in a URL, besides letters and digits (RFC 3986, §2)."""
STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class FeedMetadata(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Which feed it is."""

    id: str
    """As the platform calls it."""
    target_country: str | None = None
    """ISO 3166-1 alpha-2."""
    updated_at: str | None = None
    """RFC 3339."""


class FeedDescription(Struct, frozen=True):
    """A text about a product."""

    plain: str


class FeedPrice(Struct, frozen=True):
    """Minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class FeedAvailability(Struct, frozen=True):
    """Whether it can be bought now."""

    available: bool
    status: Literal["in_stock", "out_of_stock"]


class FeedMedia(Struct, frozen=True):
    """A picture."""

    type: Literal["image"]
    url: str


class FeedOption(Struct, frozen=True):
    """What a variant is like: Colour, Black."""

    name: str
    value: str


class FeedCategory(Struct, frozen=True):
    """A category by its name."""

    value: str
    taxonomy: str


class FeedLink(Struct, frozen=True):
    """A page of the seller."""

    type: str
    url: str


class FeedSeller(Struct, frozen=True, omit_defaults=True):
    """Who sells it."""

    name: str
    links: tuple[FeedLink, ...] = ()


class FeedVariant(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is bought by its id: `item.id` of a session's line."""

    id: str
    title: str
    price: FeedPrice
    list_price: FeedPrice | None = None
    availability: FeedAvailability
    categories: tuple[FeedCategory, ...] = ()
    variant_options: tuple[FeedOption, ...] = ()
    seller: FeedSeller


class FeedProduct(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A product with at least one variant; what has none is its own, under the same id."""

    id: str
    title: str
    description: FeedDescription | None = None
    url: str | None = None
    media: tuple[FeedMedia, ...] = ()
    variants: tuple[FeedVariant, ...]


IN_STOCK: Final = FeedAvailability(available=True, status="in_stock")
OUT_OF_STOCK: Final = FeedAvailability(available=False, status="out_of_stock")


def feed_seller(store: Store) -> FeedSeller:
    """The store, with the pages that a buyer may want to read before."""
    links = (FeedLink(LINK_TYPES.get(one["type"], one["type"]), one["url"]) for one in links_view(store))
    return FeedSeller(store.name, tuple(links))


def feed_product(product: Product, categories: Sequence[str], seller: FeedSeller) -> FeedProduct | FeedOmission:
    """A product with its variants, or why it cannot be told; `categories` are names.

    A variant without an id or a price is left out. Nothing is sold for nothing: shops say 0 where they have no price.
    """
    needs_choice = product.kind in CHOSEN_KINDS or any(option.required for option in product.custom_options)
    if needs_choice or (product.kind == "configurable" and not product.variants):
        return "chosen"
    told = tuple(FeedCategory(name, TAXONOMY) for name in dict.fromkeys(map(visible_line, categories)) if name)
    bought = {one.sku: one for one in product.variants or (Variant(sku=product.sku, options={}),)}
    variants = [
        _variant(product, one, told, seller) for one in bought.values() if one.sku and _price_of(product, one).minor > 0
    ]
    if not (product.sku and variants):
        return "incomplete"
    description = visible_text(product.description).strip()
    pictures = dict.fromkeys(filter(None, map(_uri, (product.image, *product.images))))
    return FeedProduct(
        id=product.sku,
        title=_title(product),
        description=FeedDescription(description) if description else None,
        url=_uri(product.url),
        media=tuple(FeedMedia("image", url) for url in pictures),
        variants=tuple(variants),
    )


def _variant(
    product: Product, variant: Variant, categories: tuple[FeedCategory, ...], seller: FeedSeller
) -> FeedVariant:
    price = _price_of(product, variant)
    # What a variant with a price of its own cost before is not known.
    before = product.list_price if price == product.price else None
    options = [FeedOption(visible_line(name), visible_line(value)) for name, value in variant.options.items()]
    options = [one for one in options if one.name and one.value]
    return FeedVariant(
        id=variant.sku,
        title=", ".join([_title(product), *(one.value for one in options)]),
        price=_price(price),
        list_price=_price(before) if before is not None and before.minor > price.minor else None,
        availability=IN_STOCK if variant.in_stock and product.in_stock else OUT_OF_STOCK,
        categories=categories,
        variant_options=tuple(options),
        seller=seller,
    )


def _price_of(product: Product, variant: Variant) -> Money:
    return product.price if variant.price is None else variant.price


def _price(money: Money) -> FeedPrice:
    return FeedPrice(money.minor, money.currency)


def _title(product: Product) -> str:
    return visible_line(product.name) or product.sku


def _uri(url: str | None) -> str | None:
    """A web address in the characters that a URI may have (RFC 3986); None for what is none."""
    if url is None or not url.startswith(("https://", "http://")):
        return None
    return quote(STRAY_PERCENT.sub("%25", url), safe=URL_SAFE)
