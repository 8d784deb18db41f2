"""A guest's cart: lines, totals that add up, and what happened to it."""

from typing import Annotated

from msgspec import Meta, Struct

from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.names import CartId, LineId, Sku

CartHandle = Annotated[CartId, Meta(min_length=1, max_length=64, description="From create_cart")]
"""A cart id as an argument of a tool."""


class Line(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A product in a cart, with what was chosen and what it costs."""

    line_id: LineId
    sku: Sku
    name: str
    quantity: int
    price: Money
    """Of one piece, as the shop shows it."""
    total: Money
    """Of all pieces, before any discount."""
    options: dict[str, str] = {}


class Totals(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """subtotal - discount + shipping + tax (unless included) - gift_cards + other = total, to the minor unit."""

    subtotal: Money
    discount: Money | None = None
    shipping: Money | None = None
    tax: Money | None = None
    tax_included: Annotated[bool, Meta(description="tax is part of the prices, not added to them")] = False
    gift_cards: Money | None = None
    other: Annotated[Money | None, Meta(description="Fees or rounding of the shop")] = None
    total: Money


class LostLine(Struct, frozen=True):
    """A line of a cart that the shop no longer has."""

    sku: Sku
    quantity: int
    options: dict[str, str] = {}


class Cart(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A cart as it stands now."""

    cart_id: CartId
    lines: tuple[Line, ...] = ()
    totals: Totals
    coupon: str | None = None
    ships_by: Annotated[str | None, Meta(description="The chosen shipping method")] = None
    notice: Annotated[str | None, Meta(description="What the buyer should hear about")] = None
    lost_lines: tuple[LostLine, ...] = ()
    """Lines that went with an earlier cart under this id."""
    expires_at: Annotated[str | None, Meta(description="ISO 8601, UTC")] = None
