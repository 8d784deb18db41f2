"""Input schemas of the tools: flat, without references, since strict clients read literal properties alone."""

from collections.abc import Mapping
from typing import Any, Final

from storefront_mcp.ucp.operations import UcpOperation

Schema = Mapping[str, Any]
TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
FREE: Final[Schema] = {"type": "object"}


def _object(properties: Mapping[str, Schema], *required: str) -> Schema:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


META: Final = _object({"ucp-agent": _object({"profile": TEXT}, "profile"), "idempotency-key": TEXT}, "ucp-agent")
CONTEXT: Final = _object(
    {
        "address_country": TEXT,
        "address_region": TEXT,
        "postal_code": TEXT,
        "location": FREE,
        "intent": TEXT,
        "language": TEXT,
        "currency": TEXT,
        "eligibility": _list(TEXT),
        "payment": _list(_object({"handler": TEXT, "types": _list(TEXT)})),
    }
)
HINTS: Final[Mapping[str, Schema]] = {"context": CONTEXT, "signals": FREE, "attribution": FREE}
FILTERS: Final = _object({"categories": _list(TEXT), "price": _object({"min": COUNT, "max": COUNT})})
CATALOG_OBJECTS: Final[Mapping[str, Schema]] = {
    "search_catalog": _object(
        {
            "query": TEXT,
            "filters": FILTERS,
            "pagination": _object({"limit": {"type": "integer", "minimum": 1}, "cursor": TEXT}),
            **HINTS,
        }
    ),
    "lookup_catalog": _object({"ids": {**_list(TEXT), "minItems": 1}, "filters": FILTERS, **HINTS}, "ids"),
    "get_product": _object(
        {
            "id": TEXT,
            "selected": _list(_object({"name": TEXT, "label": TEXT, "id": TEXT}, "name")),
            "preferences": _list(TEXT),
            "filters": FILTERS,
            **HINTS,
        },
        "id",
    ),
}
LINES: Final = _list(
    _object(
        {
            "id": TEXT,
            "item": _object({"id": TEXT, "quantity_unit": FREE}, "id"),
            "quantity": {"type": "integer", "minimum": 1},
            "quantity_unit": FREE,
        },
        "item",
        "quantity",
    )
)
DISCOUNTS: Final = _object({"codes": _list(TEXT)})
BUYER: Final = _object(dict.fromkeys(("first_name", "last_name", "email", "phone_number"), TEXT) | {"consent": FREE})
DESTINATION: Final = _object(
    dict.fromkeys(
        (
            "id",
            "type",
            "street_address",
            "extended_address",
            "address_locality",
            "address_region",
            "postal_code",
            "address_country",
            "first_name",
            "last_name",
            "phone_number",
            "name",
        ),
        TEXT,
    )
)
FULFILLMENT_OBJECT: Final = _object(
    {
        "methods": _list(
            _object(
                {
                    "id": TEXT,
                    "type": TEXT,
                    "line_item_ids": _list(TEXT),
                    "destinations": _list(DESTINATION),
                    "selected_destination_id": TEXT,
                    "groups": _list(_object({"id": TEXT, "line_item_ids": _list(TEXT), "selected_option_id": TEXT})),
                }
            )
        )
    }
)
PAYMENT: Final = _object(
    {
        "instruments": _list(
            _object(
                {
                    "id": TEXT,
                    "handler_id": TEXT,
                    "type": TEXT,
                    "selected": {"type": "boolean"},
                    "billing_address": DESTINATION,
                    "credential": FREE,
                    "display": FREE,
                }
            )
        )
    }
)
PURCHASE: Final[Mapping[str, Schema]] = {"line_items": LINES, "buyer": BUYER, "discounts": DISCOUNTS, **HINTS}
CHECKOUT_PROPERTIES: Final[Mapping[str, Schema]] = {**PURCHASE, "fulfillment": FULFILLMENT_OBJECT, "payment": PAYMENT}
OBJECTS: Final[Mapping[str, Schema]] = {
    **CATALOG_OBJECTS,
    "create_cart": _object(PURCHASE, "line_items"),
    "update_cart": _object({"id": TEXT, **PURCHASE}, "line_items"),
    "create_checkout": _object({**CHECKOUT_PROPERTIES, "cart_id": TEXT}),
    "update_checkout": _object({"id": TEXT, **CHECKOUT_PROPERTIES}, "line_items"),
    "complete_checkout": _object(
        {"payment": PAYMENT, "buyer": BUYER, "signals": FREE, "attribution": FREE, "actions": FREE}
    ),
}


def input_schema(operation: UcpOperation) -> Schema:
    """The schema of a tool's arguments."""
    properties: dict[str, Schema] = {"meta": META}
    if operation.takes_id:
        properties["id"] = TEXT
    if operation.member:
        properties[operation.member] = OBJECTS[operation.name]
    return _object(properties, *properties)
