"""The kinds of values in a JSON answer: what is compared of a recorded answer and of the demo shop's."""

import re
from typing import Any, Final, get_args, get_origin

import msgspec

from storefront_mcp.backends.maho import shapes

MESSAGE: Final = next(one.type for one in msgspec.structs.fields(shapes.ErrorBody) if one.name == "message")
CODED_FIELDS: Final = {"type", "visibility", "stockStatus", "priceType"}
"""Fields that hold one of a few words; each of the words counts as a kind."""
MARKUP: Final = re.compile(r"<\w|&\w+;")
Kinds = set[tuple[str, str]]
"""Path of a field, and what kind of value it has."""


def kinds(value: object, shape: Any, path: str = "") -> Kinds:
    """The kinds of every field of `shape` in a JSON value."""
    origin = get_origin(shape) or shape
    if origin is list and isinstance(value, list) and value:
        return set().union(*(kinds(one, get_args(shape)[0], f"{path}[]") for one in value))
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct) and isinstance(value, dict):
        fields = msgspec.structs.fields(shape)
        return set().union(
            *(kinds(value.get(one.encode_name), one.type, f"{path}.{one.encode_name}") for one in fields)
        )
    options = [one for one in get_args(shape) if one is not type(None)] if origin not in {list, dict} else []
    for option in options:
        target = get_origin(option) or option
        struct = isinstance(target, type) and issubclass(target, msgspec.Struct)
        if (struct and isinstance(value, dict)) or (target is list and isinstance(value, list)):
            return kinds(value, option, path)
    if shape is MESSAGE:
        return {(path, _message(value))}
    coded = path.rpartition(".")[2] in CODED_FIELDS and value is not None
    return {(path, str(value) if coded else kind(value))}


def all_kinds(value: object, path: str = "") -> Kinds:
    """Which fields a JSON value has, whatever they hold."""
    if isinstance(value, list):
        return set().union(*(all_kinds(one, f"{path}[]") for one in value))
    if isinstance(value, dict):
        below = (all_kinds(one, f"{path}.{name}") for name, one in value.items() if not name.startswith("@"))
        return {(path, "object")}.union(*below)
    return {(path, "there")}


def kind(value: object) -> str:
    """What a value is: of which type, and whether it is one of those that are easily forgotten."""
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return "zero" if not value else "negative" if value < 0 else "number" if _is_rounded(value) else "unrounded"
    if isinstance(value, str):
        return "empty" if not value else "markup" if MARKUP.search(value) else "text"
    return {"[]": "no list", "{}": "no object"}.get(str(value)) or type(value).__name__


def _is_rounded(value: float) -> bool:
    return round(value, 4) == value


def _message(value: object) -> str:
    """A message without what differs from shop to shop: quoted names, numbers, markup."""
    return re.sub(r"<[^>]*>|\"[^\"]*\"|'[^']*'(?!s )|[\d.,]*\d|/\S+|\b[A-Z]{3}\b", "*", str(value))
