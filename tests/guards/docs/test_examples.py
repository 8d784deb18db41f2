"""The examples in docstrings are executed."""

import doctest
import importlib

import pytest

from tests.guards.architecture.tree import shipped, text


def module_name(path: str) -> str:
    """As it is imported: cards and phases by their places below the package."""
    below = path if path.startswith("storefront_mcp/") else f"storefront_mcp/{path}"
    return below.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


WITH_EXAMPLES = [path for path in shipped(".py") if ">>> " in text(path)]


def test_there_are_examples() -> None:
    assert WITH_EXAMPLES


@pytest.mark.parametrize("path", WITH_EXAMPLES)
def test_the_examples_of_a_module_give_what_they_say(path: str) -> None:
    outcome = doctest.testmod(importlib.import_module(module_name(path)))

    assert outcome.attempted
    assert not outcome.failed
