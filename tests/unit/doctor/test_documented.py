"""The manual lists every check, and describes the report for programs."""

from storefront_mcp.doctor import ALL_CHECKS, AREAS
from tests.guards.docs.markdown import ROOT, is_generated, table

MANUAL = ROOT / "docs" / "operators.md"
GIVEN = {"shop": "settings", "settings": "settings", "file": "settings", "address": "URL", "cart": "`--cart`"}
"""What a person has to give for what a check needs."""


def checks() -> str:
    """A table of them, area by area."""
    rows = []
    for area, title in AREAS.items():
        inside = [one for one in ALL_CHECKS if one.area == area]
        for number, one in enumerate(inside):
            given = ", ".join(dict.fromkeys(GIVEN[need] for need in one.needs))
            rows.append([title if number == 0 else "", one.title, f"`{one.id}`", given])
    return table(["Area", "Asks", "Check", "Wants"], rows)


def test_the_table_of_checks_is_generated(update_goldens: bool) -> None:
    made = checks()

    assert is_generated(MANUAL, "checks", made, update=update_goldens) == made, "run pytest with --update-goldens"
