"""Orders: draft, payment, the placed order and its progress."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.commerce.money import Money


class OrderDraft(Struct, frozen=True, kw_only=True):
    """What an order needs besides the cart. Personal data: sent to the shop and stored in the checkout only."""

    email: str
    shipping_address: PostalAddress | None = None
    """None for a cart of which nothing is sent."""
    billing_address: PostalAddress
    shipping_method: str = ""
    """The code from a quote; empty where nothing is sent."""
    note: str = ""
    """The buyer's note to the shop."""


class PaymentMethod(Struct, frozen=True, kw_only=True):
    """A payment method that the shop offers for a cart."""

    code: str
    title: str
    offline: bool = False
    """Whether it is settled after the order (bank transfer, purchase order)."""
    free: bool = False
    """Whether it is for carts that cost nothing."""


class OrderPreview(Struct, frozen=True, kw_only=True):
    """What an order of a cart would cost, and how it could be paid."""

    cart: Cart
    methods: tuple[PaymentMethod, ...]


class OutstandingPayment(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How an order is paid that is not paid yet: by cheque, bank transfer and the like."""

    method: str
    instructions: Annotated[str, Meta(description="Of the shop, for the buyer")] = ""


class OrderSettlement(Struct, frozen=True, kw_only=True):
    """How an order is paid, in the shop's terms."""

    method: str
    """The shop's code of the payment method."""
    payment: str | None = None
    """The provider's id of the authorized or captured payment; None when none is made through this server."""
    reference: str
    """The checkout id, written into the order so that it can be found again."""
    total: Money | None = None
    """What the buyer agreed to, where the shop may compare it before it makes the order."""


class Order(Struct, frozen=True, kw_only=True):
    """A placed order."""

    number: str | None = None
    """The shop's order number; None when unknown."""
    total: Money | None = None
    """None when the shop did not say."""
    id: str | None = None
    """The shop's own id, where it is not the number."""
    token: str | None = None
    """A secret that lets its holder read the order, in shops that have one."""


class ShippedItem(Struct, frozen=True, kw_only=True):
    """Pieces of a product."""

    name: str
    quantity: int | float


class ParcelTrack(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a parcel can be followed."""

    carrier: str = ""
    number: str = ""
    url: str | None = None


class ShippedParcel(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A shipment, which may be a part of the order."""

    sent_at: Annotated[str, Meta(description="UTC")] = ""
    items: tuple[ShippedItem, ...] = ()
    tracks: tuple[ParcelTrack, ...] = ()


class OrderProgress(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The order's status at the shop."""

    number: str
    status: Annotated[str, Meta(description="In the shop's own words")]
    parcels: tuple[ShippedParcel, ...] = ()
    unsent: tuple[ShippedItem, ...] = ()
    """What is still to be sent, once a part was."""
    comments: tuple[str, ...] = ()
    """What the shop wrote for the customer, oldest first."""
    refunded: Money | None = None
    due: Money | None = None
    """What is still to be paid, as the shop has it."""
