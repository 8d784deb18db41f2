"""Environment variables over the file: `STOREFRONT_PORT`, `STOREFRONT_STORE__PICKLE__UPSTREAM__URL`.

Two underscores separate tables; a store is named by its id in capitals, with underscores for hyphens.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from storefront_mcp.settings.decoding import FromEnvironment
from storefront_mcp.settings.problems import SettingProblem

VARIABLE_PREFIX: Final = "STOREFRONT_"

STARTED_BY: Final = "STOREFRONT_STARTED_BY"
"""Set by the Makefile to the command that was typed, for advice in the same words."""

CONFIG: Final = "STOREFRONT_CONFIG"
"""The file of the settings; a server's workers find it by this one."""

NOT_SETTINGS: Final = frozenset({CONFIG, STARTED_BY})
"""Variables with the prefix that are no settings."""


def apply_environment(
    table: Mapping[str, Any], variables: Mapping[str, str], problems: list[SettingProblem]
) -> dict[str, Any]:
    """The file's table with the values of variables; unknown names are reported by `decode_table`."""
    result = deepcopy(dict(table))
    for variable in sorted(variables):
        if variable.startswith(VARIABLE_PREFIX) and variable not in NOT_SETTINGS:
            path = [part.lower() for part in variable.removeprefix(VARIABLE_PREFIX).split("__")]
            _set(result, path, FromEnvironment(variable, variables[variable]), problems)
    return result


def _set(table: dict[str, Any], path: list[str], value: FromEnvironment, problems: list[SettingProblem]) -> None:
    here: Any = table
    if path[0] == "store":
        found = _store(table, path[1:], value.variable, problems)
        if found is None:
            return
        here, path = found, path[2:]
    for part in path[:-1]:
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            problems.append(SettingProblem(value.variable, f"{part} is no table."))
            return
    here[path[-1]] = value


def _store(
    table: Mapping[str, Any], path: list[str], variable: str, problems: list[SettingProblem]
) -> dict[str, Any] | None:
    stores = [store for store in table.get("store", ()) if isinstance(store, dict)]
    named = {str(store.get("id", "")).lower().replace("-", "_"): store for store in stores}
    if len(path) < 2:  # noqa: PLR2004 -- a store and a setting of it
        problems.append(
            SettingProblem(variable, f"wants a store and its setting: {VARIABLE_PREFIX}STORE__<ID>__<SETTING>.")
        )
        return None
    if path[0] not in named:
        problems.append(SettingProblem(variable, f"there is no store {path[0]}; there are {', '.join(sorted(named))}."))
        return None
    return named[path[0]]
