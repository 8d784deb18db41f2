"""Decoding of plain tables into structs, field by field, so that every problem is collected."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.problems import SettingProblem, unknown_setting

S = TypeVar("S", bound=Struct)

MAX_QUOTED_CHARS: Final = 80


class FromEnvironment(Struct, frozen=True):
    """A value from a variable or a file: text, converted to the type of the setting."""

    variable: str
    text: str


def decode_table(shape: type[S], table: Mapping[str, Any], where: str, problems: list[SettingProblem]) -> S | None:
    """The struct of a table; None when anything is wrong, which is appended to `problems`.

    `where` is the key of the table with a trailing dot, or empty for the whole file.
    """
    known = {member.encode_name: member for member in fields(shape)}
    before = len(problems)
    problems += [unknown_setting(_key(table[name], where + name), name, known) for name in table if name not in known]
    values: dict[str, Any] = {}
    for name, member in known.items():
        if name in table:
            values[member.name] = _value(member, table[name], where + name, problems)
        elif member.required:
            problems.append(SettingProblem(where + name, f"is missing: wants {_expected_words(member.type)}."))
    return None if len(problems) > before else shape(**values)


def _value(member: FieldInfo, value: Any, key: str, problems: list[SettingProblem]) -> Any:  # noqa: ANN401
    shape = struct_of_type(member.type)
    if shape is not None and get_origin(member.type) is tuple:
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            problems.append(SettingProblem(key, f"wants one or several tables, [[{_header(key)}]]."))
            return None
        return tuple(decode_table(shape, item, f"{key}[{index}].", problems) for index, item in enumerate(value))
    if shape is not None:
        if not isinstance(value, dict):
            problems.append(SettingProblem(key, f"wants a table, [{_header(key)}]."))
            return None
        return decode_table(shape, value, f"{key}.", problems)
    return _leaf(member.type, value, key, problems)


def _leaf(kind: Any, value: Any, key: str, problems: list[SettingProblem]) -> Any:  # noqa: ANN401
    quoted = given = value
    if isinstance(value, FromEnvironment):
        quoted = value.text
        given = _split_list(value.text) if get_origin(kind) is tuple else value.text
    try:
        return msgspec.convert(
            given, kind, strict=not isinstance(value, FromEnvironment), dec_hook=lambda wanted, got: wanted(got)
        )
    except (msgspec.ValidationError, TypeError):
        problems.append(SettingProblem(_key(value, key), f"wants {_expected_words(kind)}; got {_quote(quoted)}."))
        return None


def _key(value: Any, key: str) -> str:  # noqa: ANN401
    """Source of a value: its key in the file, or the variable."""
    return value.variable if isinstance(value, FromEnvironment) else key


def _header(key: str) -> str:
    """The header of a table in the file: its key without indexes."""
    return re.sub(r"\[\d+\]", "", key)


def _split_list(text: str) -> list[str]:
    """The items of a comma-separated list."""
    return [item.strip() for item in text.split(",") if item.strip()]


def is_secret(kind: Any) -> bool:  # noqa: ANN401
    """Whether a type is a secret or a list of secrets."""
    return kind is Secret or any(is_secret(inner) for inner in get_args(kind))


def struct_of_type(kind: Any) -> type[Struct] | None:  # noqa: ANN401
    """The struct that a type is, or is a list of; None for a plain value."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    if get_origin(kind) is tuple:
        return struct_of_type(get_args(kind)[0])
    return None


def _expected_words(kind: Any) -> str:  # noqa: ANN401
    """What a type wants: the description in its metadata."""
    if struct_of_type(kind) is not None:
        return "one or several tables" if get_origin(kind) is tuple else "a table"
    if get_origin(kind) is tuple:
        return "a list; each item " + _expected_words(get_args(kind)[0])
    if get_origin(kind) is dict:
        return "a table"
    for meta in getattr(kind, "__metadata__", ()):
        return str(meta.description)
    for choice in get_args(kind):
        if choice is not type(None):
            return _expected_words(choice)
    return "a table"


def _quote(value: Any) -> str:  # noqa: ANN401
    text = value.isoformat() if isinstance(value, dt.date | dt.time) else repr(value)
    return text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…"
