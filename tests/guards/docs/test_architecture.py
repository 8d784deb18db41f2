"""docs/architecture.md: every folder has its line, the rule is that of the contracts, and the traces were recorded."""

import re
import tomllib
from typing import Any

import pytest

from tests.guards.architecture.tree import PACKAGE, files, text
from tests.guards.docs.markdown import ROOT, anchors, is_generated, table
from tools.trace_call import TRACES, by_package, run_trace

PAGE = ROOT / "docs" / "architecture.md"
OUTSIDE = {".ci", "docs", PACKAGE}
"""Folders that other pages explain, and the one whose packages are listed one by one."""
LINTER: dict[str, Any] = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]
(LAYERS,) = (contract for contract in LINTER["contracts"] if contract["type"] == "layers")


def packages() -> set[str]:
    """Packages and modules of the engine, with those that are folders of the tree."""
    inside = (re.match(rf"{PACKAGE}/(\w+)(?:/__init__)?\.py$", name) for name in files())
    return {found[1] for found in inside if found} - {"__init__"} | {"cards", "phases"}


def placed() -> list[set[str]]:
    """The packages of each layer, from the top."""
    return [set(layer.split(" | ")) for layer in LAYERS["layers"]]


def names(packages: list[str]) -> str:
    return ", ".join(f"`{name.removeprefix(f'{PACKAGE}.')}`" for name in packages)


def layers_table() -> str:
    rows = [[str(len(LAYERS["layers"]) - at), names(layer.split(" | "))] for at, layer in enumerate(LAYERS["layers"])]
    return table(["Layer", "Packages"], rows)


def contract_row(contract: dict[str, Any]) -> list[str]:
    """What a contract forbids to whom."""
    match contract["type"]:
        case "layers":
            rule = "the table above"
        case "protected":
            importers = names(contract["allowed_importers"])
            rule = f"{names(contract['protected_modules'])} may be imported by {importers} only"
        case "forbidden":
            rule = f"{names(contract['source_modules'])} may not import {names(contract['forbidden_modules'])}"
        case "acyclic_siblings":
            rule = f"no circle between the modules of any package of {names(contract['ancestors'])}"
        case other:
            pytest.fail(f"docs/architecture.md has no words for a contract of type {other}")
    return [contract["name"], rule]


def test_every_folder_has_one_line() -> None:
    listed = re.findall(r"^\| `([\w/.]+)/` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    top = {name.partition("/")[0] for name in files() if "/" in name}
    engine = {f"{PACKAGE}/{name}" for name in packages() - {"cards", "phases"} if (ROOT / PACKAGE / name).is_dir()}

    assert sorted(listed) == sorted(top - OUTSIDE | engine)


def test_every_package_has_a_place_in_the_rule() -> None:
    everywhere = [name for layer in placed() for name in layer]

    assert sorted(everywhere) == sorted(packages())
    assert LAYERS["exhaustive"] is True


def test_the_tables_of_the_rule_are_the_contracts(update_goldens: bool) -> None:
    for name, made in (
        ("layers", layers_table()),
        ("contracts", table(["Contract", "Rule"], [contract_row(contract) for contract in LINTER["contracts"]])),
    ):
        assert is_generated(PAGE, name, made, update=update_goldens) == made, "run make goldens"


@pytest.mark.slow
@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_what_the_script_records(name: str, update_goldens: bool) -> None:
    rows = [[f"`{package}`", f"`{entry}`", modules] for package, entry, modules in by_package(run_trace(name))]
    made = table(["Package", "Enters at", "Modules"], rows)

    assert is_generated(PAGE, name, made, update=update_goldens) == made, "run make goldens"


def test_what_pyproject_refers_to_is_there() -> None:
    written = text("pyproject.toml")
    pages = set(re.findall(r"(?<![\w./])((?:docs/)?[\w-]+\.md)\b", written))

    assert {page for page in pages if not (ROOT / page).is_file()} == set()
    assert "the dependency rule of docs/architecture.md" in written
    assert "the-dependency-rule" in anchors(PAGE)
    for number in re.findall(r"\bADR (\d+)", written):
        assert list((ROOT / "docs" / "adr").glob(f"{int(number):04}-*.md")), f"there is no ADR {number}"
