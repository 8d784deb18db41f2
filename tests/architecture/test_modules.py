"""How large a module is, how it opens and how things in it are named."""

import ast
import re

import pytest

from tests.architecture.tree import definitions, files, parsed, shipped, text, words

LONGEST = 400
NAMES_THAT_SAY_NOTHING = frozenset(
    {
        *("util", "helper", "common", "misc", "manager", "service", "handler"),
        *("base", "core", "data", "info", "process", "wrapper"),
    }
)
CHOSEN_BY_OTHERS = {"data_received": "asyncio.Protocol"}
"""Name → the library or specification that calls a thing so, where ours must match."""
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

    assert {name: lines for name in ours if (lines := text(name).count("\n")) > LONGEST} == {}


@pytest.mark.slow
def test_a_module_opens_with_one_sentence_that_says_what_it_is_for() -> None:
    assert {module: complaint for module in MODULES if (complaint := opens_badly(module))} == {}


def test_names_say_what_a_thing_is() -> None:
    named = [(module, name) for module in MODULES for name in definitions(module) if name not in CHOSEN_BY_OTHERS]

    assert [(module, name) for module, name in named if words(name) & NAMES_THAT_SAY_NOTHING] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("http_helpers", {"helper"}),
        ("CartManager", {"manager"}),
        ("HTTPHandler", {"handler"}),
        ("process_order", {"process"}),
        ("processes", {"process"}),
        ("database", set()),
        ("metadata", set()),
        ("Database", set()),
        ("information", set()),
    ],
)
def test_only_whole_words_count(name: str, found: set[str]) -> None:
    assert words(name) & NAMES_THAT_SAY_NOTHING == found
