"""Response structs of Maho's REST v2 for customers."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.backends.maho.order_shapes import TokenShape
from storefront_mcp.backends.maho.shapes import Label, Scalar


class TokenCustomerShape(Struct, frozen=True, rename="camel", kw_only=True):
    """Whom a token is for."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    email: Label = ""
    first_name: Scalar | None = None
    last_name: Scalar | None = None


class CustomerProfileShape(Struct, frozen=True, kw_only=True):
    """A customer as `GET /customers/me` gives it."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    email: Label = ""
    firstname: Scalar | None = None
    lastname: Scalar | None = None


class CustomerTokenShape(TokenShape, frozen=True, kw_only=True):
    """A token as `POST /auth/token` gives it; that of a service account has no customer."""

    customer: TokenCustomerShape | None = None
