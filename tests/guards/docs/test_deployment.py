"""The page on deployment shows the files of deploy/ as they are, and every variable that there is."""

import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_origin

import pytest
import yaml
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from storefront_mcp.cli.settings_file import settings_template
from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.decoding import _expected_words, is_secret, struct_of_type
from tests.guards.docs.markdown import ROOT, blocks, is_generated, table

PAGE = ROOT / "docs" / "deployment.md"
DEPLOY = ROOT / "deploy"
LANGUAGES = {".conf": "nginx", ".service": "ini", ".socket": "ini", ".Caddyfile": "text", "": "dockerfile"}
"""What the shown files are written in, by the end of their names."""
NOT_SHOWN = {"Containerfile.dockerignore", "alerts.yml"}
STORE = "PICKLE"


def shown() -> list[Path]:
    return sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.name not in NOT_SHOWN)


@pytest.mark.parametrize("path", shown(), ids=lambda path: path.name)
def test_the_page_shows_each_file_as_it_is(path: Path, update_goldens: bool) -> None:
    made = f"```{LANGUAGES[path.suffix]}\n{path.read_text(encoding='utf-8')}```"

    assert is_generated(PAGE, str(path.relative_to(ROOT)), made, update=update_goldens) == made, "run make goldens"


def test_the_page_on_metrics_lists_every_alert(update_goldens: bool) -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    rows = [
        f"| `{rule['alert']}` | {rule['labels']['severity']} | {rule.get('for', 'at once')} | "
        f"[{rule['annotations']['manual'].partition('#')[2].replace('-', ' ')}]"
        f"({rule['annotations']['manual'].removeprefix('docs/')}) |"
        for rule in rules
    ]
    made = "\n".join(["| alert | severity | after | see |", "| --- | --- | --- | --- |", *rows])

    assert is_generated(ROOT / "docs" / "metrics.md", "rules", made, update=update_goldens) == made, "run make goldens"


def leaves(shape: type[Struct], above: str = "STOREFRONT_") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting that a variable can set, by its variable."""
    for member in fields(shape):
        variable = above + member.encode_name.upper()
        inner = struct_of_type(member.type)
        if inner is None:
            yield (f"{variable}__…" if get_origin(member.type) is dict else variable), member
        elif get_origin(member.type) is not tuple:
            yield from leaves(inner, f"{variable}__")
        elif shape is Settings:
            yield from leaves(inner, f"{variable}__{STORE}__")


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
        names = f"`{variable}`, `{variable}_FILE`" if is_secret(member.type) else f"`{variable}`"
        made.append([names, _expected_words(member.type), without(member)])
    return made


def test_the_page_has_every_variable_with_what_it_wants(update_goldens: bool) -> None:
    made = table(["variable", "wants", "without it"], rows())

    assert is_generated(PAGE, "variables", made, update=update_goldens) == made, "run make goldens"


def test_each_variable_is_read(tmp_path: Path) -> None:
    """Whatever a setting says of such a value, it is not that there is no such setting."""
    path = tmp_path / "storefront.toml"
    path.write_text(settings_template(), encoding="utf-8")
    variables = [variable for variable, _ in leaves(Settings) if not variable.endswith("…")]
    with pytest.raises(SettingsInvalid) as raised:
        Settings.load(path, {**dict.fromkeys(variables, " "), "STOREFRONT_NOTHING": ""})
    told = str(raised.value)
    assert told.count("there is no such setting") == 1
    assert "STOREFRONT_NOTHING" in told
    assert sum(variable in told for variable in variables) > 30


@pytest.mark.slow
def test_the_steps_on_a_server_lead_to_a_program_that_the_unit_finds(tmp_path: Path) -> None:
    """In a folder in place of `/`; what pip would fetch is the program under test, linked where pip would put it."""
    (steps,) = [block.text for block in blocks(PAGE) if "venv /opt/" in block.text]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    install = f"/opt/storefront-mcp/bin/pip install storefront_mcp-{version}-py3-none-any.whl\n"
    assert install in steps, "the wheel that make wheel builds"
    for there in ("usr/local/bin", "etc/systemd/system", "opt"):
        (tmp_path / there).mkdir(parents=True)
    program = Path(sys.prefix) / "bin" / "storefront-mcp"
    here = (
        steps.replace(install, f"ln -s {program} /opt/storefront-mcp/bin/storefront-mcp\n")
        .replace("venv /opt", "venv --without-pip /opt")
        .replace(" deploy/", f" {DEPLOY}/")
    )
    here = re.sub(
        r"(?<= )/(opt|etc|usr)/|^/(opt|etc|usr)/", lambda at: f"{tmp_path}/{at[1] or at[2]}/", here, flags=re.MULTILINE
    )
    environment = {"PATH": f"{tmp_path}/usr/local/bin:/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path)}
    subprocess.run(["sh", "-euc", here], cwd=tmp_path, env=environment, check=True, capture_output=True)

    unit = (tmp_path / "etc/systemd/system/storefront-mcp.service").read_text(encoding="utf-8")
    started = re.search(r"^ExecStart=(\S+) serve --config %E(\S+)$", unit, re.MULTILINE)
    assert started is not None
    assert (tmp_path / started[1][1:]).exists()
    assert (tmp_path / "etc" / started[2][1:]).read_text(encoding="utf-8") == settings_template()
    assert stat.S_IMODE((tmp_path / "etc/storefront-mcp/secrets").stat().st_mode) == 0o700
    named = subprocess.run(
        ["storefront-mcp", "--version"], env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    assert named.stdout == f"storefront-mcp, version {version}\n"
