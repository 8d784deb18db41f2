"""Response structs of Medusa for customers: tokens, who somebody is, their orders and addresses."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from storefront_mcp.backends.medusa.shapes import (
    DestinationShape,
    Few,
    FulfillmentShape,
    Id,
    Label,
    Many,
    OrderSummary,
    PricedShape,
)

Token = Annotated[str, Meta(pattern=r"^[!-~]{1,10000}\Z")]


class TokenClaims(Struct, frozen=True):
    """What a token (JWT) says of its life, in Unix seconds by the shop's clock."""

    iat: float
    exp: float


class ChallengeShape(Struct, frozen=True):
    """What a second factor is asked for with; it dies after some minutes or wrong codes."""

    id: Id
    methods: Few[Label] = []
    """`totp` and `recovery_code`, unless extensions bring others."""


class SignedInShape(Struct, frozen=True):
    """Body of `POST /auth/customer/emailpass`: the token is good for nothing while something more is required."""

    token: Token | None = None
    verification_required: bool | None = False
    mfa_required: bool | None = False
    mfa_challenge: ChallengeShape | None = None


class IssuedToken(Struct, frozen=True):
    """Body of `POST /auth/token/refresh` and of a verified second factor."""

    token: Token


class CustomerShape(Struct, frozen=True):
    """A customer."""

    id: Id
    email: Label = ""
    first_name: Label | None = None
    last_name: Label | None = None


class CustomerBody(Struct, frozen=True):
    """Body of `GET /store/customers/me`."""

    customer: CustomerShape


class AddressShape(DestinationShape, frozen=True, kw_only=True):
    """An address of an order or of the address book. Medusa takes any, so every part may be missing."""

    first_name: Label | None = None
    last_name: Label | None = None
    company: Label | None = None
    address_2: Label | None = None
    province: Label | None = None
    phone: Label | None = None
    is_default_shipping: bool | None = False
    is_default_billing: bool | None = False


class AddressList(Struct, frozen=True):
    """Body of `GET /store/customers/me/addresses`."""

    addresses: Many[AddressShape] = []


class PaymentShape(Struct, frozen=True):
    """A payment of an order."""

    provider_id: Label | None = None


class PaidCollection(Struct, frozen=True):
    """A payment collection of an order."""

    payments: Few[PaymentShape] | None = None


class CustomerOrderShape(PricedShape, frozen=True, kw_only=True):
    """An order as its customer reads it; in lists with few of its parts."""

    id: Id
    display_id: int | None = None
    custom_display_id: Label | None = None
    status: Label | None = None
    fulfillment_status: Label | None = None
    created_at: Label | None = None
    metadata: dict[str, Any] | None = None
    """In lists only."""
    summary: OrderSummary | None = None
    fulfillments: Few[FulfillmentShape] | None = None
    payment_collections: Few[PaidCollection] | None = None
    shipping_address: AddressShape | None = None
    billing_address: AddressShape | None = None


class AccountOrders(Struct, frozen=True):
    """Body of `GET /store/orders`; `count` counts all pages."""

    orders: Many[CustomerOrderShape]
    count: Annotated[int, Meta(ge=0)]


class AccountOrderBody(Struct, frozen=True):
    """Body of `GET /store/orders/{id}`."""

    order: CustomerOrderShape
