"""Structs of WooCommerce's responses, with the fields that are used: Store API v1 and the merchant's `wc/v3`.

Amounts of the Store API are texts of whole minor units, whose number of decimals stands beside them; `wc/v3` writes
decimals in major units. PHP writes an empty map as `[]`. Lists are bounded far above what shops have.
"""

from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct, field

T = TypeVar("T")

Id = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**31)]
Label = Annotated[str, Meta(max_length=2_000)]
Reason = Annotated[str, Meta(max_length=20_000)]
"""May list every code that would be taken."""
Few = Annotated[list[T], Meta(max_length=100)]
Many = Annotated[list[T], Meta(max_length=1_000)]
Units = Annotated[str, Meta(pattern="^-?[0-9]{1,18}$")] | Annotated[int, Meta(ge=-(10**18), le=10**18)] | None
"""Whole minor units as a text, which a lax decoder reads as a number; null is none."""
Exponent = Annotated[int, Meta(ge=0, le=8)]


class WooErrorData(Struct, frozen=True):
    """What explains a refusal."""

    params: dict[str, Reason] | list[Reason] = {}
    """By parameter, for `rest_invalid_param`; the names of missing ones alone."""
    errors: dict[str, list[Reason]] | list[Reason] = {}
    """By address, for `woocommerce_rest_invalid_address`."""


class WooErrorBody(Struct, frozen=True):
    """Body of an error response; messages are escaped for HTML."""

    code: Label = ""
    message: Annotated[str, Meta(max_length=20_000)] = ""
    data: WooErrorData | list[None] | None = None


class WooRangeShape(Struct, frozen=True):
    """Prices of a product's variations."""

    min_amount: Units = None
    max_amount: Units = None


class WooPricesShape(Struct, frozen=True, kw_only=True):
    """Prices as the shop shows them, with tax or without."""

    price: Units = None
    regular_price: Units = None
    price_range: WooRangeShape | None = None
    currency_code: str
    currency_minor_unit: Exponent


class WooTermShape(Struct, frozen=True):
    """A category of a product, or a value of an attribute."""

    id: Id = 0
    name: Label = ""
    slug: Label = ""


class WooAttributeShape(Struct, frozen=True):
    """An attribute of a product; with `has_variations` its variations differ in it."""

    name: Label = ""
    taxonomy: Label | None = None
    """`pa_` and its code; none for one of this product alone."""
    has_variations: bool = False
    terms: Many[WooTermShape] = []


class WooVariationValue(Struct, frozen=True):
    """What a variation has of one attribute; null or empty is any value."""

    name: Label = ""
    value: Label | None = None


class WooVariationShape(Struct, frozen=True):
    """A variation as its parent lists it."""

    id: Id
    attributes: Few[WooVariationValue] = []


class WooImageShape(Struct, frozen=True):
    """A picture."""

    src: Label = ""


class WooLimitsShape(Struct, frozen=True):
    """How many pieces can be added."""

    minimum: Count = 1
    maximum: Count = 0
    multiple_of: Count = 1


class WooProductShape(Struct, frozen=True, kw_only=True):
    """A product, or with `type` `variation` one of a variable product."""

    id: Id
    name: Label = ""
    slug: Label = ""
    parent: Id = 0
    type: Label = "simple"
    permalink: Label = ""
    sku: Label = ""
    short_description: str | None = None
    description: str | None = None
    on_sale: bool = False
    prices: WooPricesShape
    average_rating: Decimal | None = None
    review_count: Count = 0
    images: Many[WooImageShape] = []
    categories: Many[WooTermShape] = []
    brands: Many[WooTermShape] = []
    attributes: Few[WooAttributeShape] = []
    variations: Many[WooVariationShape] = []
    has_options: bool = False
    is_purchasable: bool = True
    is_in_stock: bool = True
    sold_individually: bool = False
    add_to_cart: WooLimitsShape = WooLimitsShape()


class WooCategoryShape(Struct, frozen=True, kw_only=True):
    """A category in the flat list of all."""

    id: Id
    name: Label = ""
    slug: Label = ""
    description: str | None = None
    parent: Id = 0
    count: Count = 0


class WooPriceRangeShape(Struct, frozen=True, kw_only=True):
    """Least and highest price of a collection."""

    min_price: Units = None
    max_price: Units = None
    currency_minor_unit: Exponent


class WooCollectionDataShape(Struct, frozen=True):
    """What a collection's products differ in."""

    price_range: WooPriceRangeShape | None = None


class WooRenderedShape(Struct, frozen=True):
    """A text as it is shown."""

    rendered: str = ""


class WordPressPage(Struct, frozen=True):
    """A page of the shop's own."""

    slug: Label = ""
    title: WooRenderedShape = WooRenderedShape()
    content: WooRenderedShape = WooRenderedShape()


class WooLineVariation(Struct, frozen=True):
    """An attribute of a line's variation."""

    attribute: Label = ""
    value: Label = ""


class WooLineTotals(Struct, frozen=True):
    """A line's total before discounts, without tax, and the tax on it."""

    line_subtotal: Units = None
    line_subtotal_tax: Units = None


class WooCartItemShape(Struct, frozen=True, kw_only=True):
    """A line of a cart."""

    key: Label
    id: Id
    """Of the product, or of the variation."""
    quantity: Count
    name: Label = ""
    sku: Label = ""
    quantity_limits: WooLimitsShape = WooLimitsShape()
    backorders_allowed: bool = False
    variation: Few[WooLineVariation] = []
    prices: WooPricesShape
    totals: WooLineTotals = WooLineTotals()


class WooCouponShape(Struct, frozen=True):
    """A coupon of a cart, in lower case."""

    code: Label = ""


class WooCartTotalsShape(Struct, frozen=True, kw_only=True):
    """A cart's totals: without tax, each with its tax beside it. Shipping is null before it can be told."""

    total_items: Units = None
    total_items_tax: Units = None
    total_discount: Units = None
    total_discount_tax: Units = None
    total_shipping: Units = None
    total_shipping_tax: Units = None
    total_tax: Units = None
    total_price: Units = None
    currency_code: str
    currency_minor_unit: Exponent


class WooRateShape(Struct, frozen=True, kw_only=True):
    """A way to send a package."""

    rate_id: Label
    method_id: Label = ""
    name: Label = ""
    delivery_time: Label | None = ""
    price: Units = None
    taxes: Units = None
    selected: bool = False
    currency_minor_unit: Exponent


class WooPackageShape(Struct, frozen=True):
    """What is sent together."""

    package_id: Id | Label = 0
    shipping_rates: Few[WooRateShape] = []


class WooPlaceShape(Struct, frozen=True):
    """Where a cart is sent, as far as it was said: country and state are the shop's own before that."""

    address_1: Label = ""
    city: Label = ""
    postcode: Label = ""
    country: Label = ""


class WooCartShape(Struct, frozen=True, kw_only=True):
    """A cart."""

    items: Many[WooCartItemShape] = []
    coupons: Few[WooCouponShape] = []
    totals: WooCartTotalsShape
    shipping_address: WooPlaceShape | list[None] = []
    needs_payment: bool = True
    needs_shipping: bool = True
    shipping_rates: Few[WooPackageShape] = []
    errors: Few[WooErrorBody] = []
    payment_methods: Few[Label] = []


class WooPaymentResult(Struct, frozen=True):
    """What became of the payment."""

    payment_status: Label = ""


class WooPlacedOrderShape(Struct, frozen=True, kw_only=True):
    """The answer to a checkout."""

    order_id: Id
    order_number: Label | None = None
    order_key: Label | None = None
    payment_result: WooPaymentResult | None = None


class WooOrderTotalsShape(Struct, frozen=True, kw_only=True):
    """The total of an order, as a guest reads it."""

    total_price: Units = None
    currency_code: str
    currency_minor_unit: Exponent


class WooGuestOrderShape(Struct, frozen=True, kw_only=True):
    """An order, as a guest reads it."""

    totals: WooOrderTotalsShape


class WooRefundShape(Struct, frozen=True):
    """A refund of an order; its total is negative."""

    total: Decimal | None = None


class WooMerchantOrderShape(Struct, frozen=True, kw_only=True):
    """An order, as the merchant's key reads it."""

    id: Id
    number: Label = ""
    status: Label = ""
    currency: Label = ""
    total: Decimal | None = None
    customer_note: Annotated[str, Meta(max_length=100_000)] | None = None
    order_key: Label | None = None
    transaction_id: Label | None = None
    date_paid_gmt: Label | None = None
    refunds: Few[WooRefundShape] = field(default_factory=list)


class WooOrderNoteShape(Struct, frozen=True):
    """A note on an order."""

    note: Annotated[str, Meta(max_length=100_000)] = ""
    customer_note: bool = False


class WooListPage(Struct, Generic[T], frozen=True):
    """A page of a list, with the number of all members, which a header tells."""

    members: list[T]
    total: int


class WooProductFacts(Struct, frozen=True, kw_only=True):
    """What only the merchant's `wc/v3` tells of a product. Dates are UTC."""

    id: Id
    status: Label = ""
    catalog_visibility: Label = ""
    date_created_gmt: Label | None = None
    date_modified_gmt: Label | None = None
    date_on_sale_from_gmt: Label | None = None
    date_on_sale_to_gmt: Label | None = None
