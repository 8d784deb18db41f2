"""An order: what an agent asks for, what the shop made of it, and where it stands."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.money import Money


class OrderDraft(Struct, frozen=True, kw_only=True):
    """Everything a shop needs besides the cart. Personal: it goes to the shop and into the checkout's record only."""

    email: str
    shipping_address: PostalAddress
    billing_address: PostalAddress
    shipping_method: str
    """The code from a quote."""
    note: str = ""
    """The buyer's note to the shop."""


class PaymentMethod(Struct, frozen=True, kw_only=True):
    """A way to pay that the shop offers for a cart."""

    code: str
    title: str
    offline: bool = False
    """Whether it is settled outside (bank transfer, purchase order), so that an order comes first."""
    free: bool = False
    """Whether it is for carts that cost nothing."""


class Settlement(Struct, frozen=True, kw_only=True):
    """How an order is paid, in the shop's words."""

    method: str
    """The shop's code for the way to pay."""
    payment: str | None = None
    """The provider's id of the money that is held or taken; None when nothing is paid through us."""
    reference: str
    """Our checkout id, written into the order so that it can be found again."""


class Order(Struct, frozen=True, kw_only=True):
    """An order that exists."""

    number: str | None = None
    """What the shop calls it; None when we know that there is one but not its number."""
    total: Money | None = None
    """None when the shop did not say."""
    token: str | None = None
    """A secret that lets its holder read the order at the shop, where there is such a thing."""


class Parcel(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A shipment on its way."""

    carrier: str = ""
    number: str = ""
    url: str | None = None


class OrderProgress(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where an order stands at the shop."""

    number: str
    status: Annotated[str, Meta(description="In the shop's own words")]
    parcels: tuple[Parcel, ...] = ()
