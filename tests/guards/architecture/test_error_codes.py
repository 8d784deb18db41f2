"""Errors are told by stable codes: each has one of its own, and no class name reaches what others read."""

import ast
import re
from collections import Counter

import pytest

import storefront_mcp.access.credentials
import storefront_mcp.mcp.errors
import storefront_mcp.tools.tool_context  # noqa: F401 -- so that every error is defined
from storefront_mcp.commerce.error_codes import CANCELLED, INTERNAL_ERROR, CodedError, error_code, error_name
from storefront_mcp.commerce.errors import OutOfStock, ShopError
from storefront_mcp.records.outcomes import FORMER_OUTCOMES, current_outcome
from tests.guards.architecture.tree import ROOT

CODE = re.compile(r"[a-z]+(_[a-z]+)*")
NAMES_A_CLASS = {"error_codes.py:error_name"}
"""The one function that reads the class name of an exception: for log lines, and only where it is a library's."""


def every_error(root: type[CodedError] = CodedError) -> set[type[CodedError]]:
    """Every error of the engine that has no kinds below it, and those that are raised themselves."""
    below = {kind for kind in root.__subclasses__() if kind.__module__.startswith("storefront_mcp.")}
    return below.union(*map(every_error, below))


def test_every_error_has_a_code_of_its_own() -> None:
    roots = {kind for kind in every_error() if CodedError in kind.__bases__ and kind.__subclasses__()}
    codes = Counter(vars(kind)["code"] for kind in every_error() - roots)

    assert len(codes) > 35
    assert ShopError in roots
    assert set(codes.values()) == {1}
    assert all(CODE.fullmatch(code) for code in codes)
    assert CANCELLED not in codes


@pytest.mark.parametrize(
    ("error", "code", "name"),
    [
        (OutOfStock("PAD-2"), "out_of_stock", "out_of_stock"),
        (ConnectionResetError(), INTERNAL_ERROR, "ConnectionResetError"),
        (KeyboardInterrupt(), CANCELLED, "KeyboardInterrupt"),
    ],
)
def test_what_has_no_code_is_a_fault_of_ours_or_was_ended_from_outside(
    error: BaseException, code: str, name: str
) -> None:
    assert (error_code(error), error_name(error)) == (code, name)


def test_older_records_are_told_by_codes_that_exist() -> None:
    known = {kind.code for kind in every_error() if "code" in vars(kind)} | {CANCELLED}

    assert set(FORMER_OUTCOMES.values()) <= known
    assert current_outcome("OutOfStock") == "out_of_stock"
    assert current_outcome("KeyError") == INTERNAL_ERROR
    assert {current_outcome(kept) for kept in ("ok", "503", "-32602", "out_of_stock")} == {
        "ok",
        "503",
        "-32602",
        "out_of_stock",
    }


def class_names_read(source: str, file: str) -> set[str]:
    """Where a source reads `__name__` of a type or of a class that is an error's, as file:function."""
    found = set()
    errors = {kind.__name__ for kind in every_error()}
    for scope in ast.walk(ast.parse(source)):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(scope):
            if not isinstance(node, ast.Attribute) or node.attr not in {"__name__", "__qualname__"}:
                continue
            of = node.value
            is_type = isinstance(of, ast.Call) and isinstance(of.func, ast.Name) and of.func.id == "type"
            is_class = isinstance(of, ast.Attribute) and of.attr == "__class__"
            is_error = isinstance(of, ast.Name | ast.Attribute) and ast.unparse(of).rpartition(".")[2] in errors
            if is_type or is_class or is_error:
                found.add(f"{file}:{scope.name}")
    return found


@pytest.mark.slow
def test_no_class_name_of_an_error_is_told() -> None:
    found = set()
    for package in ("storefront_mcp", "cards", "phases"):
        for path in sorted((ROOT / package).rglob("*.py")):
            found |= class_names_read(path.read_text(encoding="utf-8"), path.name)

    assert found == NAMES_A_CLASS


@pytest.mark.parametrize("told", ["type(error).__name__", "error.__class__.__qualname__", "errors.OutOfStock.__name__"])
def test_the_guard_sees_every_way_to_read_one(told: str) -> None:
    assert class_names_read(f"def tell(error):\n    return {told}\n", "here.py") == {"here.py:tell"}
