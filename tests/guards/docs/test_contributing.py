"""CONTRIBUTING.md is walked: each file is there with what the page says is in it, its code works, its commands run."""

import ast
import importlib
import re
import subprocess
import tomllib
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.database.tables import usage
from storefront_mcp.mcp.versions import MODERN_VERSIONS, ProtocolVersion
from storefront_mcp.telemetry.metrics import LABELS, MetricDefinition
from tests.guards.architecture.tree import ROOT, files, text
from tests.guards.docs.markdown import CONTRIBUTING, SECURITY, blocks

PLACES = r"(?:cards|docs|phases|storefront_mcp|tests|tools)/[\w./-]*"
NAMED = re.compile(
    rf"(?P<new>\bnew\s+(?:file|folder)\s+)?`(?P<path>{PLACES})`(?:\s+\((?P<names>`\w+`(?:,\s+`\w+`)*)\))?"
)
GUIDED = ("tool", "document", "backend", "protocol version", "payment provider", "setting", "table", "metric", "error")
SAMPLES = {
    "storefront_mcp/mcp/versions.py": "2027-01-15",
    "storefront_mcp/database/tables/": "REVIEWS",
    "storefront_mcp/telemetry/metrics.py": "REVIEWS",
    "storefront_mcp/commerce/errors.py": "ReviewsUnavailable",
}
"""Where the page shows what something new looks like, and what it is called there."""


def section(title: str) -> str:
    """The text of a subsection, code included."""
    _, found, rest = CONTRIBUTING.read_text(encoding="utf-8").partition(f"\n### {title}\n")
    assert found, f"there is no section {title}"
    return re.split(r"^##+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def defined(path: str) -> set[str]:
    """The names on the top level of a module, and of the functions that it defines anywhere."""
    tree = ast.parse(text(path))
    found = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def shown(path: str) -> dict[str, Any]:
    """What a block of code for that place defines, where its module's own names are known."""
    (block,) = [one for one in blocks(CONTRIBUTING) if one.text.startswith(f"# in {path}\n")]
    module = usage if path.endswith("/") else importlib.import_module(path.removesuffix(".py").replace("/", "."))
    names = {**vars(sa), **vars(module), "__name__": "contributing"}
    if path.endswith("/"):
        names["METADATA"] = sa.MetaData()
    exec(compile(block.text, str(CONTRIBUTING), "exec"), names)
    return names


@pytest.mark.parametrize(
    "page",
    [CONTRIBUTING, SECURITY, ROOT / "tests" / "README.md", ROOT / "docs" / "architecture.md"],
    ids=lambda page: page.name,
)
def test_every_file_that_is_named_is_there_with_what_is_in_it(page: Any) -> None:
    for found in NAMED.finditer(page.read_text(encoding="utf-8")):
        path = ROOT / found["path"]
        assert path.exists() is not bool(found["new"]), found[0]
        if found["new"]:
            assert path.parent.is_dir(), found[0]
        if found["names"]:
            assert set(re.findall(r"\w+", found["names"])) <= defined(found["path"]), found[0]


@pytest.mark.parametrize("subject", GUIDED)
def test_whatever_is_new_has_its_steps_and_the_test_that_finds_what_was_forgotten(subject: str) -> None:
    steps = section(f"{'An' if subject == 'error' else 'A'} {subject}")
    _, found, proof = re.sub(r"\s", " ", steps).rpartition(" Test: ")

    assert re.search(r"^1\. \w", steps, re.MULTILINE)
    assert found
    assert re.search(r"`tests/[\w/.]+`", proof)


def test_every_block_of_code_is_of_a_place_that_is_walked() -> None:
    places = {found[1] for one in blocks(CONTRIBUTING) if (found := re.match(r"# in (\S+)\n", one.text))}

    assert {block.language for block in blocks(CONTRIBUTING)} <= {"console", "python"}
    assert places == set(SAMPLES)
    assert len([block for block in blocks(CONTRIBUTING) if block.language == "python"]) == len(SAMPLES)


def test_the_version_that_is_shown_is_one_and_differs_from_the_newest_by_its_date_alone() -> None:
    (block,) = [one for one in blocks(CONTRIBUTING) if "ProtocolVersion(" in one.text]
    version = eval(compile(block.text, str(CONTRIBUTING), "eval"), {"ProtocolVersion": ProtocolVersion})
    newest = list(MODERN_VERSIONS.values())[-1]

    assert version.id == SAMPLES["storefront_mcp/mcp/versions.py"] not in MODERN_VERSIONS
    assert msgspec.structs.replace(version, id=newest.id) == newest


def test_the_table_that_is_shown_can_be_created() -> None:
    made = shown("storefront_mcp/database/tables/")["REVIEWS"]
    engine = sa.create_engine("sqlite://")
    try:
        made.metadata.create_all(engine)
        assert sa.inspect(engine).get_table_names() == ["reviews"]
    finally:
        engine.dispose()


def test_the_metric_that_is_shown_is_one() -> None:
    metric = shown("storefront_mcp/telemetry/metrics.py")["REVIEWS"]

    assert isinstance(metric, MetricDefinition)
    assert set(metric.labels) <= set(LABELS)


def test_the_error_that_is_shown_can_be_raised() -> None:
    error = shown("storefront_mcp/commerce/errors.py")["ReviewsUnavailable"]

    assert issubclass(error, ShopError)
    assert error("PAD-2").code == "reviews_unavailable"
    assert "PAD-2" in str(error("PAD-2"))


@pytest.mark.slow
def test_the_command_that_runs_one_test_runs_it() -> None:
    (block,) = [one for one in blocks(CONTRIBUTING) if one.language == "console"]
    commands = re.findall(r"^\$ (.+)$", block.text, re.MULTILINE)

    assert len(commands) == 2
    for command in commands:
        program, *arguments = command.split()
        assert program == ".venv/bin/python"
        done = subprocess.run(
            [ROOT / program, *arguments, "-q", "-p", "no:cacheprovider"],
            cwd=ROOT,
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


def test_every_folder_and_every_mark_of_the_tests_is_explained() -> None:
    page = text("tests/README.md")
    folders = {name.split("/")[1] for name in files() if name.startswith("tests/") and name.count("/") > 1}
    marks = tomllib.loads(text("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]

    assert set(re.findall(r"^\| `tests/(\w+)/` \|", page, re.MULTILINE)) == folders
    assert re.findall(r"^\| `([\w(), .]+)` \| (.+) \|$", page.partition("| Mark |")[2], re.MULTILINE) == [
        tuple(mark.split(": ", 1)) for mark in marks
    ]
