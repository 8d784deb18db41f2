"""Response structs of Medusa's Store API 2.x, with the fields that are used.

Amounts are JSON numbers in major units. Ids are prefixed ULIDs. Lists are bounded far above what shops have; a longer
one makes the whole answer unreadable.
"""

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Raw, Struct

T = TypeVar("T")

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,200}\Z")]
"""Agents see some, such as a category's."""
Label = Annotated[str, Meta(max_length=2000)]
"""Of what is kept."""
Few = Annotated[list[T], Meta(max_length=100)]
Many = Annotated[list[T], Meta(max_length=2000)]


class ErrorShape(Struct, frozen=True):
    """Body of an error response."""

    type: Label = ""
    code: Label | None = None
    message: Annotated[str, Meta(max_length=20_000)] = ""


class CountryInRegion(Struct, frozen=True):
    """A country of a region."""

    iso_2: Label
    display_name: Label | None = None


class SalesRegion(Struct, frozen=True):
    """A region: one currency, and the countries that are delivered to in it."""

    id: Id
    name: Label = ""
    currency_code: Label = ""
    countries: Many[CountryInRegion] | None = None


class RegionList(Struct, frozen=True):
    """Body of `GET /regions`."""

    regions: Many[SalesRegion] = []


class CalculatedPrice(Struct, frozen=True):
    """The price of a variant in a region; `original_amount` is that without price lists."""

    calculated_amount: Decimal | None = None
    original_amount: Decimal | None = None
    currency_code: Label | None = None


class OptionTitle(Struct, frozen=True):
    """An option of a product, such as Size."""

    title: str | None = None


class VariantOption(Struct, frozen=True):
    """A variant's value of an option."""

    value: str | None = None
    option: OptionTitle | None = None


class OptionShape(Struct, frozen=True):
    """An option of a product, with its values in the shop's order."""

    title: str | None = None
    values: Many[VariantOption] | None = None


class VariantShape(Struct, frozen=True):
    """What can be bought. A SKU is not required."""

    id: Id
    title: str | None = None
    sku: str | None = None
    manage_inventory: bool | None = True
    allow_backorder: bool | None = False
    inventory_quantity: Decimal | None = None
    """Absent unless asked for, and where stock is not managed."""
    calculated_price: CalculatedPrice | None = None
    options: Few[VariantOption] | None = None


class NamedShape(Struct, frozen=True):
    """A type or collection."""

    value: str | None = None
    title: str | None = None


class ImageShape(Struct, frozen=True):
    """A picture."""

    url: str | None = None


class CategoryRef(Struct, frozen=True):
    """A category that a product is in."""

    id: Id


class ListedShape(Struct, frozen=True, kw_only=True):
    """A product in a list."""

    id: Id
    title: str | None = None
    handle: str | None = None
    variants: Many[VariantShape] | None = None


class ProductShape(ListedShape, frozen=True, kw_only=True):
    """A product with its details."""

    subtitle: str | None = None
    description: str | None = None
    thumbnail: str | None = None
    material: str | None = None
    origin_country: str | None = None
    images: Many[ImageShape] | None = None
    options: Few[OptionShape] | None = None
    categories: Many[CategoryRef] | None = None
    type: NamedShape | None = None
    collection: NamedShape | None = None
    created_at: Label | None = None
    updated_at: Label | None = None
    """Of the product itself: neither its prices nor its stock move it."""


class ProductPage(Struct, frozen=True):
    """Body of `GET /products`, each product to be read by itself."""

    products: Annotated[list[Raw], Meta(max_length=2000)]
    count: Annotated[int, Meta(ge=0)]
    estimate_count: int | None = None
    """Told by shops that search by an index: then `count` is a guess."""


class ListedProducts(Struct, frozen=True):
    """Body of `GET /products` for lists; `count` counts all pages."""

    products: Many[ListedShape]
    count: Annotated[int, Meta(ge=0)]


class FoundProducts(Struct, frozen=True):
    """Body of `GET /products` for details."""

    products: Few[ProductShape]


class CategoryNode(Struct, frozen=True):
    """A category, with its children where the tree was asked for."""

    id: Id
    name: str | None = None
    description: str | None = None
    handle: str | None = None
    category_children: Many["CategoryNode"] | None = None


class CategoryNodes(Struct, frozen=True):
    """Body of `GET /product-categories`."""

    product_categories: Many[CategoryNode] = []


class AppliedPromotion(Struct, frozen=True):
    """A promotion of a cart; an automatic one needs no code of the shopper."""

    code: Label | None = None
    is_automatic: bool | None = False


class CartItemShape(Struct, frozen=True):
    """A line of a cart."""

    id: Id
    quantity: Annotated[int, Meta(ge=0, le=10**9)] = 0
    unit_price: Decimal | None = None
    is_tax_inclusive: bool | None = False
    title: str | None = None
    product_title: str | None = None
    product_id: Label | None = None
    variant_id: Label | None = None
    variant_sku: str | None = None
    variant_title: str | None = None
    requires_shipping: bool | None = True


class CartShipping(Struct, frozen=True):
    """The chosen way of shipping."""

    name: str | None = None
    shipping_option_id: Label | None = None


class DestinationShape(Struct, frozen=True):
    """Where a cart or an order is sent: a cart's country may be the region's own before anybody said where to."""

    address_1: Label | None = None
    city: Label | None = None
    postal_code: Label | None = None
    country_code: Label | None = None


class PricedShape(Struct, frozen=True, kw_only=True):
    """What a cart or an order comes to. Subtotals are before discounts and tax, totals after them."""

    currency_code: Label | None = None
    items: Many[CartItemShape] | None = None
    shipping_methods: Few[CartShipping] | None = None
    shipping_address: DestinationShape | None = None
    total: Decimal | None = None
    item_subtotal: Decimal | None = None
    original_item_total: Decimal | None = None
    shipping_subtotal: Decimal | None = None
    original_shipping_total: Decimal | None = None
    discount_subtotal: Decimal | None = None
    discount_total: Decimal | None = None
    tax_total: Decimal | None = None


class MedusaCart(PricedShape, frozen=True, kw_only=True):
    """A cart."""

    id: Id
    completed_at: Label | None = None
    promotions: Few[AppliedPromotion] | None = None


class CartBody(Struct, frozen=True):
    """Body of most calls of a cart."""

    cart: MedusaCart


class RemovedLine(Struct, frozen=True):
    """Body of the removal of a line."""

    parent: MedusaCart | None = None


class ShippingOptionShape(Struct, frozen=True):
    """A way to send a cart."""

    id: Id
    name: str | None = None
    price_type: Label | None = None
    shipping_profile_id: Label | None = None
    amount: Decimal | None = None
    insufficient_inventory: bool | None = False


class ShippingOptions(Struct, frozen=True):
    """Body of `GET /shipping-options`."""

    shipping_options: Few[ShippingOptionShape] = []


class CalculatedOption(Struct, frozen=True):
    """Body of the calculation of a shipping price."""

    shipping_option: ShippingOptionShape


class PaymentProviderShape(Struct, frozen=True):
    """A payment provider of the region."""

    id: Id
    is_enabled: bool | None = True


class PaymentProviders(Struct, frozen=True):
    """Body of `GET /payment-providers`."""

    payment_providers: Few[PaymentProviderShape] = []


class PaymentCollectionShape(Struct, frozen=True):
    """What is to be paid for a cart."""

    id: Id
    amount: Decimal | None = None


class PaymentCollectionBody(Struct, frozen=True):
    """Body of the calls of a payment collection."""

    payment_collection: PaymentCollectionShape


class CompletionError(Struct, frozen=True):
    """Why a cart was not completed."""

    message: Annotated[str, Meta(max_length=20_000)] = ""


class CompletedOrder(Struct, frozen=True):
    """An order that a cart became."""

    id: Id
    display_id: int | None = None
    custom_display_id: Label | None = None
    total: Decimal | None = None
    currency_code: Label | None = None


class CompletionBody(Struct, frozen=True):
    """Body of the completion of a cart: 200 whether there is an order or not; `type` tells."""

    type: Label
    order: CompletedOrder | None = None
    error: CompletionError | None = None


class TrackingLabel(Struct, frozen=True):
    """Where a parcel can be followed."""

    tracking_number: str | None = None
    tracking_url: str | None = None


class FulfilledItem(Struct, frozen=True):
    """Pieces in a parcel."""

    title: str | None = None
    quantity: Decimal | None = None


class FulfillmentShape(Struct, frozen=True):
    """A parcel."""

    shipped_at: Label | None = None
    canceled_at: Label | None = None
    items: Many[FulfilledItem] | None = None
    labels: Few[TrackingLabel] | None = None


class ItemDetail(Struct, frozen=True):
    """How many pieces of an ordered line were sent."""

    shipped_quantity: Decimal | None = None


class OrderedItem(Struct, frozen=True):
    """A line of an order."""

    product_title: str | None = None
    title: str | None = None
    quantity: Decimal | None = None
    detail: ItemDetail | None = None


class OrderSummary(Struct, frozen=True):
    """What was paid and is due."""

    refunded_total: Decimal | None = None
    pending_difference: Decimal | None = None


class OrderShape(Struct, frozen=True):
    """An order with its progress."""

    id: Id
    display_id: int | None = None
    custom_display_id: Label | None = None
    status: Label | None = None
    payment_status: Label | None = None
    fulfillment_status: Label | None = None
    currency_code: Label | None = None
    fulfillments: Few[FulfillmentShape] | None = None
    items: Many[OrderedItem] | None = None
    summary: OrderSummary | None = None
    metadata: dict[str, Any] | None = None


class OrderBody(Struct, frozen=True):
    """Body of `GET /orders/{id}`."""

    order: OrderShape
