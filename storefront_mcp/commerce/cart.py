"""Carts: lines and totals."""

import re
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money

CartHandle = Annotated[CartId, Meta(min_length=1, max_length=64, description="From create_cart")]
"""A cart id as an argument of a tool."""


COUNTRY_PATTERN: Final = re.compile("[A-Za-z]{2}")
MAX_SHOWN_CODE_CHARS: Final = 4
"""Characters of a gift card's code that are shown, at most a third of it."""


class CartLine(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a cart."""

    line_id: LineId
    sku: Sku
    name: str
    quantity: int
    price: Money
    """Unit price, as the shop displays it."""
    total: Money
    """Line total, before discounts."""
    options: dict[str, str] = {}


class CartTotals(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """subtotal - discount + shipping + tax (unless included) - gift_cards + other = total, to the minor unit."""

    subtotal: Money
    discount: Money | None = None
    shipping: Money | None = None
    tax: Money | None = None
    tax_included: Annotated[bool, Meta(description="tax is part of the prices, not added to them")] = False
    no_tax: Annotated[str | None, Meta(description="For which delivery the shop takes none")] = None
    gift_cards: Money | None = None
    other: Annotated[Money | None, Meta(description="Fees or rounding of the shop")] = None
    total: Money
    excludes: Annotated[Literal["shipping"] | None, Meta(description="What the total lacks until it is chosen")] = None


class AppliedGiftCard(Struct, frozen=True, kw_only=True):
    """A gift card that pays for a cart, or for a part of it."""

    code: str
    """Masked by `masked_code`: who has the whole code has the money."""
    amount: Money
    """What it pays of this cart."""


class LostLine(Struct, frozen=True):
    """A line of a cart that the shop no longer has."""

    sku: Sku
    quantity: int
    options: dict[str, str] = {}


class Cart(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The current state of a cart."""

    cart_id: CartId
    lines: tuple[CartLine, ...] = ()
    totals: CartTotals
    coupon: str | None = None
    gift_cards: tuple[AppliedGiftCard, ...] = ()
    ships_nothing: Annotated[bool, Meta(description="Order it without shipping_method")] = False
    ships_by: Annotated[str | None, Meta(description="The chosen shipping method")] = None
    notice: Annotated[str | None, Meta(description="What the buyer should hear about")] = None
    lost_lines: tuple[LostLine, ...] = ()
    """Lines of an earlier cart under this handle, which the shop has lost."""
    expires_at: Annotated[str | None, Meta(description="ISO 8601, UTC")] = None


def with_exclusions(cart: Cart) -> Cart:
    """The cart, whose totals say so where something is sent and they have no shipping yet."""
    totals = cart.totals
    lacks = cart.lines and not cart.ships_nothing and cart.ships_by is None and totals.shipping is None
    return replace(cart, totals=replace(totals, excludes="shipping")) if lacks else cart


def with_untaxed_country(totals: CartTotals, country: str | None) -> CartTotals:
    """The totals of a cart that is sent to a country, which say so where the shop counts no tax for it.

    >>> with_untaxed_country(CartTotals(subtotal=Money(900, "AUD"), total=Money(900, "AUD")), "de").no_tax
    'for delivery to DE'
    """
    if totals.tax or not totals.subtotal or country is None or COUNTRY_PATTERN.fullmatch(country) is None:
        return totals
    return replace(totals, no_tax=f"for delivery to {country.upper()}")


def masked_code(code: str) -> str:
    """A gift card's code with only its end shown.

    >>> masked_code("GC-H5B4-60TL-QDKT-GA8F")
    '…GA8F'
    """
    shown = min(MAX_SHOWN_CODE_CHARS, len(code) // 3)
    return f"…{code[len(code) - shown :]}"
