"""Read plain tables into structs, field by field, so that one run tells every problem."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from storefront_mcp.calls.credentials import Secret
from storefront_mcp.settings.problems import Problem, unknown

S = TypeVar("S", bound=Struct)

LONGEST: Final = 80
"""Characters of a wrong value that a message repeats."""


class FromEnvironment(Struct, frozen=True):
    """A value that a variable sets: text, to be read as whatever the setting wants."""

    variable: str
    text: str


def read(shape: type[S], table: Mapping[str, Any], where: str, problems: list[Problem]) -> S | None:
    """The struct a table stands for; None when anything is wrong, which is then added to `problems`.

    `where` is the table's own key with a dot behind it, or nothing for the whole file.
    """
    known = {member.encode_name: member for member in fields(shape)}
    before = len(problems)
    problems += [unknown(_key(table[name], where + name), name, known) for name in table if name not in known]
    values: dict[str, Any] = {}
    for name, member in known.items():
        if name in table:
            values[member.name] = _value(member, table[name], where + name, problems)
        elif member.required:
            problems.append(Problem(where + name, f"is missing: wants {_wanted(member.type)}."))
    return None if len(problems) > before else shape(**values)


def _value(member: FieldInfo, value: Any, key: str, problems: list[Problem]) -> Any:  # noqa: ANN401
    shape = struct_of(member.type)
    if shape is not None and get_origin(member.type) is tuple:
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            problems.append(Problem(key, f"wants one or several tables, [[{_header(key)}]]."))
            return None
        return tuple(read(shape, item, f"{key}[{index}].", problems) for index, item in enumerate(value))
    if shape is not None:
        if not isinstance(value, dict):
            problems.append(Problem(key, f"wants a table, [{_header(key)}]."))
            return None
        return read(shape, value, f"{key}.", problems)
    return _leaf(member.type, value, key, problems)


def _leaf(kind: Any, value: Any, key: str, problems: list[Problem]) -> Any:  # noqa: ANN401
    shown = given = value
    if isinstance(value, FromEnvironment):
        shown = value.text
        given = _listed(value.text) if get_origin(kind) is tuple else value.text
    try:
        return msgspec.convert(
            given, kind, strict=not isinstance(value, FromEnvironment), dec_hook=lambda wanted, got: wanted(got)
        )
    except (msgspec.ValidationError, TypeError):
        problems.append(Problem(_key(value, key), f"wants {_wanted(kind)}; got {_short(shown)}."))
        return None


def _key(value: Any, key: str) -> str:  # noqa: ANN401
    """Where a value was set: the key in the file, or the variable."""
    return value.variable if isinstance(value, FromEnvironment) else key


def _header(key: str) -> str:
    """A key as a table's header in the file: without indexes."""
    return re.sub(r"\[\d+\]", "", key)


def _listed(text: str) -> list[str]:
    """`a, b` in a variable is the list of both."""
    return [item.strip() for item in text.split(",") if item.strip()]


def hides(kind: Any) -> bool:  # noqa: ANN401
    """Whether a setting of this type is a secret, or a list of some."""
    return kind is Secret or any(hides(inner) for inner in get_args(kind))


def struct_of(kind: Any) -> type[Struct] | None:  # noqa: ANN401
    """The table that a setting is, or is a list of; None for a plain value."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    if get_origin(kind) is tuple:
        return struct_of(get_args(kind)[0])
    return None


def _wanted(kind: Any) -> str:  # noqa: ANN401
    """What a setting wants, in the words of its type's description."""
    if struct_of(kind) is not None:
        return "one or several tables" if get_origin(kind) is tuple else "a table"
    if get_origin(kind) is tuple:
        return "a list; each item " + _wanted(get_args(kind)[0])
    if get_origin(kind) is dict:
        return "a table"
    for meta in getattr(kind, "__metadata__", ()):
        return str(meta.description)
    for choice in get_args(kind):
        if choice is not type(None):
            return _wanted(choice)
    return "a table"


def _short(value: Any) -> str:  # noqa: ANN401
    shown = value.isoformat() if isinstance(value, dt.date | dt.time) else repr(value)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
