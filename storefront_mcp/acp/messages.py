"""What is in the way of an order, in the protocol's closed list of codes."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from storefront_mcp.checkout_sessions import SessionProblem
from storefront_mcp.checkout_sessions.problems import TEMPORARY_CODES

ERROR_CODES: Final[Mapping[str, str]] = {
    "missing_details": "missing",
    "payment_required": "approval_required",
    "product_not_found": "not_found",
    "cart_not_found": "not_found",
    "cart_gone": "not_found",
    "line_not_found": "not_found",
    "out_of_stock": "out_of_stock",
    "insufficient_stock": "quantity_exceeded",
    "variant_required": "invalid",
    "options_required": "unsupported",
    "country_not_served": "region_restricted",
    "order_failed": "payment_declined",
    "checkout_closed": "expired",
    "session_over": "expired",
    "cart_changed": "conflict",
    "cart_partly_changed": "conflict",
    "cart_being_ordered": "conflict",
    "cart_ordered": "conflict",
    "rate_limited": "rate_limited",
    "invalid_coupon": "coupon_invalid",
    "minimum_not_met": "minimum_not_met",
    "no_payment_method": "unsupported",
    "total_not_payable": "unsupported",
    "token_refused": "payment_declined",
    "token_challenged": "requires_3ds",
    "token_not_taken": "unsupported",
    "total_changed": "conflict",
}
"""By the problem's code; any other is `invalid`."""
WARNING_CODES: Final[Mapping[str, str]] = {
    "codes_not_combined": "discount_code_combination_disallowed",
    "invalid_coupon": "discount_code_invalid",
    "insufficient_stock": "limited_availability",
}
"""By the problem's code; any other about a code is `discount_code_invalid`, and else it is told as information."""
FIELDS: Final[Mapping[str, str]] = {
    "buyer": "$.buyer",
    "buyer.email": "$.buyer.email",
    "buyer.first_name": "$.buyer.first_name",
    "buyer.last_name": "$.buyer.last_name",
    "buyer.phone": "$.buyer.phone_number",
    "destination": "$.fulfillment_details.address",
    "destination.first_name": "$.fulfillment_details.address.name",
    "destination.last_name": "$.fulfillment_details.address.name",
    "destination.street": "$.fulfillment_details.address.line_one",
    "destination.city": "$.fulfillment_details.address.city",
    "destination.region": "$.fulfillment_details.address.state",
    "destination.postcode": "$.fulfillment_details.address.postal_code",
    "destination.country": "$.fulfillment_details.address.country",
    "destination.phone": "$.fulfillment_details.phone_number",
    "option": "$.selected_fulfillment_options",
    "codes": "$.discounts.codes",
    "lines": "$.line_items",
    "payment": "$.payment_data",
}
"""Fields of problems → JSONPaths."""
PLACE_PATTERN: Final = re.compile(r"(codes|lines)(\[\d+\])")


def messages_of(problems: Iterable[SessionProblem]) -> list[dict[str, Any]]:
    """Problems as messages."""
    return [_message(problem) for problem in problems]


def param_of(field: str) -> str | None:
    """The JSONPath (RFC 9535) of a problem's field; None where it is about no field."""
    found = PLACE_PATTERN.fullmatch(field)
    return FIELDS[found[1]] + found[2] if found else FIELDS.get(field)


def is_untried(problem: SessionProblem) -> bool:
    """Whether a code was not refused, but could not be tried yet."""
    return problem.field.startswith("codes") and problem.code in TEMPORARY_CODES


def rejection_of(problem: SessionProblem) -> str:
    """The reason under which a refused code is told."""
    return WARNING_CODES.get(problem.code, "discount_code_invalid")


def _message(problem: SessionProblem) -> dict[str, Any]:
    param = param_of(problem.field)
    told: dict[str, Any] = {"content_type": "plain", "content": problem.text, **({"param": param} if param else {})}
    if is_untried(problem):
        # No warning of the protocol says "later".
        return {"type": "error", "code": "rate_limited", "resolution": "recoverable", **told}
    if problem.kind == "warning":
        if problem.field.startswith("codes"):
            return {"type": "warning", "code": rejection_of(problem), **told}
        code = WARNING_CODES.get(problem.code)
        return {"type": "info", **told} if code is None else {"type": "warning", "code": code, **told}
    resolution = {"buyer_input": "requires_buyer_input", "recoverable": "recoverable"}.get(problem.kind)
    return {
        "type": "error",
        "code": ERROR_CODES.get(problem.code, "invalid"),
        **({} if resolution is None else {"resolution": resolution}),
        **told,
    }
