"""Problems of a session as messages: code, severity and the path into the answer."""

import pytest

from storefront_mcp.checkout_sessions import SessionProblem
from storefront_mcp.commerce.cart import Cart, CartLine, CartTotals
from storefront_mcp.commerce.ids import CartId, LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.ucp.problem_messages import problem_messages

NOTHING = Money(0, "AUD")
LINES = tuple(
    CartLine(line_id=LineId(id_), sku=Sku(id_), name=id_, quantity=1, price=NOTHING, total=NOTHING) for id_ in "ab"
)
CART = Cart(cart_id=CartId("c"), lines=LINES, totals=CartTotals(subtotal=NOTHING, total=NOTHING))


@pytest.mark.parametrize(
    ("problem", "kind", "code", "severity", "path"),
    [
        (SessionProblem(code="out_of_stock", field="lines[0]", line_id="b", text="x"), "error", "out_of_stock",
         "recoverable", "$.line_items[1]"),
        (SessionProblem(code="product_not_found", field="lines[4]", text="x"), "error", "not_found", "recoverable",
         "$.line_items"),
        (SessionProblem(code="invalid_arguments", field="lines[1]", line_id="a", text="x"), "error", "item_unavailable",
         "recoverable", "$.line_items[0]"),
        (SessionProblem(code="cart_empty", field="lines", text="x"), "error", "cart_empty", "recoverable",
         "$.line_items"),
        (SessionProblem(code="insufficient_stock", field="lines[0]", line_id="a", text="x", kind="warning"), "warning",
         "quantity_adjusted", None, "$.line_items[0]"),
        (SessionProblem(code="invalid_coupon", field="codes[1]", text="x"), "warning", "discount_code_invalid", None,
         "$.discounts.codes[1]"),
        (SessionProblem(code="codes_not_combined", field="codes[0]", text="x", kind="warning"), "warning",
         "discount_code_combination_disallowed", None, "$.discounts.codes[0]"),
        (SessionProblem(code="invalid_shipping_method", field="option", text="x", kind="warning"), "warning",
         "fulfillment_changed", None, "$.fulfillment.methods[0].groups[0].selected_option_id"),
        (SessionProblem(code="missing_details", field="option", text="x"), "error", "fulfillment_required",
         "recoverable", "$.fulfillment.methods[0].groups[0].selected_option_id"),
        (SessionProblem(code="missing_details", field="destination.street", text="x"), "error", "field_required",
         "recoverable", "$.fulfillment.methods[0].destinations[0].street_address"),
        (SessionProblem(code="country_not_served", field="destination.country", text="x"), "error",
         "address_undeliverable", "recoverable", "$.fulfillment.methods[0].destinations[0].address_country"),
        (SessionProblem(code="missing_details", field="buyer.email", text="x"), "error", "field_required",
         "recoverable", "$.buyer.email"),
        (SessionProblem(code="options_required", field="lines[0]", text="x", kind="buyer_input"), "error",
         "options_required", "requires_buyer_input", "$.line_items"),
        (SessionProblem(code="session_over", text="x", kind="unrecoverable"), "error", "session_over",
         "unrecoverable", None),
        (SessionProblem(code="cart_partly_changed", text="x", kind="warning"), "warning", "cart_partly_changed", None,
         None),
    ],
)  # fmt: skip
def test_a_problem_is_told_where_it_is(
    problem: SessionProblem, kind: str, code: str, severity: str | None, path: str | None
) -> None:
    (told,) = problem_messages([problem], CART)
    assert (told.type, told.code, told.severity, told.path) == (kind, code, severity, path)
