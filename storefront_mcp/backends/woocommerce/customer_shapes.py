"""Response structs of `wc/v3` for customers, and for their orders as the merchant's key reads them."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, field

from storefront_mcp.backends.woocommerce.shapes import Few, Id, Label, Many, WooMerchantOrderShape

Text = Annotated[str, Meta(max_length=20_000)]


class WooPostalShape(Struct, frozen=True):
    """An address of a customer or of an order; all of it is empty where there is none."""

    first_name: Label | None = None
    last_name: Label | None = None
    company: Label | None = None
    address_1: Label | None = None
    address_2: Label | None = None
    city: Label | None = None
    state: Label | None = None
    postcode: Label | None = None
    country: Label | None = None
    phone: Label | None = None


class WooCustomerShape(Struct, frozen=True):
    """A customer. Members of the staff are listed, too, with other roles."""

    id: Id = 0
    email: Label = ""
    first_name: Label | None = None
    last_name: Label | None = None
    role: Label = ""
    billing: WooPostalShape | None = None
    shipping: WooPostalShape | None = None


class WooLineMeta(Struct, frozen=True):
    """What is known of an ordered line besides: attributes of its variation, and what extensions write."""

    key: Label
    display_key: Label
    display_value: Text


class WooOrderLineShape(Struct, frozen=True, kw_only=True):
    """An ordered line; amounts are before discounts, without tax, each with its tax beside it."""

    name: Label = ""
    product_id: Id = 0
    variation_id: Id = 0
    quantity: int | float = 1
    subtotal: Decimal | None = None
    subtotal_tax: Decimal | None = None
    sku: Label | None = None
    meta_data: Few[WooLineMeta] = []


class WooShippingLineShape(Struct, frozen=True):
    """How an order is sent."""

    method_title: Label = ""


class WooCustomerOrderShape(WooMerchantOrderShape, frozen=True, kw_only=True):
    """An order of a customer; in lists with few of its parts."""

    customer_id: Id = 0
    """0 for a guest's."""
    date_created_gmt: Label | None = None
    prices_include_tax: bool = False
    discount_total: Decimal | None = None
    discount_tax: Decimal | None = None
    shipping_total: Decimal | None = None
    shipping_tax: Decimal | None = None
    total_tax: Decimal | None = None
    line_items: Many[WooOrderLineShape] = field(default_factory=list)
    shipping_lines: Few[WooShippingLineShape] = field(default_factory=list)
    payment_method_title: Label | None = None
    billing: WooPostalShape | None = None
    shipping: WooPostalShape | None = None
