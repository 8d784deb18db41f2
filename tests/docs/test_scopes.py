"""The manual's table of scopes is the catalogue."""

from pathlib import Path

from storefront_mcp.calls.scopes import MERCHANT_API_SCOPES, READ_ONLY_API_KEY_SCOPES, SCOPES, STOREFRONT_SCOPES

MANUAL = Path(__file__).parents[2] / "docs" / "operators.md"


def test_the_manual_lists_every_scope_with_its_sets() -> None:
    section = MANUAL.read_text(encoding="utf-8").partition("### Scopes\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line]
    sets = (MERCHANT_API_SCOPES, STOREFRONT_SCOPES, READ_ONLY_API_KEY_SCOPES)
    assert rows == [
        [f"`{scope.name}`", scope.allows, *("yes" if scope.name in names else "" for names in sets)] for scope in SCOPES
    ]
