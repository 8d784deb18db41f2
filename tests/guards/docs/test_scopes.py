"""What the manuals list of scopes and limits is what there is."""

from pathlib import Path
from typing import get_args

from storefront_mcp.access.rate_limits import RuleName
from storefront_mcp.access.scopes import MERCHANT_API_SCOPES, READ_ONLY_API_KEY_SCOPES, SCOPES, STOREFRONT_SCOPES
from storefront_mcp.app import all_phases
from tests.guards.docs.markdown import is_generated, table

DOCS = Path(__file__).parents[3] / "docs"
MANUAL, AGENTS = DOCS / "operators.md", DOCS / "agents.md"


def test_the_manual_lists_every_scope_with_its_sets() -> None:
    section = MANUAL.read_text(encoding="utf-8").partition("### Scopes\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]
    sets = (MERCHANT_API_SCOPES, STOREFRONT_SCOPES, READ_ONLY_API_KEY_SCOPES)
    assert rows == [
        [f"`{scope.name}`", scope.allows, *("yes" if scope.name in names else "" for names in sets)] for scope in SCOPES
    ]


def test_agents_are_told_which_tools_take_a_scope(update_goldens: bool) -> None:
    guarded = [
        [f"`{promise.name}`", f"`{promise.scope}`", phase.name]
        for phase in all_phases()
        for promise in phase.manifest.tools
        if promise.scope is not None
    ]
    made = table(["Tool", "Takes the scope", "Phase"], guarded)

    assert is_generated(AGENTS, "guarded", made, update=update_goldens) == made, "run make goldens"


def test_agents_are_told_of_every_limit() -> None:
    section = AGENTS.read_text(encoding="utf-8").partition("### Limits\n")[2].partition("\n### ")[0]
    cells = {name for line in section.splitlines() if line.startswith("| `") for name in line.split("|")[1].split(", ")}

    assert {cell.strip(" `") for cell in cells} == set(get_args(RuleName))
