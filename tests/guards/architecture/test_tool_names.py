"""A tool is named by its phase alone: what documents, instructions and the console say of it stands in phase.toml."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from storefront_mcp.app import all_phases

ROOT = Path(__file__).parents[3]
TOOLS = sorted(promise.name for phase in all_phases() for promise in phase.manifest.tools)
NAMED = re.compile(rf"\b({'|'.join(TOOLS)})\b")
ROOMS = (
    *("cards", "storefront_mcp/mcp", "storefront_mcp/web", "storefront_mcp/console"),
    *("storefront_mcp/telemetry", "storefront_mcp/access", "storefront_mcp/calls"),
)


def texts(path: Path) -> Iterator[str]:
    """String constants of a module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_keeps_a_list_of_tools_by_hand(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    named = {
        (str(path.relative_to(ROOT)), found[1])
        for path in modules
        for text in texts(path)
        if (found := NAMED.search(text))
    }
    assert modules
    assert named == set()


def test_the_words_of_every_tool_are_about_that_tool_or_name_ones_that_are_promised() -> None:
    words = [promise.words for phase in all_phases() for promise in phase.manifest.tools]
    mentioned = {name for word in words for text in word.advice for name in re.findall(r"`(\w+)`", text)}
    assert mentioned <= {*TOOLS, "cart_id", "continue_url"}
