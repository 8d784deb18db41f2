"""What can go wrong with a request: failures of the protocol, and outcomes of the business.

UcpRefusal
├── UcpFailure    the request itself: an HTTP status, and on MCP a JSON-RPC error
└── UcpOutcome    the shop's answer is no: 200 with an envelope that says so
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallError,
    RateLimited,
    ScopeMissing,
    SignedOut,
    ToolNotOpen,
    UnknownTool,
)
from storefront_mcp.checkout_sessions.problems import protocol_text
from storefront_mcp.commerce.error_codes import CodedError
from storefront_mcp.commerce.errors import (
    CursorRefused,
    KeyReused,
    PaymentDown,
    ShopBusy,
    ShopDown,
    ShopError,
)
from storefront_mcp.commerce.search_errors import FilterRefused

Severity = Literal["recoverable", "requires_buyer_input", "requires_buyer_review", "unrecoverable"]
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""Raised while decoding bytes that are not JSON, do not fit, or are nested too deeply."""
DEFAULT_RETRY_SECONDS: Final = 60
"""Of a failure that will pass, where nobody said when."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
DISCOVERY_ERROR: Final = -32001
"""JSON-RPC codes: those of JSON-RPC 2.0, and two of UCP."""


class UcpRefusal(Exception):
    """A request that gets no object."""


class UcpFailure(UcpRefusal):
    """A failure of the protocol: `code` is stable, `str(failure)` is for the platform."""

    def __init__(self, status: int, rpc_code: int, code: str, content: str, *, retry_after: int | None = None) -> None:
        """`rpc_code` is JSON-RPC's, `retry_after` is in seconds."""
        super().__init__(content)
        self.status = status
        self.rpc_code = rpc_code
        self.code = code
        self.retry_after = retry_after


class UcpOutcome(UcpRefusal):
    """An outcome without an object: the error envelope."""

    def __init__(self, code: str, content: str, severity: Severity = "unrecoverable", path: str | None = None) -> None:
        super().__init__(content)
        self.code = code
        self.severity: Severity = severity
        self.path = path


class MessageKind(Struct, frozen=True):
    """How an error of the shop is told in a message."""

    code: str
    severity: Severity


SHOP_ERROR_MESSAGES: Final = {
    "product_not_found": MessageKind("not_found", "unrecoverable"),
    "category_not_found": MessageKind("not_found", "unrecoverable"),
    "page_not_found": MessageKind("not_found", "unrecoverable"),
    "cart_not_found": MessageKind("not_found", "unrecoverable"),
    "cart_gone": MessageKind("not_found", "unrecoverable"),
    "checkout_not_found": MessageKind("not_found", "unrecoverable"),
    "order_not_found": MessageKind("not_found", "unrecoverable"),
    "line_not_found": MessageKind("not_found", "recoverable"),
    "out_of_stock": MessageKind("out_of_stock", "recoverable"),
    "insufficient_stock": MessageKind("out_of_stock", "recoverable"),
    "variant_required": MessageKind("item_unavailable", "recoverable"),
    "options_required": MessageKind("options_required", "requires_buyer_input"),
    "invalid_quantity": MessageKind("invalid_quantity", "recoverable"),
    "invalid_coupon": MessageKind("discount_code_invalid", "recoverable"),
    "invalid_gift_card": MessageKind("gift_card_invalid", "recoverable"),
    "country_not_served": MessageKind("address_undeliverable", "recoverable"),
    "invalid_address": MessageKind("invalid_address", "recoverable"),
    "cart_empty": MessageKind("cart_empty", "recoverable"),
    "invalid_shipping_method": MessageKind("invalid_shipping_method", "recoverable"),
    "invalid_email": MessageKind("invalid_email", "recoverable"),
    "total_not_payable": MessageKind("total_not_payable", "recoverable"),
    "order_rejected": MessageKind("order_rejected", "unrecoverable"),
    "no_payment_method": MessageKind("payment_failed", "unrecoverable"),
    "cart_being_ordered": MessageKind("checkout_in_progress", "recoverable"),
    "cart_ordered": MessageKind("cart_ordered", "unrecoverable"),
    "shop_rejected": MessageKind("shop_rejected", "unrecoverable"),
}
"""By the code of the shop's error; any other is unrecoverable under its own code."""


def message_kind(error: CodedError) -> MessageKind:
    """How an error is told in a message."""
    return SHOP_ERROR_MESSAGES.get(error.code) or MessageKind(error.code, "unrecoverable")


FAILURES: Final[Sequence[tuple[type[CodedError], int, int]]] = (
    (RateLimited, 429, SERVER_ERROR),
    (ToolNotOpen, 503, SERVER_ERROR),
    (UnknownTool, 503, SERVER_ERROR),
    (ScopeMissing, 403, SERVER_ERROR),
    (SignedOut, 401, SERVER_ERROR),
    (ArgumentsRefused, 400, INVALID_PARAMS),
    (CursorRefused, 400, INVALID_PARAMS),
    (FilterRefused, 400, INVALID_PARAMS),
    (KeyReused, 409, SERVER_ERROR),
    (ShopBusy, 503, SERVER_ERROR),
    (ShopDown, 503, SERVER_ERROR),
    (PaymentDown, 503, SERVER_ERROR),
    (CallError, 500, INTERNAL_ERROR),
)
"""HTTP status and JSON-RPC code of the errors that are failures of the request; the first that fits counts."""
PASSING_STATUSES: Final = (429, 503)
"""Of failures that will pass, and so say when to come back."""


def refusal_of(error: CallError | ShopError) -> UcpRefusal:
    """What to raise for an error of a tool call that leaves nothing to show."""
    found = next((row for row in FAILURES if isinstance(error, row[0])), None)
    if found is None:
        kind = message_kind(error)
        return UcpOutcome(kind.code, protocol_text(error), kind.severity)
    _, status, rpc_code = found
    wait = _seconds_to_wait(error) if status in PASSING_STATUSES else None
    code = "identity_required" if isinstance(error, SignedOut) else error.code
    return UcpFailure(status, rpc_code, code, protocol_text(error), retry_after=wait)


def _seconds_to_wait(error: CallError | ShopError) -> int:
    told = None
    match error:
        case RateLimited():
            told = error.exceeded.retry_after
        case ShopBusy():
            told = error.retry_after
        case ToolNotOpen():
            told = None if error.detail is None else error.detail.retry_after
    return told or DEFAULT_RETRY_SECONDS


def unreadable_payload() -> UcpFailure:
    """The refusal of a payload that raises one of UNREADABLE."""
    return invalid_input("The body is no JSON object, or nested too deeply.")


def invalid_input(content: str) -> UcpFailure:
    """What was sent cannot be read, or lacks something."""
    return UcpFailure(400, INVALID_PARAMS, "invalid_input", content)
