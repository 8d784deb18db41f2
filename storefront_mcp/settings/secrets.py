"""Secrets come from variables or from files, never from the settings' own text, which ends up in repositories."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from storefront_mcp.settings.problems import Problem
from storefront_mcp.settings.reading import FromEnvironment, hides, struct_of

SECRET: Final = re.compile(r"(^|_)(key|token|secret|password|passphrase|credentials?|api_?key)$", re.IGNORECASE)


def in_place(
    shape: type[Struct], table: dict[str, Any], home: Path, problems: list[Problem], *, where: str = "", named: str = ""
) -> None:
    """Put the secrets of typed tables in place, however deep: `secret_key_file = "path"` becomes `secret_key`.

    A secret in the file's own text is a problem. `where` is a table's key in the file, `named` what variables call it.
    """
    for member in fields(shape):
        name, inner = member.encode_name, struct_of(member.type)
        found = table.get(name)
        if inner is not None and isinstance(found, dict):
            in_place(inner, found, home, problems, where=f"{where}{name}.", named=f"{named}{name}.")
        elif inner is not None and isinstance(found, list):
            for index, item in enumerate(found):
                if isinstance(item, dict):
                    called = f"{named}{name}.{item.get('id', index)}."
                    in_place(inner, item, home, problems, where=f"{where}{name}[{index}].", named=called)
        elif hides(member.type):
            _hidden(table, name, where, named, home, problems)


def _hidden(table: dict[str, Any], name: str, where: str, named: str, home: Path, problems: list[Problem]) -> None:
    if name in table and not isinstance(table[name], FromEnvironment):
        problems.append(_exposed(where, name, named))
        del table[name]
    if f"{name}_file" in table:
        key = f"{where}{name}_file"
        table.setdefault(name, FromEnvironment(key, _read(home, table.pop(f"{name}_file"), key, problems)))


def resolved(options: Mapping[str, Any], where: str, home: Path, problems: list[Problem]) -> dict[str, Any]:
    """Free-form options with the secrets in place: `sdk_key_file = "path"` is the file's text as `sdk_key`."""
    result: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, FromEnvironment):
            result[name] = value.text
            continue
        if SECRET.search(name):
            problems.append(_exposed(where, name, where))
            continue
        bare = name.removesuffix("_file")
        if bare != name and SECRET.search(bare):
            name, value = bare, _read(home, value, where + name, problems)  # noqa: PLW2901
        result[name] = value
    return result


def _exposed(where: str, name: str, named: str) -> Problem:
    variable = f"STOREFRONT_{named}{name}".replace("-", "_").replace(".", "__").upper()
    return Problem(where + name, f"is a secret and has no place here; set {variable}, or {name}_file to a path.")


def _read(home: Path, value: Any, key: str, problems: list[Problem]) -> str:  # noqa: ANN401
    value = value.text if isinstance(value, FromEnvironment) else value
    try:
        return (home / str(value)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        problems.append(Problem(key, f"{value} cannot be read: {cause}."))
        return ""
