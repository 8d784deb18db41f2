"""Carts and checkouts as UCP shows them, and what their requests may hold (unknown members are ignored)."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

from storefront_mcp.ucp.catalog_shapes import UcpDescription, UcpPolicy
from storefront_mcp.ucp.messages import UcpMessage

CheckoutState = Literal["incomplete", "requires_escalation", "complete_in_progress", "completed", "canceled"]


class UcpTotal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of totals, in minor units; a type that is not UCP's own needs a text."""

    type: str
    display_text: str | None = None
    amount: int


class UcpItem(Struct, frozen=True, kw_only=True):
    """What a line is of."""

    id: str
    title: str
    price: int


class UcpLine(Struct, frozen=True, kw_only=True):
    """A line of a cart or checkout."""

    id: str
    item: UcpItem
    quantity: int
    totals: tuple[UcpTotal, ...]


class AppliedDiscount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A discount on the order."""

    code: str | None = None
    title: str
    amount: int
    """Positive."""
    automatic: bool | None = None


class UcpDiscounts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Codes as they were sent, and what was applied."""

    codes: tuple[str, ...] = ()
    applied: tuple[AppliedDiscount, ...] = ()


class UcpBuyer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who buys."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone_number: str | None = None


class ShippingDestination(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where it is sent."""

    id: str
    type: Literal["shipping_address"] | None = None
    """Absent in the older release."""
    street_address: str | None = None
    extended_address: str | None = None
    address_locality: str | None = None
    address_region: str | None = None
    postal_code: str | None = None
    address_country: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None


class ShippingOption(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way of shipping, with its price."""

    id: str
    title: str
    description: UcpDescription | str | None = None
    """Plain text in the older release."""
    totals: tuple[UcpTotal, ...]


class FulfillmentGroup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent together."""

    id: str
    line_item_ids: tuple[str, ...]
    options: tuple[ShippingOption, ...] = ()
    selected_option_id: str | None = None


class FulfillmentMethod(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Shipping of all lines to one destination."""

    id: str
    type: Literal["shipping"]
    line_item_ids: tuple[str, ...]
    destinations: tuple[ShippingDestination, ...] = ()
    selected_destination_id: str | None = None
    groups: tuple[FulfillmentGroup, ...] = ()


class UcpFulfillment(Struct, frozen=True):
    """How it gets to the buyer."""

    methods: tuple[FulfillmentMethod, ...]


class UcpLink(Struct, frozen=True, kw_only=True):
    """A page of the shop."""

    type: str
    url: str


class OrderConfirmation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The order that was made."""

    id: str
    label: str | None = None
    permalink_url: str


class CartAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A cart."""

    ucp: Raw
    id: str
    line_items: tuple[UcpLine, ...]
    currency: str
    totals: tuple[UcpTotal, ...]
    discounts: UcpDiscounts | None = None
    messages: tuple[UcpMessage, ...] = ()
    links: tuple[UcpLink, ...] = ()
    policies: tuple[UcpPolicy, ...] = ()
    continue_url: str | None = None
    expires_at: str | None = None


class CheckoutAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A checkout."""

    ucp: Raw
    id: str
    line_items: tuple[UcpLine, ...]
    buyer: UcpBuyer | None = None
    status: CheckoutState
    currency: str
    totals: tuple[UcpTotal, ...]
    fulfillment: UcpFulfillment | None = None
    discounts: UcpDiscounts | None = None
    messages: tuple[UcpMessage, ...] = ()
    links: tuple[UcpLink, ...]
    policies: tuple[UcpPolicy, ...] = ()
    continue_url: str | None = None
    expires_at: str | None = None
    order: OrderConfirmation | None = None


# Requests ------------------------------------------------------------------------------------------------------------

Quantity = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Name = Annotated[str, Meta(max_length=255)]
MAX_LINES = 100
MAX_CODES = 20


class WantedItem(Struct, frozen=True, kw_only=True):
    """Which item."""

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity_unit: dict[str, Any] | None = None


class WantedUcpLine(Struct, frozen=True, kw_only=True):
    """A line that is wanted; one that is there keeps its id."""

    id: Annotated[str, Meta(max_length=64)] | None = None
    item: WantedItem
    quantity: Quantity
    quantity_unit: dict[str, Any] | None = None


class WantedDiscounts(Struct, frozen=True, kw_only=True):
    """Codes that replace those before."""

    codes: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=MAX_CODES)] | None = None


WantedLines = Annotated[tuple[WantedUcpLine, ...], Meta(max_length=MAX_LINES)]


class CartRequest(Struct, frozen=True, kw_only=True):
    """What create_cart and update_cart take: all that the platform owns of a cart."""

    line_items: WantedLines
    discounts: WantedDiscounts | None = None


class NoPayload(Struct, frozen=True):
    """What operations take that are about an id alone."""


class WantedBuyer(Struct, frozen=True, kw_only=True):
    """The buyer as far as known."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Name | None = None
    phone_number: Name | None = None


class WantedDestination(Struct, frozen=True, kw_only=True):
    """An address as far as known."""

    id: Annotated[str, Meta(max_length=200)] | None = None
    type: str | None = None
    street_address: Name | None = None
    extended_address: Name | None = None
    address_locality: Name | None = None
    address_region: Name | None = None
    postal_code: Name | None = None
    address_country: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    phone_number: Name | None = None


class WantedGroup(Struct, frozen=True, kw_only=True):
    """The choice of an option."""

    id: str | None = None
    selected_option_id: Name | None = None


class WantedMethod(Struct, frozen=True, kw_only=True):
    """A way of fulfillment; only shipping is one here."""

    type: str | None = None
    destinations: Annotated[tuple[WantedDestination, ...], Meta(max_length=20)] | None = None
    selected_destination_id: Name | None = None
    groups: Annotated[tuple[WantedGroup, ...], Meta(max_length=20)] | None = None


class WantedFulfillment(Struct, frozen=True, kw_only=True):
    """Ways of fulfillment."""

    methods: Annotated[tuple[WantedMethod, ...], Meta(max_length=20)] | None = None


class CheckoutRequest(Struct, frozen=True, kw_only=True):
    """What create_checkout and update_checkout take."""

    line_items: WantedLines | None = None
    cart_id: Annotated[str, Meta(max_length=64)] | None = None
    buyer: WantedBuyer | None = None
    fulfillment: WantedFulfillment | None = None
    discounts: WantedDiscounts | None = None


class CompleteRequest(Struct, frozen=True, kw_only=True):
    """What complete_checkout takes: what it may say of payment is for a handler, of which there is none."""
