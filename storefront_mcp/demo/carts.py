"""What a cart is, and what an order is."""

from msgspec import Struct

from storefront_mcp.demo.places import Address
from storefront_mcp.demo.wire import Json


class Line(Struct, frozen=True, kw_only=True):
    """One line; a variant's line has the child's SKU and the parent's name, id and price."""

    id: int
    sku: str
    name: str
    product_id: int
    product_type: str
    qty: int
    cents: int
    """One piece in AUD cents including GST and the surcharges of its options."""
    grams: int
    options: tuple[tuple[str, str], ...] = ()
    """Label and value of what was chosen."""


class Cart(Struct, frozen=True, kw_only=True):
    """A guest's cart; every change makes the next one."""

    id: int
    masked_id: str
    created: float
    updated: float
    active: bool = True
    lines: tuple[Line, ...] = ()
    coupon: str | None = None
    """As the shopper typed it."""
    gift_cards: tuple[str, ...] = ()
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_method: str | None = None
    payment_method: str | None = None
    reserved: str | None = None
    """The number of the order it became."""

    @property
    def grams(self) -> int:
        """The weight of it all."""
        return sum(line.grams * line.qty for line in self.lines)


class PaymentMethod(Struct, frozen=True, kw_only=True):
    """A way to pay."""

    code: str
    title: str
    offline: bool = False
    """Whether the money comes outside the shop, and later."""


class Order(Struct, frozen=True, kw_only=True):
    """A placed order: the number, the one-time token and the body that was answered."""

    id: int
    increment_id: str
    cart_id: int
    masked_id: str
    access_token: str
    email: str
    note: str
    total: int
    """In minor units of `currency`."""
    currency: str
    method: str
    """The code of the way to pay."""
    payment: Json
    """What came as `paymentData`."""
    placed: float
    shown: Json

    @property
    def paid(self) -> bool:
        """Whether the money was held or taken when the order was made."""
        return self.method not in {method.code for method in PAYMENT_METHODS}


PAYMENT_METHODS = (
    PaymentMethod(code="checkmo", title="Cheque or money order", offline=True),
    PaymentMethod(code="banktransfer", title="Bank transfer", offline=True),
)
PREPAID = PaymentMethod(code="prepaid", title="Paid online")
"""For money that is held elsewhere, and taken there once there is an order."""
FREE = PaymentMethod(code="free", title="No payment needed")
