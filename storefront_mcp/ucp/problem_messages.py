"""What is in the way of a cart or checkout, as messages with a path into the answer."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.checkout_sessions import SessionProblem
from storefront_mcp.commerce.cart import Cart
from storefront_mcp.ucp.failures import SHOP_ERROR_MESSAGES, Severity
from storefront_mcp.ucp.messages import UcpMessage, error_message, warning_message

METHOD_PATH: Final = "fulfillment.methods[0]"
DESTINATION_PATHS: Final[Mapping[str, str]] = {
    "street": "street_address",
    "city": "address_locality",
    "region": "address_region",
    "postcode": "postal_code",
    "country": "address_country",
    "first_name": "first_name",
    "last_name": "last_name",
    "phone": "phone_number",
}
INDEXED: Final = re.compile(r"(lines|codes)\[(\d+)\]")
DISCOUNT_WARNINGS: Final[Mapping[str, str]] = {
    "invalid_coupon": "discount_code_invalid",
    "codes_not_combined": "discount_code_combination_disallowed",
}
"""Refused codes are never errors."""
SEVERITIES: Final[Mapping[str, Severity]] = {
    "recoverable": "recoverable",
    "buyer_input": "requires_buyer_input",
    "unrecoverable": "unrecoverable",
}


def problem_messages(problems: Iterable[SessionProblem], cart: Cart) -> tuple[UcpMessage, ...]:
    """The messages of an answer that shows this cart."""
    return tuple(_message(problem, cart) for problem in problems)


def _message(problem: SessionProblem, cart: Cart) -> UcpMessage:
    path = _path(problem, cart)
    if (refused := DISCOUNT_WARNINGS.get(problem.code)) is not None:
        return warning_message(refused, problem.text, path)
    if problem.kind == "warning":
        return warning_message(_warning_code(problem), problem.text, path)
    return error_message(_error_code(problem), problem.text, SEVERITIES[problem.kind], path)


def _warning_code(problem: SessionProblem) -> str:
    if problem.code == "insufficient_stock":
        return "quantity_adjusted"
    return "fulfillment_changed" if problem.field == "option" else problem.code


def _error_code(problem: SessionProblem) -> str:
    if problem.code == "missing_details":
        to_fulfillment = problem.field in {"option", "destination"}
        return "fulfillment_required" if to_fulfillment else "field_required"
    if problem.code == ArgumentsRefused.code and problem.field.startswith("lines"):
        # An id that no item has, or more pieces than a cart takes.
        return "item_unavailable"
    kind = SHOP_ERROR_MESSAGES.get(problem.code)
    return problem.code if kind is None else kind.code


def _path(problem: SessionProblem, cart: Cart) -> str | None:
    """Where in the answer it is; lines have moved there, so they are found by their ids."""
    field, _, member = problem.field.partition(".")
    indexed = INDEXED.fullmatch(field)
    name = field if indexed is None else indexed[1]
    match name:
        case "lines":
            places = (str(place) for place, line in enumerate(cart.lines) if line.line_id == problem.line_id)
            found = next(places, "")
            path = f"line_items[{found}]" if found else "line_items"
        case "codes":
            path = "discounts.codes" if indexed is None else f"discounts.codes[{indexed[2]}]"
        case "destination":
            known = DESTINATION_PATHS.get(member)
            path = f"{METHOD_PATH}.destinations" + ("" if known is None else f"[0].{known}")
        case "option":
            path = f"{METHOD_PATH}.groups[0].selected_option_id"
        case "buyer":
            path = f"buyer.{member}" if member else "buyer"
        case _:
            return None
    return f"$.{path}"
