"""What Maho's REST v2 sends, as far as we read it (26.7 and later; the older fork sends the same fields).

PHP writes an empty map as `[]`, leaves out nulls, and mixes whole and broken numbers; amounts are decimals in major
units. Wherever a map is read, `Nothing` stands for the empty list.
"""

from decimal import Decimal
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

Nothing = list[None]
Scalar = int | str


class Collection(Struct, Generic[T], frozen=True):
    """A list as JSON-LD. `totalItems` counts all pages; a page past the end repeats the last one."""

    totalItems: int  # noqa: N815 - Maho's spelling
    member: list[T]


class Refusal(Struct, frozen=True):
    """Every error's body."""

    error: str = ""
    message: str = ""


class AxisValue(Struct, frozen=True):
    """A value of a configurable product's attribute."""

    id: Scalar
    label: str | None = None


class Axis(Struct, frozen=True):
    """An attribute that tells a configurable product's variants apart."""

    code: str
    label: str | None = None
    values: list[AxisValue] = []


class ChildProduct(Struct, frozen=True, rename="camel"):
    """A variant, as its parent lists it. Its price is 0 where the parent's counts."""

    id: int
    sku: str
    price: Decimal | None = None
    final_price: Decimal | None = None
    stock_qty: Decimal | None = None
    in_stock: bool | None = True
    attributes: dict[str, Scalar | None] | Nothing = []


class ChoiceValue(Struct, frozen=True, rename="camel"):
    """A value of a custom option."""

    id: Scalar
    title: str | None = None
    price: Decimal | None = None
    price_type: str | None = None


class AskedOption(Struct, frozen=True, rename="camel"):
    """A custom option."""

    id: Scalar
    title: str | None = None
    type: str = "field"
    required: bool = False
    price: Decimal | None = None
    price_type: str | None = None
    max_characters: int | None = None
    values: list[ChoiceValue] = []


class StockItem(Struct, frozen=True):
    """A product's sales rules; 0 means no rule."""

    min_sale_qty: Decimal | None = None
    max_sale_qty: Decimal | None = None
    qty_increments: Decimal | None = None
    enable_qty_increments: bool | None = False


class ListedProduct(Struct, frozen=True, rename="camel", kw_only=True):
    """A product; in lists options and variants are empty, and by url-key the stock is 0."""

    id: int
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
    category_ids: list[int] = []
    has_required_options: bool | None = False


class WholeProduct(ListedProduct, frozen=True, rename="camel", kw_only=True):
    """A product read by its id."""

    description: str | None = None
    short_description: str | None = None
    stock_qty: Decimal | None = None
    image_url: str | None = None
    configurable_options: list[Axis] = []
    variants: list[ChildProduct] = []
    custom_options: list[AskedOption] = []
    stock_item: StockItem | Nothing | None = None


class Shelf(Struct, frozen=True, rename="camel", kw_only=True):
    """A category; `children` is filled only when it is read by its id, one level deep."""

    id: int
    name: str = ""
    description: str | None = None
    url_key: str | None = None
    url_path: str | None = None
    is_active: bool | None = True
    children_count: int | None = None
    product_count: int | None = None
    children: list["Shelf"] = []


class Resolved(Struct, frozen=True):
    """What a path of the shop's pages leads to."""

    type: str = ""
    id: int | None = None


class FilterOption(Struct, frozen=True):
    """A value of a facet."""

    label: str | None = None
    count: int = 0


class LayeredFilter(Struct, frozen=True):
    """A facet of a category."""

    label: str | None = None
    options: list[FilterOption] = []


class CmsPage(Struct, frozen=True, rename="camel"):
    """One of the shop's own pages."""

    identifier: str | None = None
    title: str | None = None
    content: str | None = None
    is_active: bool | None = True


class StoreConfig(Struct, frozen=True, rename="camel"):
    """What a store view says about itself."""

    allowed_countries: list[str] = []


class Region(Struct, frozen=True):
    """A state or province."""

    id: int
    code: str = ""
    name: str | None = None


class Country(Struct, frozen=True, rename="camel"):
    """A country with its regions, none where it does not matter."""

    id: str
    available_regions: list[Region] = []


class LabelledValue(Struct, frozen=True):
    """What was chosen for a line, in words."""

    label: str | None = None
    value: Scalar | list[Scalar] | None = None


class CartItem(Struct, frozen=True, rename="camel"):
    """A line. `sku` is the variant's, `product_id` its parent's."""

    id: int
    sku: str
    name: str = ""
    qty: Decimal = Decimal(0)
    price: Decimal | None = None
    price_incl_tax: Decimal | None = None
    row_total: Decimal | None = None
    row_total_incl_tax: Decimal | None = None
    product_id: int | None = None
    options: list[LabelledValue] = []


class Prices(Struct, frozen=True, rename="camel"):
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
    """The code in use."""

    code: str | None = None


class Rate(Struct, frozen=True, rename="camel"):
    """A way to ship."""

    code: str = ""
    title: str | None = None
    price: Decimal | None = None
    carrier_code: str | None = None
    method_code: str | None = None


class PayMethod(Struct, frozen=True, rename="camel"):
    """A way to pay."""

    code: str = ""
    title: str | None = None
    is_offline: bool | None = False


class GuestCart(Struct, frozen=True, rename="camel", kw_only=True):
    """A guest's cart. `masked_id` is the key to it; a customer's cart, read on a guest's path, does not repeat it."""

    id: int | None = None
    masked_id: str | None = None
    is_active: bool | None = True
    items: list[CartItem] = []
    prices: Prices | Nothing | None = None
    applied_coupon: AppliedCoupon | Nothing | None = None
    available_shipping_methods: list[Rate] = []
    currency: str | None = None


class QuotedCart(Struct, frozen=True, rename="camel"):
    """The older fork's answer to a quote: a whole cart."""

    available_shipping_methods: list[Rate] = []


class PayableCart(Struct, frozen=True, rename="camel"):
    """The older fork's answer to the question for ways to pay: a whole cart."""

    available_payment_methods: list[PayMethod] = []
