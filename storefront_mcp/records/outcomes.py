"""Recorded outcomes: `ok` or an error code, and the mapping of class names in older records to codes."""

from collections.abc import Mapping
from typing import Final

OK: Final = "ok"
INTERNAL_ERROR: Final = "internal_error"
FLIP_REFUSED: Final = "flip_refused"
"""Of a scheduled flip that could not be made at its moment."""

FORMER_OUTCOMES: Final[Mapping[str, str]] = {
    "AddressRefused": "invalid_address",
    "ArgumentsRefused": "invalid_arguments",
    "CallFailed": "internal_error",
    "CancelledError": "cancelled",
    "CapabilityNeeded": "missing_client_capability",
    "CartBeingOrdered": "cart_being_ordered",
    "CartEmpty": "cart_empty",
    "CartGone": "cart_gone",
    "CartNotFound": "cart_not_found",
    "CategoryNotFound": "category_not_found",
    "CheckoutNotFound": "checkout_not_found",
    "CountryNotServed": "country_not_served",
    "CouponRejected": "invalid_coupon",
    "CredentialRefused": "invalid_token",
    "CursorRefused": "invalid_cursor",
    "EmailRefused": "invalid_email",
    "KeyReused": "idempotency_key_reused",
    "LineNotFound": "line_not_found",
    "NoWayToPay": "no_payment_method",
    "NotEnoughStock": "insufficient_stock",
    "NotOpenYet": "tool_not_open",
    "OptionsNeeded": "options_required",
    "OrderRefused": "order_rejected",
    "OutOfStock": "out_of_stock",
    "PageNotFound": "page_not_found",
    "PaymentDown": "payment_unavailable",
    "ProductNotFound": "product_not_found",
    "QuantityRefused": "invalid_quantity",
    "ScopeMissing": "insufficient_scope",
    "ShippingMethodRefused": "invalid_shipping_method",
    "ShopBusy": "shop_busy",
    "ShopDown": "shop_unavailable",
    "ShopMisconfigured": "shop_misconfigured",
    "ShopRefused": "shop_rejected",
    "ShopUnclear": "outcome_unknown",
    "TooOften": "rate_limited",
    "UnknownTool": "unknown_tool",
    "VariantNeeded": "variant_required",
}
"""Class names that were recorded before errors had codes. Frozen; no record is rewritten, as the audit is a chain."""


def current_outcome(recorded: str) -> str:
    """The outcome as recorded today; class names of other libraries' errors are `internal_error`."""
    known = FORMER_OUTCOMES.get(recorded)
    if known is not None:
        return known
    return INTERNAL_ERROR if recorded[:1].isupper() else recorded
