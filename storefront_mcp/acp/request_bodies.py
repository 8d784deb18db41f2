"""Bodies of requests, read leniently: agents send the shapes of several versions, and more than is asked for."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from storefront_mcp.acp.errors import invalid_body
from storefront_mcp.checkout_sessions import SessionAddress, SessionBuyer, SessionRequest, WantedLine

MAX_LINES: Final = 100
MAX_CODES: Final = 20
MAX_TEXT_CHARS: Final = 500
BUYER_FIELDS: Final[Mapping[str, str]] = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "phone_number": "phone",
}
"""Ours by the protocol's."""


def read_body(body: bytes) -> dict[str, Any]:
    """A JSON object; an empty body is an empty one. Raises AcpError."""
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid_body("The body is no JSON object.") from None


def read_lines(body: Mapping[str, Any], least: int = 0) -> tuple[WantedLine, ...] | None:
    """The wanted lines: `line_items` or `items`; None where there are neither. Raises AcpError.

    `least` is the smallest quantity: 0 is none of it, which only makes sense for what may be there.
    """
    name = "line_items" if "line_items" in body else "items"
    if name not in body:
        return None
    listed = body[name]
    if listed is None:
        return ()
    if not isinstance(listed, list) or len(listed) > MAX_LINES:
        raise invalid_body(f"{name} is a list of at most {MAX_LINES} lines.", f"$.{name}")
    return tuple(_line(line, f"$.{name}[{place}]", least) for place, line in enumerate(listed))


def session_request(body: Mapping[str, Any], least: int = 0) -> SessionRequest:
    """What a body says of a session: what is absent is unchanged, what is null is cleared. Raises AcpError.

    `least` is the smallest quantity of a line.
    """
    return SessionRequest(
        lines=read_lines(body, least),
        buyer=read_buyer(body),
        destination=_destination(body),
        option=_option(body),
        codes=_codes(body),
    )


def read_buyer(body: Mapping[str, Any]) -> SessionBuyer | None:
    """The buyer, with the contact of `fulfillment_details` for what it does not say. Raises AcpError."""
    details = _object(body, "fulfillment_details")
    if "buyer" not in body and not (details and {"email", "phone_number"} & details.keys()):
        return None
    buyer = _object(body, "buyer")
    found = {ours: _text(buyer, theirs, "$.buyer") for theirs, ours in BUYER_FIELDS.items()}
    if not found["first_name"] and not found["last_name"]:
        found["first_name"], found["last_name"] = _split_name(_text(buyer, "full_name", "$.buyer"))
    found["email"] = found["email"] or _text(details, "email", "$.fulfillment_details")
    found["phone"] = found["phone"] or _text(details, "phone_number", "$.fulfillment_details")
    return SessionBuyer(**found)


def _line(line: object, param: str, least: int) -> WantedLine:
    if not isinstance(line, Mapping):
        raise invalid_body("A line is an object.", param)
    item = line.get("item")
    inner: Mapping[str, Any] = item if isinstance(item, Mapping) else {}
    sku = inner.get("id", line.get("id"))
    if not isinstance(sku, str) or not 0 < len(sku) <= MAX_TEXT_CHARS:
        raise invalid_body("A line names its item: item.id is a text.", f"{param}.item.id")
    quantity = line.get("quantity", inner.get("quantity", 1))
    if not isinstance(quantity, int) or isinstance(quantity, bool) or quantity < least:
        raise invalid_body(f"quantity is a whole number from {least} on.", f"{param}.quantity")
    line_id = line.get("id") if inner else None
    return WantedLine(sku=sku, quantity=quantity, line_id=line_id if isinstance(line_id, str) and line_id else None)


def _destination(body: Mapping[str, Any]) -> SessionAddress | None:
    """Where to send it: `fulfillment_details`, or the `fulfillment_address` of older versions."""
    details = _object(body, "fulfillment_details")
    if "fulfillment_details" in body:
        if details and "address" not in details:
            return None
        address, param = _object(details, "address", "$.fulfillment_details"), "$.fulfillment_details.address"
    elif "fulfillment_address" in body:
        address, param = _object(body, "fulfillment_address"), "$.fulfillment_address"
    else:
        return None
    first, last = _split_name(_text(address, "name", param) or _text(details, "name", "$.fulfillment_details"))
    lines = (_text(address, "line_one", param), _text(address, "line_two", param))
    return SessionAddress(
        first_name=first,
        last_name=last,
        company=_text(address, "company", param),
        street="\n".join(line for line in lines if line),
        city=_text(address, "city", param),
        region=_text(address, "state", param),
        postcode=_text(address, "postal_code", param),
        country=_text(address, "country", param),
        phone=_text(address, "phone_number", param) or _text(details, "phone_number", "$.fulfillment_details"),
    )


def _option(body: Mapping[str, Any]) -> str | None:
    """The chosen option; an empty text takes the choice back."""
    if "selected_fulfillment_options" not in body:
        for name in ("fulfillment_option_id", "selected_fulfillment_option_id"):
            if name in body:
                return _text(body, name, "$")
        return None
    chosen = body["selected_fulfillment_options"]
    if not chosen:
        return ""
    first = chosen[0] if isinstance(chosen, list) else None
    if not isinstance(first, Mapping):
        raise invalid_body("selected_fulfillment_options is a list of objects.", "$.selected_fulfillment_options")
    kind = first.get(str(first.get("type")))
    # The specification's own examples nest what its schema has flat.
    nested: Mapping[str, Any] = kind if isinstance(kind, Mapping) else {}
    return _text({**nested, **first}, "option_id", "$.selected_fulfillment_options[0]")


def _codes(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Coupon codes: `discounts.codes`, or the `coupons` of older versions."""
    if "discounts" in body:
        discounts = _object(body, "discounts")
        if discounts and "codes" not in discounts:
            return None
        listed, param = discounts.get("codes"), "$.discounts.codes"
    elif "coupons" in body:
        listed, param = body["coupons"], "$.coupons"
    else:
        return None
    codes = listed or []
    if not isinstance(codes, list) or len(codes) > MAX_CODES or not all(_is_text(code) for code in codes):
        raise invalid_body(f"Codes are a list of at most {MAX_CODES} texts.", param)
    return tuple(codes)


def _object(body: Mapping[str, Any], name: str, param: str = "$") -> Mapping[str, Any]:
    """A member that is an object; an empty one where it is absent or null."""
    found = body.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise invalid_body(f"{name} is an object.", f"{param}.{name}")
    return found


def _text(body: Mapping[str, Any], name: str, param: str) -> str:
    """A member that is a text; an empty one where it is absent or null."""
    found = body.get(name)
    if found is None:
        return ""
    if not _is_text(found):
        raise invalid_body(f"{name} is a text of at most {MAX_TEXT_CHARS} characters.", f"{param}.{name}")
    return str(found).strip()


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT_CHARS


def _split_name(name: str) -> tuple[str, str]:
    """First and last name of a whole one: the last word is the last name.

    >>> _split_name("Ada King Byron")
    ('Ada King', 'Byron')
    """
    first, _, last = name.rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def canonical_json(body: Mapping[str, Any]) -> bytes:
    """A body as compared with another: by its values, whatever the order of members; null is not absent."""
    return msgspec.json.encode(body, order="deterministic")
