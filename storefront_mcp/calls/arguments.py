"""A tool's arguments: decoded leniently where the meaning is certain, with precise errors elsewhere.

Field types alone say which of them is the cart, and what the audit may hold.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct, inspect

from storefront_mcp.access.rate_limits import secret_digest
from storefront_mcp.calls.argument_text import UNSURE_TEXT, visible_values
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.commerce.address import PostalAddress
from storefront_mcp.commerce.errors import ASK_BUYER
from storefront_mcp.commerce.ids import CartId, CategoryId, LineId, Sku

A = TypeVar("A", bound=Struct)

PATH_PATTERN: Final = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
STEP_PATTERN: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
FIELD_PATTERN: Final = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
DECIMAL_PATTERN: Final = re.compile(r"[+-]?\d*[.,]\d+")
JSON_TYPE_WORDS: Final = {"str": "string", "int": "integer", "bool": "boolean", "float": "number"}
MAPPING_EXAMPLES: Final = {".filters": '{"color": "Black"}', ".options": '{"Engraving": "ADA"}'}
CLIENT_ARGUMENTS: Final = frozenset({"wait_for_previous", "toolCallId", "sessionId", "chatInput"})
"""Names that client programs (Gemini CLI, n8n) add to the arguments of every tool; no model means anything by them."""
CLIENT_ARGUMENTS_PATTERN: Final = re.compile("|".join(sorted(CLIENT_ARGUMENTS)).encode())
SYNONYMS: Final[Mapping[str, Sequence[str]]] = {
    "productid": ("sku",), "product": ("sku",), "productsku": ("sku",), "variantid": ("sku",), "variant": ("sku",),
    "itemid": ("line_id", "sku"), "sku": ("line_id",), "name": ("first_name",), "fullname": ("first_name",),
    "id": ("sku", "line_id", "checkout_id", "cart_id"), "qty": ("quantity",),
    "amount": ("quantity",), "coupon": ("code",), "couponcode": ("code",), "promocode": ("code",),
    "orderid": ("checkout_id",), "q": ("query",), "search": ("query",), "keywords": ("query",), "limit": ("page_size",),
    "maxprice": ("max_price_minor",), "minprice": ("min_price_minor",), "slug": ("url_key",),
    "address": ("shipping_address",), "shippingaddress": ("address",), "shippingmethodcode": ("shipping_method",),
    "zip": ("postcode",), "zipcode": ("postcode",), "postalcode": ("postcode",), "state": ("region",),
    "province": ("region",), "countrycode": ("country",), "countryid": ("country",), "telephone": ("phone",),
    "street1": ("street",), "line1": ("street",), "addressline1": ("street",), "firstname": ("first_name",),
    "lastname": ("last_name",), "emailaddress": ("email",),
}  # fmt: skip
"""What other shops call an argument, without case and underscores; the first that a tool has is meant."""
BUYER_FIELDS: Final = frozenset({"email", *PostalAddress.__struct_fields__})
"""Fields that only the buyer knows."""
LINES_FIELDS: Final = frozenset({"street"})
"""Texts of several lines, which may come as a list of them."""
MINOR_UNITS_SUFFIX: Final = "_minor"
"""Of names of amounts of money."""
MAX_QUOTED_CHARS: Final = 60
"""Characters of a wrong value or name that an error repeats."""
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""Raised while decoding bytes that are not JSON, are nested too deeply, or hold numbers that are too large."""


PLAIN_TYPES: Final[frozenset[Any]] = frozenset({bool, int, float, Sku, CategoryId, LineId})
"""Types whose values the audit holds in the clear: numbers, booleans, and ids of the shop's own things."""

Redaction = Literal["shown", "digest", "nested", "left out"]
OMITTED: Final = "left out"


def read_arguments(raw: Raw | bytes | None, shape: type[A]) -> A:
    """Decode arguments into `shape`. Raises ArgumentsRefused.

    What does not fit is coerced where that is safe: "2" for 2, 2000 for "2000", one value for a list of one, null or ""
    for an absent member, another case of an enumerated word, an object sent as JSON text. An amount in minor units
    is never made of a decimal number: 25.0 may mean 25 or 2500. Characters that nobody sees are left out.
    """
    sent: Any = None
    try:
        if raw and UNSURE_TEXT.search(raw):
            plain = msgspec.json.decode(raw)
            visible = visible_values(plain)
            sent = None if visible == plain else visible
        if sent is None:
            try:
                read: A = _decoder(shape).decode(raw or b"{}")
            except msgspec.ValidationError:
                sent = msgspec.json.decode(raw or b"{}")
            else:
                return read
    except UNREADABLE:
        message = "arguments: wanted a JSON object, not nested too deeply and with numbers of a sane size"
        raise ArgumentsRefused(message) from None
    if isinstance(sent, str):
        sent = _parse(sent)
    if sent is None:
        sent = {}
    if not isinstance(sent, dict):
        message = f"arguments: wanted an object, got {_quote(sent)}"
        raise ArgumentsRefused(message)
    sent = {name: value for name, value in sent.items() if name not in CLIENT_ARGUMENTS}
    try:
        return msgspec.convert(_coerce(sent, inspect.type_info(shape)), shape, strict=False)
    except msgspec.ValidationError as error:
        raise ArgumentsRefused(_explain(str(error), sent, shape)) from None


def ignored_arguments(raw: Raw | bytes | None) -> list[str]:
    """Names of the `CLIENT_ARGUMENTS` among arguments that could be read."""
    if raw is None or CLIENT_ARGUMENTS_PATTERN.search(raw) is None:
        return []
    sent = msgspec.json.decode(raw)
    sent = _parse(sent) if isinstance(sent, str) else sent
    return sorted(CLIENT_ARGUMENTS.intersection(sent)) if isinstance(sent, dict) else []


@cache
def _decoder(shape: type[Struct]) -> msgspec.json.Decoder[Any]:
    """One decoder per tool."""
    return msgspec.json.Decoder(shape)


def _parse(text: str) -> object:
    try:
        return visible_values(msgspec.json.decode(text))
    except UNREADABLE:
        return text


def _coerce(value: Any, wanted: inspect.Type) -> Any:  # noqa: ANN401 -- JSON in, JSON out
    bare = _bare(wanted)
    is_object = isinstance(bare, inspect.StructType | inspect.DictType)
    if is_object and isinstance(value, str) and isinstance(inner := _parse(value), dict):
        value = inner
    match bare:
        case inspect.StructType() as wanted if isinstance(value, dict):
            return _coerce_fields(value, wanted)
        case inspect.DictType() as wanted if isinstance(value, dict):
            return {key: _coerce(member, wanted.value_type) for key, member in value.items()}
        case inspect.ListType() | inspect.VarTupleType() as wanted:
            members = value if isinstance(value, list) else [value]
            return [_coerce(member, wanted.item_type) for member in members]
        case inspect.UnionType() as wanted:
            return _coerce_choice(value, wanted)
        case plain:
            return _coerce_plain(value, plain)


def _coerce_plain(value: Any, wanted: inspect.Type) -> Any:  # noqa: ANN401 -- as above
    match wanted:
        case inspect.StrType() if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        case inspect.LiteralType() as wanted if isinstance(value, str):
            return next((word for word in wanted.values if str(word).lower() == value.strip().lower()), value)
        case inspect.IntType() if isinstance(value, str):
            return value.strip()
        case _:
            return value


def _coerce_fields(sent: Mapping[str, Any], wanted: inspect.StructType) -> dict[str, Any]:
    fields = {field.encode_name: field for field in wanted.fields}
    for name, value in sent.items():
        if name in fields and name.endswith(MINOR_UNITS_SUFFIX) and _is_decimal(value):
            message = f"{name}: wanted an integer of minor units, like 2500 for 25.00, got {_quote(value)}"
            raise ArgumentsRefused(message)
    return {
        name: _coerce(_join_lines(name, value), fields[name].type) if name in fields else value
        for name, value in sent.items()
        if not (value in (None, "") and name in fields and not fields[name].required)
    }


def _join_lines(name: str, value: Any) -> Any:  # noqa: ANN401 -- as above
    """One text of a list of lines."""
    if name not in LINES_FIELDS or not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        return value
    return "\n".join(value)


def _is_decimal(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, str) and DECIMAL_PATTERN.fullmatch(value.strip()) is not None)


def _coerce_choice(value: Any, wanted: inspect.UnionType) -> Any:  # noqa: ANN401 -- as above
    """A list goes to the union's list type, anything else to the first type that coerces it."""
    if value is None:
        return value
    lists = [kind for kind in wanted.types if isinstance(_bare(kind), inspect.ListType | inspect.VarTupleType)]
    others = [kind for kind in wanted.types if kind not in lists]
    for kind in lists if isinstance(value, list) else others:
        coerced = _coerce(value, kind)
        if coerced is not value:
            return coerced
    return value


def _bare(kind: inspect.Type) -> inspect.Type:
    """A type without its `Annotated` metadata."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _explain(complaint: str, sent: Mapping[str, Any], shape: type[Struct]) -> str:
    """A decoder's message as a sentence for a model: field, what was sent, what is expected."""
    at = PATH_PATTERN.search(complaint)
    path = at.group(1) if at else ""
    what = PATH_PATTERN.sub("", complaint)
    if field := FIELD_PATTERN.match(what):
        if field.group(1) == "missing required":
            return _about_missing(f"{path}.{field.group(2)}".removeprefix("."), sent, shape)
        return _about_unknown(path, field.group(2), sent, shape)
    name = path.removeprefix(".").replace(".[...]", "").replace("[...]", "") or "arguments"
    found, value = _at(sent, path)
    got = f", got {_quote(value)}" if found and path else ""
    # Of the right value in a wrong shape the buyer knows no more.
    asks = "" if isinstance(value, list | dict) else _about_buyer(name)
    return f"{name}: {_expected_words(what, path, shape)}{got}{asks}"


def _expected_words(what: str, path: str, shape: type[Struct]) -> str:
    """What was expected, in JSON's terms."""
    kind = _kind_at(path, shape)
    if isinstance(kind, inspect.LiteralType):
        return f"wanted one of {', '.join(map(str, kind.values))}"
    if path and isinstance(kind, inspect.StructType) and what.startswith("Expected `object"):
        return f"wanted an object of {', '.join(_names_at(path, shape))}"
    if isinstance(kind, inspect.DictType) and what.startswith("Expected `object"):
        return f"wanted JSON as text, such as {MAPPING_EXAMPLES.get(path, '{}')}"
    sentence = re.sub(r", got `.*`$", "", what).replace("Expected", "wanted").replace("`", "").replace(" | null", "")
    for python, json in JSON_TYPE_WORDS.items():
        sentence = re.sub(rf"\b{python}\b", json, sentence)
    return sentence[:1].lower() + sentence[1:]


def _about_missing(first: str, sent: Mapping[str, Any], shape: type[Struct]) -> str:
    """Every missing field at once; `first` is the one the decoder stopped at."""
    names = list(_missing(sent, inspect.type_info(shape)))
    if len(names) < 2 or first not in names:  # noqa: PLR2004 -- singular and plural
        return f"{first}: is required and was not sent{_about_buyer(first)}"
    return f"{', '.join(names)}: are required and were not sent{_about_buyer(*names)}"


def _about_buyer(*names: str) -> str:
    """What to do where only the buyer knows the value; empty where none of the fields is of that kind."""
    return f". {ASK_BUYER}" if any(name.rpartition(".")[2] in BUYER_FIELDS for name in names) else ""


def _missing(sent: Any, wanted: inspect.Type, path: str = "") -> Iterator[str]:  # noqa: ANN401 -- any JSON
    """Paths of required fields that are absent, nested objects included."""
    kind = _not_null(_bare(wanted))
    value = _parse(sent) if isinstance(sent, str) else sent
    if not isinstance(kind, inspect.StructType) or not isinstance(value, Mapping):
        return
    for field in kind.fields:
        if field.encode_name in value:
            yield from _missing(value[field.encode_name], field.type, f"{path}{field.encode_name}.")
        elif field.required:
            yield f"{path}{field.encode_name}"


def _about_unknown(path: str, name: str, sent: Mapping[str, Any], shape: type[Struct]) -> str:
    value = None if path else sent.get(name)
    name = _truncate(name)
    full = f"{path}.{name}".removeprefix(".")
    known = _names_at(path, shape)
    inside = [outer for outer in known if name in _names_at(f"{path}.{outer}", shape)]
    meant = [other for other in SYNONYMS.get(name.lower().replace("_", "").replace("-", ""), ()) if other in known]
    mapping = _mapping_name(shape) if isinstance(value, str | list) else None
    alike = difflib.get_close_matches(name, known, n=1, cutoff=0.5 if mapping is None else 0.7)
    close = meant or [f"{outer}.{name}" for outer in inside] or alike
    guess = f" Did you mean {close[0]}?" if close else ""
    if mapping is not None and not close:
        guess = f" It goes into {mapping}: {_quote({name: value})}."
    listed = f"the arguments are {', '.join(known)}" if known else "none are taken"
    return f"{full}: there is no such argument; {listed}.{guess}"


def _mapping_name(shape: type[Struct]) -> str | None:
    """The argument that maps names of the shop's own to values, such as filters or options."""
    kind = _kind_at("", shape)
    fields = kind.fields if isinstance(kind, inspect.StructType) else ()
    return next((field.encode_name for field in fields if isinstance(_bare(field.type), inspect.DictType)), None)


def _names_at(path: str, shape: type[Struct]) -> Sequence[str]:
    """Field names of the struct at a path."""
    kind = _kind_at(path, shape)
    fields = kind.fields if isinstance(kind, inspect.StructType) else ()
    return [field.encode_name for field in fields if not _is_unlisted(field.type)]


def _is_unlisted(kind: inspect.Type) -> bool:
    """Whether it is taken without being published."""
    return isinstance(kind, inspect.Metadata) and bool((kind.extra_json_schema or {}).get("unlisted"))


def _kind_at(path: str, shape: type[Struct]) -> inspect.Type | None:
    """The type at a path of field names; None below lists and mappings."""
    kind: inspect.Type | None = inspect.type_info(shape)
    for name, _ in STEP_PATTERN.findall(path):
        fields = kind.fields if isinstance(kind, inspect.StructType) else ()
        kind = next((_bare(field.type) for field in fields if field.encode_name == name), None)
        kind = _not_null(kind)
    return kind


def _not_null(kind: inspect.Type | None) -> inspect.Type | None:
    """The first type of a union that is not null."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    return next((_bare(choice) for choice in kind.types if not isinstance(choice, inspect.NoneType)), None)


def _at(sent: Any, path: str) -> tuple[bool, Any]:  # noqa: ANN401 -- any JSON
    """Whether there is a value at a path, and the value."""
    current = sent
    for name, index in STEP_PATTERN.findall(path):
        try:
            current = current[int(index)] if index else current[name]
        except (KeyError, IndexError, TypeError):
            return False, None
    return "[...]" not in path, current


def _quote(value: Any) -> str:  # noqa: ANN401 -- any JSON
    try:
        return _truncate(msgspec.json.encode(value).decode())
    except RecursionError:
        return "something nested too deeply"


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"


def cart_of(arguments: Struct) -> CartId | None:
    """The cart handle among the arguments; None when there is none."""
    name = _cart_field(type(arguments))
    return None if name is None else getattr(arguments, name)


def redacted(arguments: Struct) -> Mapping[str, Any]:
    """Arguments for the audit, without those that equal their default.

    Text is omitted unless its type is an id of the shop: e-mail addresses, names, notes, codes and keys are plain
    `str`. A cart handle is a bearer secret, so its digest stands for it.
    """
    kept: dict[str, Any] = {}
    for name, field, default, redaction in _redactions(type(arguments)):
        value = getattr(arguments, field)
        if value is None or value == default:
            continue
        if redaction == "shown":
            kept[name] = value
        elif redaction == "digest":
            kept[name] = secret_digest(value)
        elif redaction == "nested" and isinstance(value, Struct):
            kept[name] = redacted(value)
        else:
            kept[name] = OMITTED
    return kept


@cache
def _cart_field(shape: type[Struct]) -> str | None:
    hints = get_type_hints(shape, include_extras=True)
    return next((name for name, kind in hints.items() if CartId in _members(kind)), None)


@cache
def _redactions(shape: type[Struct]) -> tuple[tuple[str, str, Any, Redaction], ...]:
    """Name, field, default and redaction of each argument."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(
        (
            field.encode_name,
            field.name,
            field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory(),
            _redaction(_members(hints[field.name])),
        )
        for field in msgspec.structs.fields(shape)
    )


def _redaction(kinds: frozenset[Any]) -> Redaction:
    if kinds == {CartId}:
        return "digest"
    if all(kind in PLAIN_TYPES or get_origin(kind) is Literal for kind in kinds):
        return "shown"
    if all(isinstance(kind, type) and issubclass(kind, Struct) for kind in kinds):
        return "nested"
    return "left out"


def _members(kind: Any) -> frozenset[Any]:  # noqa: ANN401 -- any type
    """The types of a union, without `Annotated` and None."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return frozenset().union(*(_members(choice) for choice in get_args(kind) if choice is not type(None)))
    if isinstance(kind, NewType) or get_origin(kind) is not dict:
        return frozenset({kind})
    return frozenset({dict})
