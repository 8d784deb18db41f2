"""What the protocol lets answers be, as JSON Schemas of its closed objects."""

from collections.abc import Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
AMOUNT: Final[Schema] = {"type": "integer"}
URL: Final[Schema] = {"type": "string", "pattern": r"^https?://\S+$"}
INSTANT: Final[Schema] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
CURRENCY: Final[Schema] = {"type": "string", "pattern": "^[a-z]{3}$"}
PATH: Final[Schema] = {"type": "string", "pattern": r"^\$\."}


def closed(required: Mapping[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def list_of(item: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": item, **more}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


TOTAL: Final = closed(
    {
        "type": one_of(
            "items_base_amount", "items_discount", "subtotal", "discount", "fulfillment", "tax", "fee", "gift_wrap",
            "tip", "store_credit", "total", "amount_refunded",
        ),
        "display_text": TEXT,
        "amount": {"type": "integer", "minimum": 0},
    },
    description=TEXT,
)  # fmt: skip
TOTALS: Final = list_of(TOTAL, minItems=2)
LINE: Final = closed(
    {
        "id": TEXT,
        "item": closed({"id": TEXT}, name=TEXT, unit_amount=AMOUNT),
        "quantity": {"type": "integer", "minimum": 1},
        "totals": TOTALS,
    },
    name=TEXT,
    sku=TEXT,
    unit_amount=AMOUNT,
    variant_options=list_of(closed({"name": TEXT, "value": TEXT}), minItems=1),
)
RESOLUTION: Final = one_of("recoverable", "requires_buyer_input", "requires_buyer_review")
CONTENT: Final[Mapping[str, Schema]] = {
    "content_type": {"const": "plain"},
    "content": {"type": "string", "minLength": 1},
}
DISCOUNT_CODES: Final = (
    "discount_code_expired", "discount_code_invalid", "discount_code_already_applied",
    "discount_code_combination_disallowed", "discount_code_minimum_not_met", "discount_code_user_not_logged_in",
    "discount_code_user_ineligible", "discount_code_usage_limit_reached",
)  # fmt: skip
ERROR: Final = closed(
    {
        "type": {"const": "error"},
        "code": one_of(
            "missing", "invalid", "out_of_stock", "payment_declined", "requires_sign_in", "requires_3ds", "low_stock",
            "quantity_exceeded", "coupon_invalid", "coupon_expired", "minimum_not_met", "maximum_exceeded",
            "region_restricted", "age_verification_required", "approval_required", "unsupported", "not_found",
            "conflict", "rate_limited", "expired", "intervention_required",
        ),
        **CONTENT,
    },
    param=PATH,
    resolution=RESOLUTION,
)  # fmt: skip
WARNING: Final = closed(
    {
        "type": {"const": "warning"},
        "code": one_of(
            "low_stock", "high_demand", "shipping_delay", "price_change", "expiring_promotion", "limited_availability",
            *DISCOUNT_CODES,
        ),
        **CONTENT,
    },
    param=PATH,
)  # fmt: skip
MESSAGES: Final = list_of({"oneOf": [ERROR, WARNING, closed({"type": {"const": "info"}, **CONTENT}, param=PATH)]})
ADDRESS: Final = closed(
    {"name": TEXT, "line_one": TEXT, "city": TEXT, "state": TEXT, "country": TEXT, "postal_code": TEXT},
    line_two=TEXT,
)
OPTION: Final = closed(
    {"type": one_of("shipping", "digital"), "id": TEXT, "title": TEXT, "totals": TOTALS}, description=TEXT
)
LINK: Final = closed(
    {
        "type": one_of(
            "terms_of_use", "privacy_policy", "return_policy", "shipping_policy", "contact_us", "about_us", "faq",
            "support",
        ),
        "url": URL,
    }
)  # fmt: skip
HANDLER: Final = closed(
    {
        "id": TEXT,
        "name": {"type": "string", "pattern": r"^[a-z]+(\.[a-z_]+)+$"},
        "version": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
        "spec": URL,
        "requires_delegate_payment": {"type": "boolean"},
        "requires_pci_compliance": {"type": "boolean"},
        "psp": TEXT,
        "config_schema": URL,
        "instrument_schemas": list_of(URL),
        "config": {"type": "object"},
    }
)
CAPABILITIES: Final = closed(
    {
        "payment": closed({"handlers": list_of(HANDLER)}),
        "interventions": closed({"supported": {"const": []}}),
        "extensions": list_of(closed({"name": {"const": "discount"}})),
    }
)
ORDER: Final = closed(
    {"id": TEXT, "checkout_session_id": TEXT, "permalink_url": URL},
    type={"const": "order"},
    order_number=TEXT,
    status=TEXT,
    totals=TOTALS,
    line_items=list_of(
        closed(
            {
                "id": TEXT,
                "title": TEXT,
                "quantity": closed(
                    {"ordered": {"type": "integer", "minimum": 1}, "current": {"type": "integer", "minimum": 0}},
                    fulfilled={"type": "integer", "minimum": 0},
                ),
            },
            product_id=TEXT,
            unit_price=AMOUNT,
            subtotal=AMOUNT,
        )
    ),
    fulfillments=list_of(
        closed(
            {"id": TEXT, "type": {"const": "shipping"}},
            status={"const": "shipped"},
            line_items=list_of(closed({"id": TEXT, "quantity": {"type": "integer", "minimum": 1}})),
            carrier=TEXT,
            tracking_number=TEXT,
            tracking_url=URL,
        )
    ),
)
ORDER_EVENT: Final = closed(
    {
        "type": one_of("order_create", "order_update"),
        "data": ORDER | {"required": ["type", "id", "checkout_session_id", "permalink_url", "status"]},
    }
)
SESSION: Final = closed(
    {
        "id": TEXT,
        "status": one_of(
            "incomplete", "not_ready_for_payment", "requires_escalation", "authentication_required",
            "ready_for_payment", "pending_approval", "complete_in_progress", "completed", "canceled", "in_progress",
            "expired",
        ),
        "currency": CURRENCY,
        "line_items": list_of(LINE),
        "totals": TOTALS,
        "fulfillment_options": list_of(OPTION),
        "messages": MESSAGES,
        "links": list_of(LINK),
        "capabilities": CAPABILITIES,
    },
    protocol=closed({"version": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}}),
    locale=TEXT,
    buyer=closed({"email": TEXT}, first_name=TEXT, last_name=TEXT, phone_number=TEXT),
    fulfillment_details=closed({}, name=TEXT, phone_number=TEXT, email=TEXT, address=ADDRESS),
    selected_fulfillment_options=list_of(
        closed({"type": one_of("shipping", "digital"), "option_id": TEXT, "item_ids": list_of(TEXT)})
    ),
    discounts=closed(
        {"codes": list_of(TEXT)},
        rejected=list_of(closed({"code": TEXT, "reason": one_of(*DISCOUNT_CODES)}, message=TEXT)),
    ),
    continue_url=URL,
    expires_at=INSTANT,
    order=ORDER,
)  # fmt: skip
CART: Final = closed(
    {"id": TEXT, "currency": CURRENCY, "line_items": list_of(LINE), "totals": TOTALS},
    messages=MESSAGES,
    continue_url=URL,
    expires_at=INSTANT,
)
FLAT_ERROR: Final = closed(
    {"type": one_of("invalid_request", "processing_error", "service_unavailable"), "code": TEXT, "message": TEXT},
    param=PATH,
    supported_versions=list_of(TEXT),
)
DISCOVERY: Final = closed(
    {
        "protocol": closed({"name": {"const": "acp"}, "version": TEXT, "supported_versions": list_of(TEXT)}),
        "api_base_url": URL,
        "transports": {"const": ["rest"]},
        "capabilities": closed(
            {"services": list_of(one_of("checkout", "orders", "carts", "delegate_payment"), minItems=1)},
            extensions=list_of(TEXT),
            intervention_types=list_of(TEXT),
            supported_currencies=list_of(CURRENCY),
            supported_locales=list_of(TEXT),
        ),
    }
)
FEED_TEXT: Final[Schema] = {"type": "string", "minLength": 1}
FEED_URL: Final[Schema] = {"type": "string", "pattern": r"^https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$"}
FEED_PRICE: Final = closed(
    {"amount": {"type": "integer", "minimum": 1}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}
)
FEED_VARIANT: Final = closed(
    {
        "id": FEED_TEXT,
        "title": FEED_TEXT,
        "price": FEED_PRICE,
        "availability": {
            "oneOf": [
                closed({"available": {"const": True}, "status": {"const": "in_stock"}}),
                closed({"available": {"const": False}, "status": {"const": "out_of_stock"}}),
            ]
        },
        "seller": closed({"name": FEED_TEXT}, links=list_of(closed({"type": FEED_TEXT, "url": FEED_URL}), minItems=1)),
    },
    list_price=FEED_PRICE,
    categories=list_of(closed({"value": FEED_TEXT, "taxonomy": {"const": "merchant"}}), minItems=1),
    variant_options=list_of(closed({"name": FEED_TEXT, "value": FEED_TEXT}), minItems=1),
)
FEED_PRODUCT: Final = closed(
    {"id": FEED_TEXT, "title": FEED_TEXT, "variants": list_of(FEED_VARIANT, minItems=1)},
    description=closed({"plain": FEED_TEXT}),
    url=FEED_URL,
    media=list_of(closed({"type": {"const": "image"}, "url": FEED_URL}), minItems=1),
)
FEED_METADATA: Final = closed(
    {"id": FEED_TEXT, "updated_at": INSTANT}, target_country={"type": "string", "pattern": "^[A-Z]{2}$"}
)


def check(value: Any, schema: Schema) -> None:
    """Fail for the first thing that the protocol does not let it be, and for totals that do not add up."""
    for error in Draft202012Validator(schema).iter_errors(value):
        raise AssertionError(f"{error.json_path}: {error.message}")
    if "totals" in value:
        check_sum(value["totals"])


def check_sum(totals: list[dict[str, Any]]) -> None:
    """What is added, less what is taken off, is the total; taxes that are part of the prices count for nothing."""
    amounts = {entry["type"]: entry["amount"] for entry in totals if entry["display_text"] != "Tax included"}
    added = sum(amounts.get(name, 0) for name in ("subtotal", "fulfillment", "tax", "fee"))
    taken = sum(amounts.get(name, 0) for name in ("discount", "store_credit"))
    assert added - taken == amounts["total"], totals
