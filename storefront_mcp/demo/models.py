"""Carts, orders, payment methods, and payment modules, which take the money inside place-order as in Maho."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from storefront_mcp.demo.api_errors import Json
from storefront_mcp.demo.countries import DELIVERY_COUNTRIES, DemoAddress

Release = Literal["main", "26.7.4"]


class ShopRules(Struct, frozen=True, kw_only=True):
    """How the shop is set up."""

    release: Release = "main"
    """26.7.4 has no setters for addresses and methods, reads no currency header, and stores `????` where main fails."""
    tax_included: bool = True
    """Whether prices and rates include GST; if not, it is added once an address tells that it is due."""
    maintenance: bool = False
    """Whether the web pages answer 503; like Maho's, the API goes on."""
    delivery_countries: tuple[str, ...] = DELIVERY_COUNTRIES
    """What `/store-config` says; unlike Maho's, place-order delivers to no others."""
    region_required: tuple[str, ...] = ("AU", "CA", "US")
    """"State is Required for", of the countries with regions; a new Maho has all of them here. No response tells."""
    postcode_optional: tuple[str, ...] = ("AE", "FJ", "HK", "IE", "MO", "PA")
    """"Zip/Postal Code is Optional for"; a new Maho has HK, IE, MO and PA. No response tells."""
    guest_checkout: bool = True
    """What `/store-config` says; like Maho's, place-order makes orders of guests all the same."""
    token_seconds: int = 3600
    """Life of a customer's token."""
    logins_per_minute: int = 10
    """Sign-ins of one client, and as many renewals of tokens; Maho has 10 or 20."""
    password_keeps_tokens: bool = False
    """Whether a customer's tokens outlive a change of the password, as they do in Maho."""


VIRTUAL_TYPES: Final = frozenset({"virtual", "downloadable", "giftcard"})
"""Product types of which nothing is sent."""


class DemoCartLine(Struct, frozen=True, kw_only=True):
    """One line; a variant's line has the child's SKU and the parent's name, id and price."""

    id: int
    sku: str
    sku_suffix: str = ""
    """Shown after the SKU when several values of an option were chosen."""
    name: str
    product_id: int
    product_type: str
    qty: int
    cents: int
    """One piece in AUD cents with the surcharges of its options."""
    grams: int
    options: tuple[tuple[str, str], ...] = ()
    """Label and value of what was chosen."""


class DemoCart(Struct, frozen=True, kw_only=True):
    """A guest cart; immutable, changes make a copy."""

    id: int
    masked_id: str
    created: float
    updated: float
    active: bool = True
    lines: tuple[DemoCartLine, ...] = ()
    coupon: str | None = None
    """As the shopper entered it."""
    gift_cards: tuple[str, ...] = ()
    shipping_address: DemoAddress | None = None
    billing_address: DemoAddress | None = None
    shipping_method: str | None = None
    payment_method: str | None = None
    order_number: str | None = None
    """Of the order it became."""
    customer: int | None = None
    """Whose own cart it is; None for a guest's."""

    @property
    def virtual(self) -> bool:
        """Whether nothing is sent; tax then comes from the billing address."""
        return bool(self.lines) and all(line.product_type in VIRTUAL_TYPES for line in self.lines)

    @property
    def grams(self) -> int:
        """The total weight."""
        return sum(line.grams * line.qty for line in self.lines)


class DemoPaymentMethod(Struct, frozen=True, kw_only=True):
    """A payment method."""

    code: str
    title: str
    offline: bool = False
    """Whether the money is paid later, outside the shop."""


OFFLINE_METHODS: Final = (
    DemoPaymentMethod(code="checkmo", title="Cheque or money order", offline=True),
    DemoPaymentMethod(code="banktransfer", title="Bank transfer", offline=True),
)
PREPAID: Final = DemoPaymentMethod(code="prepaid", title="Paid online")
"""Payment authorized elsewhere, and captured there once there is an order."""
FREE: Final = DemoPaymentMethod(code="free", title="No payment needed")


class DemoOrder(Struct, frozen=True, kw_only=True):
    """A placed order."""

    id: int
    increment_id: str
    masked_id: str
    """Of the ordered cart."""
    email: str
    note: str
    total: int
    """In minor units of `currency`."""
    currency: str
    method: str
    """Payment method code."""
    payment: Json
    """The request's `paymentData`."""
    placed: float
    """Unix seconds."""
    body: Json
    """The response of place-order."""
    customer: int | None = None
    """None for an order of a guest."""

    @property
    def paid(self) -> bool:
        """Whether the money was authorized or taken when the order was made."""
        return self.method not in {method.code for method in OFFLINE_METHODS}


class PaymentRefused(Exception):
    """Raised by a payment module that declines a payment; the text is the message of the 400."""


class PaymentModule(Protocol):
    """Implementation of one payment method; the order is made when `take` returns, and not when it raises."""

    async def take(self, *, amount: int, currency: str, data: Mapping[str, Any]) -> None:
        """Take `amount` minor units of `currency` with the request's `paymentData`.

        Raises:
            PaymentRefused: the payment cannot be taken. Anything else is the shop's 500 without a reason.
        """
