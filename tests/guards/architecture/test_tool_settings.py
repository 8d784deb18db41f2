"""The settings of our tools say what they should: reasons, pins, versions, one make target per kind of test."""

import json
import re
import subprocess
import tomllib

import pytest

from tests.guards.architecture.tree import ROOT, text
from tools.bootstrap.wheels import locked_uv

PYPROJECT = tomllib.loads(text("pyproject.toml"))
KINDS = ("conformance", "clients", "scanners", "browser", "faults", "fuzz")
TARGETS = (
    "run",
    "wheel",
    "test",
    "test-fast",
    "lint",
    "format",
    "types",
    "bench",
    "goldens",
    "medusa",
    "node",
    "debian",
    "help",
    "clean",
)


def test_the_supported_pythons_are_declared() -> None:
    prefix = "Programming Language :: Python :: 3."
    declared = [line.removeprefix(prefix) for line in PYPROJECT["project"]["classifiers"] if line.startswith(prefix)]

    assert declared == ["11", "12", "13", "14"]
    assert PYPROJECT["project"]["requires-python"] == ">=3.11"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py311"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == "3.11"


def test_every_ignored_rule_has_its_reason() -> None:
    section = text("pyproject.toml").partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8-type")[0]
    rules = re.findall(r'^\s+"[A-Z]+\d*",.*$', section, re.MULTILINE)

    assert PYPROJECT["tool"]["ruff"]["lint"]["select"] == ["ALL"]
    assert len(rules) == len(PYPROJECT["tool"]["ruff"]["lint"]["ignore"]) + sum(
        map(len, PYPROJECT["tool"]["ruff"]["lint"]["per-file-ignores"].values())
    )
    assert [rule for rule in rules if not re.search(r",\s+# \w", rule)] == []


def test_warnings_are_errors_and_coverage_is_held() -> None:
    assert PYPROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"][0] == "error"
    assert PYPROJECT["tool"]["mypy"]["strict"] is True
    assert PYPROJECT["tool"]["coverage"]["report"]["fail_under"] >= 95
    assert PYPROJECT["tool"]["coverage"]["run"]["branch"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_test_has_a_mark_and_a_target(kind: str) -> None:
    marks = [mark.partition(":")[0] for mark in PYPROJECT["tool"]["pytest"]["ini_options"]["markers"]]

    assert kind in marks
    assert re.search(rf"^KINDS\s+:=.*\b{kind}\b", text("Makefile"), re.MULTILINE)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_there_and_is_explained(target: str) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, check=True, text=True).stdout

    assert re.search(rf"^  make {target} +\w", listed, re.MULTILINE)


@pytest.mark.parametrize(
    ("folder", "kept"), [("tests/node", "devDependencies"), ("tests/external/medusa", "dependencies")]
)
def test_the_npm_packages_are_pinned_and_their_lock_names_no_place(folder: str, kept: str) -> None:
    manifest = json.loads(text(f"{folder}/package.json"))
    lock = json.loads(text(f"{folder}/package-lock.json"))["packages"]

    assert all(re.fullmatch(r"\d+\.\d+\.\d+(-alpha\.\d+)?", version) for version in manifest[kept].values())
    assert lock[""][kept] == manifest[kept]
    assert [name for name, package in lock.items() if "resolved" in package] == []
    assert [name for name, package in lock.items() if name and "integrity" not in package] == []
    assert text(f"{folder}/.npmrc").split() == ["omit-lockfile-registry-resolved=true"]


def test_uv_is_pinned_in_one_place() -> None:
    pinned = [line for line in PYPROJECT["dependency-groups"]["dev"] if line.startswith("uv")]

    assert pinned == [f"uv=={locked_uv(ROOT / 'uv.lock').version}"]
