"""Errors as problems of a session: said without the names of tools, about a field that every protocol can map."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from storefront_mcp.calls.error_texts import without_tool_names
from storefront_mcp.calls.errors import ArgumentsRefused, CallError, RateLimited, ScopeMissing, ToolNotOpen
from storefront_mcp.checkout_sessions.record import ProblemKind, SessionProblem
from storefront_mcp.commerce.error_codes import CodedError, error_code
from storefront_mcp.commerce.errors import (
    AddressRefused,
    CartBeingOrdered,
    CartEmpty,
    CartGone,
    CartNotFound,
    CartOrdered,
    CategoryNotFound,
    CheckoutNotFound,
    CountryNotServed,
    EmailRefused,
    LineNotFound,
    NoWayToPay,
    OptionsNeeded,
    OutOfStock,
    PaymentDown,
    ProductNotFound,
    ShippingMethodRefused,
    ShopBusy,
    ShopDown,
    ShopError,
    ShopOutcomeUnknown,
    TotalRefused,
    VariantNeeded,
)

MISSING_DETAILS: Final = "missing_details"
"""Something that an order needs is not known yet: `field` says what."""
PAYMENT_REQUIRED: Final = "payment_required"
"""Everything is there; a person has to open `continue_url` and pay."""
CHECKOUT_CLOSED: Final = "checkout_closed"
"""The payment page was closed before it was paid, because the cart changed, or by somebody."""
ORDER_FAILED: Final = "order_failed"
"""The buyer paid or confirmed, and there is no order and no charge."""
CODES_NOT_COMBINED: Final = "codes_not_combined"
"""A cart takes one coupon code, and has another."""
CART_PARTLY_CHANGED: Final = "cart_partly_changed"
"""Some of the changes were made: the cart is as the answer shows it."""
CART_CHANGED: Final = "cart_changed"
"""The cart was changed by somebody else since the last request."""
SESSION_OVER: Final = "session_over"
"""The session was canceled or has expired, so nothing about it can be changed."""

TEMPORARY_ERRORS: Final = (ShopDown, ShopBusy, PaymentDown, RateLimited, ToolNotOpen)
"""Errors that another request may not meet: nothing is wrong with this one."""
TEMPORARY_CODES: Final = frozenset(error.code for error in TEMPORARY_ERRORS)
"""Codes of their problems."""
CART_ERRORS: Final = (CartBeingOrdered, CartOrdered, CartGone, CartNotFound)
"""Errors of the whole cart, which no other line would help."""

ARGUMENT_FIELDS: Final[Mapping[str, str]] = {
    "address": "destination",
    "shipping_address": "destination",
    "billing_address": "destination",
    "email": "buyer.email",
    "shipping_method": "option",
}
"""Arguments of tools, and what protocols call them."""

TOO_MANY_CODES: Final = (
    "Too many codes were tried in the shop, so this one was not tried yet. Send it again in a while."
)
CODE_NOT_TRIED: Final = (
    "The shop could not be asked about this code, so it was not tried yet. Send it again in a while."
)
COUNTDOWN: Final = re.compile(r"\b(?P<try>[Tt]ry again) in \d{1,9} seconds?\b")
"""In texts of errors; a problem is told later, too."""

_TEXTS: Final[Mapping[type[CodedError], str]] = {
    ProductNotFound: "The shop has no such item.",
    CartNotFound: "There is no such cart, or it has expired.",
    CartGone: "The shop no longer has this cart.",
    LineNotFound: "The cart has no such line.",
    CartEmpty: "The cart is empty.",
    CategoryNotFound: "The shop has no such category.",
    CheckoutNotFound: "There is no such checkout, or it was too long ago.",
    ScopeMissing: "This takes a credential that is allowed to do it, sent as Authorization: Bearer.",
    CartBeingOrdered: "The buyer has paid or confirmed, and the order is being made: nothing can be changed any more.",
    CartOrdered: "This cart became an order: nothing can be changed any more.",
    ShopOutcomeUnknown: "The shop did not confirm the change: it may or may not have happened. Look at the cart first.",
    VariantNeeded: "This item comes in variants: one of them has to be chosen, by its own id.",
}
"""In place of what an error says to an agent that has our tools."""
_FIELDS: Final[Mapping[type[CodedError], str]] = {
    CountryNotServed: "destination.country",
    AddressRefused: "destination",
    EmailRefused: "buyer.email",
    ShippingMethodRefused: "option",
    OutOfStock: "lines",
    CartEmpty: "lines",
}


def problem_of(error: CodedError, field: str = "", kind: ProblemKind = "recoverable") -> SessionProblem:
    """An error as a problem; without `field`, about what errors of its class are about."""
    return SessionProblem(
        code=error_code(error),
        field=field or _field_of(error),
        # What became of a payment page is told by the state, which may be another one later.
        text=COUNTDOWN.sub(r"\g<try> later", protocol_text(error, error.without_notices())),
        kind="buyer_input" if isinstance(error, NoWayToPay | TotalRefused | OptionsNeeded) else kind,
    )


def code_problem(error: CodedError, field: str) -> SessionProblem:
    """That a coupon code is not used: it was refused, or could not be tried, which holds nothing up."""
    problem = problem_of(error, field, "warning")
    if not isinstance(error, TEMPORARY_ERRORS):
        return problem
    return replace(problem, text=TOO_MANY_CODES if isinstance(error, RateLimited) else CODE_NOT_TRIED)


def missing_detail(field: str, text: str) -> SessionProblem:
    """That something is not known yet."""
    return SessionProblem(code=MISSING_DETAILS, field=field, text=text)


def may_mend(error: CodedError) -> bool:
    """Whether the error says something of the request, so that it is told with the session; others are raised."""
    return isinstance(error, ShopError | ArgumentsRefused | RateLimited | ToolNotOpen) or (
        isinstance(error, CallError) and error.code == "internal_error"
    )


def protocol_text(error: CodedError, message: str | None = None) -> str:
    """What an error says to an agent that has none of our tools; `message` is its own, or a part of that."""
    said = str(error) if message is None else message
    if isinstance(error, ShippingMethodRefused):
        return "The shop does not send this cart there that way. Choose one of the options."
    if isinstance(error, OptionsNeeded):
        return "This item has to be configured by the buyer, on the page of the shop."
    return _TEXTS.get(type(error)) or without_tool_names(said) or said


def _field_of(error: CodedError) -> str:
    if isinstance(error, ArgumentsRefused):
        # It begins with the name of what is wrong, or with several.
        name, _, member = re.split("[:,]", str(error))[0].partition(".")
        known = ARGUMENT_FIELDS.get(name, "")
        return f"{known}.{member}" if known and member else known
    return next((field for kind, field in _FIELDS.items() if isinstance(error, kind)), "")
