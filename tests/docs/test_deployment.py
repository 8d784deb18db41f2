"""The page on deployment shows the files of deploy/ as they are, and every variable that there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

import pytest
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from storefront_mcp.cli.starting import template
from storefront_mcp.settings import Settings, SettingsBroken
from storefront_mcp.settings.reading import _wanted, hides, struct_of
from tests.docs.markdown import ROOT, is_generated, table

PAGE = ROOT / "docs" / "deployment.md"
DEPLOY = ROOT / "deploy"
LANGUAGES = {".conf": "nginx", ".service": "ini", ".Caddyfile": "text", "": "dockerfile"}
"""What the shown files are written in, by the end of their names."""
NOT_SHOWN = {"Containerfile.dockerignore"}
STORE = "PICKLE"
OPTIONS = "STOREFRONT_FLAGS__OPTIONS__…"


def shown() -> list[Path]:
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.name not in NOT_SHOWN)


@pytest.mark.parametrize("path", shown(), ids=lambda path: path.name)
def test_the_page_shows_each_file_as_it_is(path: Path, update_goldens: bool) -> None:
    made = f"```{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}```"

    assert is_generated(PAGE, str(path.relative_to(ROOT)), made, update=update_goldens) == made, "run make goldens"


def leaves(shape: type[Struct], above: str = "STOREFRONT_") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting that a variable can set, by its variable."""
    for member in fields(shape):
        variable = above + member.encode_name.upper()
        inner = struct_of(member.type)
        if inner is None:
            yield (OPTIONS if get_origin(member.type) is dict else variable), member
        else:
            yield from leaves(inner, f"{variable}__{STORE}__" if get_origin(member.type) is tuple else f"{variable}__")


def without(member: FieldInfo) -> str:
    """What holds where nothing is set."""
    value: Any = member.default
    if member.required:
        return "required"
    if value is NODEFAULT or value in (None, ()):
        return "none"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows() -> list[list[str]]:
    made = []
    for variable, member in leaves(Settings):
        names = f"`{variable}`, `{variable}_FILE`" if hides(member.type) else f"`{variable}`"
        made.append([names, _wanted(member.type), without(member)])
    return made


def test_the_page_has_every_variable_with_what_it_wants(update_goldens: bool) -> None:
    made = table(["variable", "wants", "without it"], rows())

    assert is_generated(PAGE, "variables", made, update=update_goldens) == made, "run make goldens"


def test_each_variable_is_read(tmp_path: Path) -> None:
    """Whatever a setting says of such a value, it is not that there is no such setting."""
    path = tmp_path / "storefront.toml"
    path.write_text(template(), encoding="utf-8")
    variables = [variable for variable, _ in leaves(Settings) if variable != OPTIONS]
    with pytest.raises(SettingsBroken) as raised:
        Settings.load(path, {**dict.fromkeys(variables, " "), "STOREFRONT_NOTHING": ""})
    told = str(raised.value)
    assert told.count("there is no such setting") == 1
    assert "STOREFRONT_NOTHING" in told
    assert sum(variable in told for variable in variables) > 30
