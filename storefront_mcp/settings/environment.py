"""Variables over the file: `STOREFRONT_PORT`, `STOREFRONT_FLAGS__POLL`, `STOREFRONT_STORE__PICKLE__UPSTREAM__URL`.

Two underscores go one table down; a store is named by its id in capitals, its hyphens as underscores.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from storefront_mcp.settings.problems import Problem
from storefront_mcp.settings.reading import FromEnvironment

PREFIX: Final = "STOREFRONT_"

NOT_SETTINGS: Final = frozenset({"STOREFRONT_CONFIG"})
"""Where the file is; not what is in it."""


def overlaid(table: Mapping[str, Any], variables: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """The file's table with what the variables set; unknown names come to light when the table is read."""
    result = deepcopy(dict(table))
    for variable in sorted(variables):
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            path = [part.lower() for part in variable.removeprefix(PREFIX).split("__")]
            _set(result, path, FromEnvironment(variable, variables[variable]), problems)
    return result


def _set(table: dict[str, Any], path: list[str], value: FromEnvironment, problems: list[Problem]) -> None:
    here: Any = table
    if path[0] == "store":
        found = _store(table, path[1:], value.variable, problems)
        if found is None:
            return
        here, path = found, path[2:]
    for part in path[:-1]:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            problems.append(Problem(value.variable, f"{part} is no table."))
            return
    here[path[-1]] = value


def _store(table: Mapping[str, Any], path: list[str], variable: str, problems: list[Problem]) -> dict[str, Any] | None:
    stores = [store for store in table.get("store", ()) if isinstance(store, dict)]
    named = {str(store.get("id", "")).lower().replace("-", "_"): store for store in stores}
    if len(path) < 2:  # noqa: PLR2004 -- a store and a setting of it
        problems.append(Problem(variable, f"wants a store and its setting: {PREFIX}STORE__<ID>__<SETTING>."))
        return None
    if path[0] not in named:
        problems.append(Problem(variable, f"there is no store {path[0]}; there are {', '.join(sorted(named))}."))
        return None
    return named[path[0]]
