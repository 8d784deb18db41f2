"""Response structs of Maho's REST v2, with the fields that are used (26.7 and later; the older fork has the same).

PHP writes an empty map as `[]`, leaves out nulls, and mixes integers and fractions; amounts are decimals in major
units. Wherever a map is read, `Nothing` is the empty list.

Lists are bounded far above what shops have; a longer one makes the whole answer unreadable.
"""

from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

Nothing = list[None]
Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Scalar = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | Annotated[str, Meta(max_length=10_000)]
Label = Annotated[str, Meta(max_length=2000)]
"""Of what is kept, or stands in an address."""
Few = Annotated[list[T], Meta(max_length=100)]
Many = Annotated[list[T], Meta(max_length=1000)]


class CollectionShape(Struct, Generic[T], frozen=True):
    """A list as JSON-LD. `totalItems` counts all pages; a page past the end repeats the last one."""

    totalItems: Id  # noqa: N815 - Maho's spelling
    member: list[T]


class ErrorBody(Struct, frozen=True):
    """Body of an error response."""

    error: Label = ""
    message: Annotated[str, Meta(max_length=20_000)] = ""


class AxisValue(Struct, frozen=True):
    """A value of a configurable product's attribute."""

    id: Scalar
    label: str | None = None


class VariantAxisShape(Struct, frozen=True):
    """An attribute in which a configurable product's variants differ."""

    code: str
    label: str | None = None
    values: Many[AxisValue] = []


class ChildProduct(Struct, frozen=True, rename="camel"):
    """A variant, as its parent lists it. Price 0 means the parent's price."""

    id: Id
    sku: str
    price: Decimal | None = None
    final_price: Decimal | None = None
    stock_qty: Decimal | None = None
    in_stock: bool | None = True
    attributes: dict[str, Scalar | None] | Nothing = []


class OptionValueShape(Struct, frozen=True, rename="camel"):
    """A value of a custom option."""

    id: Scalar
    title: str | None = None
    price: Decimal | None = None
    price_type: str | None = None


class CustomOptionShape(Struct, frozen=True, rename="camel"):
    """A custom option."""

    id: Scalar
    title: str | None = None
    type: str = "field"
    required: bool = False
    price: Decimal | None = None
    price_type: str | None = None
    max_characters: int | None = None
    values: Few[OptionValueShape] = []


class BundleSelectionShape(Struct, frozen=True, rename="camel"):
    """A product that a bundle's option offers."""

    id: Scalar = ""
    name: str | None = None
    price: Decimal | None = None
    default_qty: Decimal | None = None
    can_change_qty: bool | None = False
    in_stock: bool | None = True


class BundleOptionShape(Struct, frozen=True, rename="camel"):
    """A part of a bundle that is chosen; its title may be missing."""

    id: Scalar = ""
    title: str | None = None
    type: str = "select"
    required: bool | None = False
    selections: Few[BundleSelectionShape] = []


class GroupedProductShape(Struct, frozen=True, rename="camel"):
    """A product of a grouped one."""

    id: Scalar = ""
    name: str | None = None
    price: Decimal | None = None
    final_price: Decimal | None = None
    in_stock: bool | None = True


class DownloadLinkShape(Struct, frozen=True):
    """A file of a downloadable product."""

    id: Scalar = ""
    title: str | None = None
    price: Decimal | None = None


class TierPriceShape(Struct, frozen=True):
    """A unit price from a quantity on."""

    qty: Decimal | None = None
    price: Decimal | None = None


class GalleryImageShape(Struct, frozen=True):
    """A picture."""

    url: str | None = None


class AttributeShape(Struct, frozen=True):
    """An attribute that the shop front shows."""

    code: str | None = None
    label: str | None = None
    value: Scalar | None = None


class StockItem(Struct, frozen=True):
    """A product's sales rules; 0 means no rule."""

    min_sale_qty: Decimal | None = None
    max_sale_qty: Decimal | None = None
    qty_increments: Decimal | None = None
    enable_qty_increments: bool | None = False


class LinkedProductShape(Struct, frozen=True, rename="camel"):
    """Another product that one is linked to, in that one's currency; what is missing is null here, not left out."""

    sku: str = ""
    name: str | None = None
    price: Decimal | None = None
    final_price: Decimal | None = None
    stock_status: str | None = None


class ListedProduct(Struct, frozen=True, rename="camel", kw_only=True):
    """A product; in lists options and variants are empty, and by url-key the stock is 0."""

    id: Id
    sku: str
    name: str = ""
    type: str = "simple"
    url_key: str | None = None
    url_path: str | None = None
    visibility: str | None = None
    stock_status: str | None = None
    price: Decimal | None = None
    final_price: Decimal | None = None
    minimal_price: Decimal | None = None
    currency: str | None = None
    category_ids: Many[Id] = []
    has_required_options: bool | None = False


class ProductDetail(ListedProduct, frozen=True, rename="camel", kw_only=True):
    """A product read by its id."""

    description: str | None = None
    short_description: str | None = None
    stock_qty: Decimal | None = None
    image_url: str | None = None
    weight: Decimal | None = None
    configurable_options: Annotated[list[VariantAxisShape], Meta(max_length=20)] = []
    variants: Many[ChildProduct] = []
    custom_options: Few[CustomOptionShape] = []
    price_type: int | None = None
    """Of a bundle: 0 for a price that is the sum of its parts, and then absent."""
    bundle_options: Few[BundleOptionShape] = []
    stock_item: StockItem | Nothing | None = None
    grouped_products: list[GroupedProductShape] = []
    downloadable_links: list[DownloadLinkShape] = []
    links_title: str | None = None
    links_purchased_separately: bool | None = False
    giftcard_amounts: list[Decimal] = []
    giftcard_min_amount: Decimal | None = None
    giftcard_max_amount: Decimal | None = None
    tier_prices: list[TierPriceShape] = []
    media_gallery: list[GalleryImageShape] = []
    additional_attributes: list[AttributeShape] = []
    related_products: Many[LinkedProductShape] = []
    upsell_products: Many[LinkedProductShape] = []
    crosssell_products: Many[LinkedProductShape] = []
    review_count: int | None = None
    average_rating: Decimal | None = None
    """From 1 to 5; missing without reviews, and in 26.7."""


class CategoryShape(Struct, frozen=True, rename="camel", kw_only=True):
    """A category; `children` is filled only when it is read by its id, one level deep."""

    id: Id
    name: Label = ""
    description: str | None = None
    url_key: Label | None = None
    url_path: Label | None = None
    is_active: bool | None = True
    children_count: int | None = None
    product_count: int | None = None
    children: Many["CategoryShape"] = []


class ResolvedUrl(Struct, frozen=True):
    """The entity behind a URL path."""

    type: str = ""
    id: Id | None = None


class FilterOption(Struct, frozen=True):
    """A value of a facet."""

    label: str | None = None
    count: int = 0


class LayeredFilter(Struct, frozen=True):
    """A facet of a category."""

    label: str | None = None
    options: Many[FilterOption] = []


class CmsPage(Struct, frozen=True, rename="camel"):
    """A CMS page."""

    identifier: str | None = None
    title: str | None = None
    content: str | None = None
    is_active: bool | None = True


class StoreConfig(Struct, frozen=True, rename="camel"):
    """Configuration of a store view."""

    allowed_countries: Many[Label] = []
    is_guest_checkout_allowed: bool | None = True
    timezone: Label | None = None
    """IANA name."""
    weight_unit: Label | None = None
    """Such as `kg`."""


class LabelledValue(Struct, frozen=True):
    """A chosen option of a cart line."""

    label: str | None = None
    value: Scalar | Few[Scalar] | None = None


class CartItem(Struct, frozen=True, rename="camel"):
    """A cart line. `sku` is the variant's, `product_id` its parent's."""

    id: Id
    sku: str
    name: str = ""
    qty: Decimal = Decimal(0)
    price: Decimal | None = None
    price_incl_tax: Decimal | None = None
    row_total: Decimal | None = None
    row_total_incl_tax: Decimal | None = None
    product_id: Id | None = None
    product_type: Label | None = None
    options: Few[LabelledValue] = []


class CartPrices(Struct, frozen=True, rename="camel"):
    """A cart's totals. Tax is 0 until there is an address, shipping null until a method is chosen."""

    subtotal: Decimal | None = None
    subtotal_incl_tax: Decimal | None = None
    discount_amount: Decimal | None = None
    shipping_amount: Decimal | None = None
    shipping_amount_incl_tax: Decimal | None = None
    tax_amount: Decimal | None = None
    grand_total: Decimal | None = None
    giftcard_amount: Decimal | None = None


class AppliedCoupon(Struct, frozen=True):
    """The applied coupon."""

    code: str | None = None


class AppliedGiftCardShape(Struct, frozen=True, rename="camel"):
    """A gift card that pays for a cart."""

    code: Label = ""
    balance: Decimal | None = None
    applied_amount: Decimal | None = None


class ShippingRateShape(Struct, frozen=True, rename="camel"):
    """A shipping rate; `price` is null on a carrier's error."""

    code: str = ""
    title: str | None = None
    price: Decimal | None = None
    carrier_code: str | None = None
    method_code: str | None = None


class PaymentMethodShape(Struct, frozen=True, rename="camel"):
    """A payment method."""

    code: str = ""
    title: str | None = None
    is_offline: bool | None = False


class SelectedShipping(Struct, frozen=True, rename="camel"):
    """The shipping method that a cart has."""

    carrier_code: str | None = None
    method_code: str | None = None


class SelectedPayment(Struct, frozen=True):
    """The payment method that a cart has: that of a place-order which failed."""

    code: str | None = None


class CartPlaceShape(Struct, frozen=True, rename="camel"):
    """Where a cart is sent; empty texts until that was said."""

    country_id: Label | None = None


class GuestCart(Struct, frozen=True, rename="camel", kw_only=True):
    """A guest cart. `masked_id` is its secret id; null for a customer's cart read by a guest path."""

    id: Id | None = None
    masked_id: Annotated[str, Meta(max_length=255)] | None = None
    is_active: bool | None = True
    reserved_order_id: Label | None = None
    """The number of the order that was made of it. Maho may fail after that, and then leaves the cart open."""
    items: Many[CartItem] = []
    prices: CartPrices | Nothing | None = None
    applied_coupon: AppliedCoupon | Nothing | None = None
    applied_giftcards: Few[AppliedGiftCardShape] = []
    selected_shipping_method: SelectedShipping | Nothing | None = None
    selected_payment_method: SelectedPayment | Nothing | None = None
    available_shipping_methods: Many[ShippingRateShape] = []
    shipping_address: CartPlaceShape | Nothing | None = None
    currency: str | None = None


class QuotedCart(Struct, frozen=True, rename="camel"):
    """The older fork's response to a quote: a whole cart."""

    available_shipping_methods: Many[ShippingRateShape] = []


class PayableCart(Struct, frozen=True, rename="camel"):
    """The older fork's response with payment methods: a whole cart."""

    available_payment_methods: Few[PaymentMethodShape] = []
