"""Loading of secrets from variables or files; a secret in the settings' own text is a problem."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_origin

from msgspec import Struct
from msgspec.structs import fields

from storefront_mcp.settings.decoding import FromEnvironment, is_secret, struct_of_type
from storefront_mcp.settings.problems import SettingProblem

SECRET_SUFFIX: Final = re.compile(r"(^|_)(key|token|secret|password|passphrase|credentials?|api_?key)$", re.IGNORECASE)


def load_secrets(
    shape: type[Struct],
    table: dict[str, Any],
    home: Path,
    problems: list[SettingProblem],
    *,
    where: str = "",
    named: str = "",
) -> None:
    """Load the secrets of nested tables in place: `secret_key_file = "path"` becomes `secret_key`.

    Paths are relative to `home`. `where` is a table's key in the file, `named` its name in variables.
    """
    for member in fields(shape):
        name, inner = member.encode_name, struct_of_type(member.type)
        found = table.get(name)
        if inner is not None and isinstance(found, dict):
            load_secrets(inner, found, home, problems, where=f"{where}{name}.", named=f"{named}{name}.")
        elif inner is not None and isinstance(found, list):
            for index, item in enumerate(found):
                if isinstance(item, dict):
                    called = f"{named}{name}.{item.get('id', index)}."
                    load_secrets(inner, item, home, problems, where=f"{where}{name}[{index}].", named=called)
        elif get_origin(member.type) is dict and isinstance(found, dict):
            table[name] = _load_option_secrets(found, f"{where}{name}.", f"{named}{name}.", home, problems)
        elif is_secret(member.type):
            _load_secret(table, name, where, named, home, problems)


def _load_secret(
    table: dict[str, Any], name: str, where: str, named: str, home: Path, problems: list[SettingProblem]
) -> None:
    if name in table and not isinstance(table[name], FromEnvironment):
        problems.append(_exposed_problem(where, name, named))
        del table[name]
    if f"{name}_file" in table:
        key = f"{where}{name}_file"
        table.setdefault(name, FromEnvironment(key, _read_file(home, table.pop(f"{name}_file"), key, problems)))


def _load_option_secrets(
    options: Mapping[str, Any], where: str, named: str, home: Path, problems: list[SettingProblem]
) -> dict[str, Any]:
    """The same for a table without a type, whose secrets are recognised by SECRET_SUFFIX."""
    result: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, FromEnvironment):
            result[name] = value.text
            continue
        if SECRET_SUFFIX.search(name):
            problems.append(_exposed_problem(where, name, named))
            continue
        bare = name.removesuffix("_file")
        if bare != name and SECRET_SUFFIX.search(bare):
            name, value = bare, _read_file(home, value, where + name, problems)  # noqa: PLW2901
        result[name] = value
    return result


def _exposed_problem(where: str, name: str, named: str) -> SettingProblem:
    if "[" in where.partition(".")[2]:
        # No variable names an entry of a list within a store.
        return SettingProblem(where + name, f"is a secret and has no place here; set {name}_file to a path.")
    variable = f"STOREFRONT_{named}{name}".replace("-", "_").replace(".", "__").upper()
    return SettingProblem(where + name, f"is a secret and has no place here; set {variable}, or {name}_file to a path.")


def _read_file(home: Path, value: Any, key: str, problems: list[SettingProblem]) -> str:  # noqa: ANN401
    value = value.text if isinstance(value, FromEnvironment) else value
    try:
        return (home / str(value)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        problems.append(SettingProblem(key, f"{value} cannot be read: {cause}."))
        return ""
