"""What the fields of an argument struct are, by their types alone."""

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, NewType, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from storefront_mcp.calls.limits import digest
from storefront_mcp.commerce.names import CartId, CategoryId, LineId, Sku
from storefront_mcp.roadmap.tool import KEY

SHOWN: Final[frozenset[Any]] = frozenset({bool, int, float, Sku, CategoryId, LineId})
"""Types whose values may be written down: numbers, switches, and names of the shop's own things."""

Form = Literal["shown", "digest", "nested", "left out"]
LEFT_OUT: Final = "left out"


def cart_of(arguments: Struct) -> CartId | None:
    """The cart that arguments name; None when they name none."""
    name = _cart_field(type(arguments))
    return None if name is None else getattr(arguments, name)


def key_of(arguments: Struct) -> str | None:
    """The idempotency key that was sent; None where there is none."""
    return getattr(arguments, KEY, None) or None


def shown(arguments: Struct) -> Mapping[str, Any]:
    """Arguments as an audit may hold them, without what was not sent.

    A text is left out unless its type says that it names something of the shop: e-mail addresses, people, places,
    notes, codes and keys are all plain texts, and so is whatever a tool takes tomorrow. A cart's handle opens the cart,
    so its digest stands for it.
    """
    said: dict[str, Any] = {}
    for field, form in _forms(type(arguments)):
        value = getattr(arguments, field.name)
        if value is None or value == field.default or value == _made(field):
            continue
        if form == "shown":
            said[field.encode_name] = value
        elif form == "digest":
            said[field.encode_name] = digest(value)
        elif form == "nested" and isinstance(value, Struct):
            said[field.encode_name] = shown(value)
        else:
            said[field.encode_name] = LEFT_OUT
    return said


def _made(field: msgspec.structs.FieldInfo) -> Any:  # noqa: ANN401 -- a default of any type
    return None if field.default_factory is msgspec.NODEFAULT else field.default_factory()


@cache
def _cart_field(shape: type[Struct]) -> str | None:
    hints = get_type_hints(shape, include_extras=True)
    return next((name for name, kind in hints.items() if CartId in _bare(kind)), None)


@cache
def _forms(shape: type[Struct]) -> tuple[tuple[msgspec.structs.FieldInfo, Form], ...]:
    hints = get_type_hints(shape, include_extras=True)
    return tuple((field, _form(_bare(hints[field.name]))) for field in msgspec.structs.fields(shape))


def _form(kinds: frozenset[Any]) -> Form:
    if kinds == {CartId}:
        return "digest"
    if all(kind in SHOWN or get_origin(kind) is Literal for kind in kinds):
        return "shown"
    if all(isinstance(kind, type) and issubclass(kind, Struct) for kind in kinds):
        return "nested"
    return "left out"


def _bare(kind: Any) -> frozenset[Any]:  # noqa: ANN401 -- any type
    """The types a value may have, without descriptions and None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        return frozenset().union(*(_bare(choice) for choice in get_args(kind) if choice is not type(None)))
    if isinstance(kind, NewType) or get_origin(kind) is not dict:
        return frozenset({kind})
    return frozenset({dict})
