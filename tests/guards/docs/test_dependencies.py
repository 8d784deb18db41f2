"""docs/dependencies.md names every private part of a library that we use, and each is bounded to what was tested."""

import ast
import importlib
import inspect
import re
import tomllib
from importlib.metadata import version
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from storefront_mcp.cli.http_protocol import TESTED_UVICORN
from tests.guards.architecture.tree import shipped, text
from tests.guards.docs.markdown import ROOT

PAGE = ROOT / "docs" / "dependencies.md"
UNDOCUMENTED = ("uvicorn.protocols", "uvicorn.supervisors")
"""Modules that are private without being called so."""
ROW = re.compile(r"\| `([\w-]+)` \| ([\d.]+) \| `([\w.]+)` \| ([^|]+) \| [^|]+ \|")
LIBRARIES = {"uvicorn", "httpx", "aiohttp", "prometheus_client", "stripe"}


def rows() -> list[tuple[str, str, str, str]]:
    """Library, version, private part and file, one by one."""
    found = [match.groups() for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    return [
        (library, tested, part, file) for library, tested, part, files in found for file in re.findall("`(.+?)`", files)
    ]


def private_imports(tree: ast.AST) -> set[str]:
    """Modules of the libraries that are private by name, or undocumented; also those named in a text."""
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"\w+(\._?\w+)+", node.value)
    }
    return {
        name
        for name in named
        if name.partition(".")[0] in LIBRARIES and (name.startswith(UNDOCUMENTED) or "._" in name)
    }


def foreign_attributes(tree: ast.AST, known: set[str]) -> set[str]:
    """Private attributes that are read of something else than `self` and that this source never defines."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and re.fullmatch(r"_[a-z]\w*", node.attr)
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
        and node.attr not in known | {"_replace", "_asdict", "_fields"}  # Documented, of named tuples.
    }


def defined(tree: ast.AST) -> set[str]:
    """Names that a source gives itself: methods, and attributes of `self` and of classes."""
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    fields = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    stored = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return functions | fields | stored


def inherited_parts(module: ModuleType) -> set[str]:
    """Private names that classes of ours share with a base class of one of the libraries."""
    found = set()
    for kind in vars(module).values():
        if not inspect.isclass(kind) or kind.__module__ != module.__name__:
            continue
        bases = [base for base in kind.__mro__ if base.__module__.partition(".")[0] in LIBRARIES]
        if not bases:
            continue
        mine = set(re.findall(r"(?:self\.|super\(\)\.|def )(_[a-z]\w*)", inspect.getsource(module)))
        theirs = "\n".join(inspect.getsource(inspect.getmodule(base) or module) for base in bases)
        found |= {name for name in mine if re.search(rf"(?:self\.|def ){name}\b", theirs)}
    return found


def used() -> set[tuple[str, str]]:
    """Every private part in use, with its file."""
    found = set()
    for file in shipped(".py"):
        tree = ast.parse(text(file))
        parts = private_imports(tree)
        if LIBRARIES & set(re.findall(r"^(?:import|from) (\w+)", text(file), re.MULTILINE)):
            parts |= foreign_attributes(tree, defined(tree))
            parts |= inherited_parts(importlib.import_module(file.removesuffix(".py").replace("/", ".")))
        found |= {(part, file) for part in parts}
    return found


@pytest.mark.slow
def test_every_private_part_is_listed_and_every_listed_one_is_used() -> None:
    assert used() == {(part, file) for _, _, part, file in rows()}


@pytest.mark.parametrize("library", sorted({row[0] for row in rows()}))
def test_what_is_used_was_tested_with_the_version_that_is_installed(library: str) -> None:
    tested = {row[1] for row in rows() if row[0] == library}
    assert tested == {".".join(version(library).split(".")[:2])}


def test_every_dependency_has_an_upper_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(one for more in project["optional-dependencies"].values() for one in more)]
    for one in map(Requirement, asked):
        assert any(bound.operator in {"<", "=="} for bound in one.specifier), f"{one} has no upper bound"
    for library, tested, *_ in rows():
        (bounded,) = [one for one in map(Requirement, asked) if one.name == library]
        major, minor = map(int, tested.split("."))
        assert not bounded.specifier.contains(f"{major}.{minor + 1}.0")


def test_uvicorn_is_the_one_that_the_server_asks_for() -> None:
    assert {row[1] for row in rows() if row[0] == "uvicorn"} == {TESTED_UVICORN}
