"""Secrets come from variables or from files, never from the settings' own text, which ends up in repositories."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from storefront_mcp.settings.problems import Problem
from storefront_mcp.settings.reading import FromEnvironment

SECRET: Final = re.compile(r"(^|_)(key|token|secret|password|passphrase|credentials?|api_?key)$", re.IGNORECASE)


def resolved(options: Mapping[str, Any], where: str, home: Path, problems: list[Problem]) -> dict[str, Any]:
    """Free-form options with the secrets in place: `sdk_key_file = "path"` is the file's text as `sdk_key`."""
    result: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, FromEnvironment):
            result[name] = value.text
            continue
        if SECRET.search(name):
            variable = f"STOREFRONT_{where}{name}".replace(".", "__").upper()
            problems.append(
                Problem(where + name, f"is a secret and has no place here; set {variable}, or {name}_file to a path.")
            )
            continue
        bare = name.removesuffix("_file")
        if bare != name and SECRET.search(bare):
            name, value = bare, _read(home, value, where + name, problems)  # noqa: PLW2901
        result[name] = value
    return result


def _read(home: Path, value: Any, key: str, problems: list[Problem]) -> str:  # noqa: ANN401
    try:
        return (home / str(value)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        problems.append(Problem(key, f"{value} cannot be read: {cause}."))
        return ""
