"""Response structs of Maho's REST v2 for what a customer sees of their own account."""

from decimal import Decimal

from msgspec import Struct

from storefront_mcp.backends.maho.order_shapes import CommentShape, OrderedItemShape, ShipmentShape
from storefront_mcp.backends.maho.shapes import CartPrices, Id, Label, LabelledValue, Many


class ItemOptionsShape(Struct, frozen=True):
    """What was chosen for a line; PHP writes an empty one as a list."""

    options: Many[LabelledValue] = []
    attributes_info: Many[LabelledValue] = []
    """What makes the variant."""


class AccountItemShape(OrderedItemShape, frozen=True, rename="camel", kw_only=True):
    """A line of a customer's order."""

    sku: Label = ""
    row_total: Decimal | None = None
    row_total_incl_tax: Decimal | None = None
    qty_invoiced: Decimal = Decimal(0)
    product_options: ItemOptionsShape = ItemOptionsShape()


class AccountPricesShape(CartPrices, frozen=True, rename="camel", kw_only=True):
    """The prices of a customer's order, in major units."""

    total_paid: Decimal | None = None
    total_due: Decimal | None = None
    total_refunded: Decimal | None = None
    total_invoiced: Decimal | None = None


class AccountAddressShape(Struct, frozen=True, rename="camel", kw_only=True):
    """An address of an order or of the address book: names in lower case, unlike in a request."""

    firstname: Label | None = None
    lastname: Label | None = None
    company: Label | None = None
    street: Many[Label] = []
    city: Label | None = None
    region: Label | None = None
    postcode: Label | None = None
    country_id: Label | None = None
    telephone: Label | None = None
    is_default_billing: bool = False
    is_default_shipping: bool = False


class AccountOrderShape(Struct, frozen=True, rename="camel", kw_only=True):
    """An order as its customer reads it; in lists without history, parcels and the address that it went to."""

    id: Id
    increment_id: Label
    status: Label | None = None
    state: Label | None = None
    created_at: Label | None = None
    currency: Label | None = None
    customer_note: Label | None = None
    items: Many[AccountItemShape] = []
    prices: AccountPricesShape = AccountPricesShape()
    payment_method: Label | None = None
    payment_method_title: Label | None = None
    shipping_description: Label | None = None
    shipping_address: AccountAddressShape | None = None
    billing_address: AccountAddressShape | None = None
    shipments: Many[ShipmentShape] | None = None
    status_history: Many[CommentShape] = []
