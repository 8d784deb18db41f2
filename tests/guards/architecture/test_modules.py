"""How large a module is, and how it opens."""

import ast
import re

import pytest

from tests.guards.architecture.tree import files, parsed, shipped, text

MAX_MODULE_LINES = 400
MODULES = shipped(".py")


def test_there_are_modules_to_look_at() -> None:
    assert MODULES


def opens_badly(module: str) -> str:
    """What is wrong with the first paragraph of a module's docstring, or nothing."""
    first = (ast.get_docstring(parsed(module)) or "").partition("\n\n")[0].replace("\n", " ")
    if not first:
        return "no docstring"
    if not first.endswith((".", "!", "?")):
        return "not a sentence"
    return "more than one sentence" if re.search(r"[a-z)`][.!?] [A-Z]", first) else ""


def test_a_module_is_short_enough_to_read() -> None:
    ours = [name for name in files() if name.endswith(".py") and not name.startswith("tests/")]

    assert {name: lines for name in ours if (lines := text(name).count("\n")) > MAX_MODULE_LINES} == {}


@pytest.mark.slow
def test_a_module_opens_with_one_sentence_that_says_what_it_is_for() -> None:
    assert {module: complaint for module in MODULES if (complaint := opens_badly(module))} == {}
