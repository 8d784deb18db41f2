"""Scanners of the MCP endpoint and of the catalog: audit-mcp and ard-publish."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.external.scanners.running import BIN

pytestmark = pytest.mark.scanners

EXPLAINED = (Path(__file__).parents[3] / "docs" / "scanners.md").read_text(encoding="utf-8")
LOST = {
    # More than seven tools: one task each is easier for a model than seven tools with modes. From fourteen on it is 62,
    # and 59 with tools that list and get the same thing.
    "tool_design": 59,
    # No output schemas: clients lost what an outline did not name.
    "desc_schema": 80,
    # All tools stand on one page of tools/list.
    "token": 70,
    # Prompts and resources count as coverage; points are missing even with both.
    "use_case": 70,
}
"""audit-mcp's pillars in which points are lost, with what is left at least."""
SCORES = {"cart": 82, "open": 82}
"""The least score before and after orders can be placed; docs/scanners.md says where the rest goes."""
FINDINGS = {
    # While nobody can sign in, no metadata is better than metadata that lies.
    "no OAuth discovery (.well-known missing)",
    # A customer's orders are listed by one tool, one of them is read by another.
    "1 clusters consolidables",
}


def audit(origin: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "audit-mcp", f"{origin}/mcp", "--json"], capture_output=True, text=True, check=False, timeout=90
    )


@pytest.mark.parametrize("state", SCORES)
def test_audit_mcp_gives_what_can_be_had_and_every_lost_point_is_explained(
    state: str, request: pytest.FixtureRequest
) -> None:
    found = json.loads(audit(request.getfixturevalue(f"{state}_shop")).stdout)
    lossy = {pillar: points for pillar, points in found["pillars"].items() if points < 100}

    assert {pillar for pillar, points in lossy.items() if points < LOST.get(pillar, 100)} == set(), lossy
    assert all(f"| `{pillar}` |" in EXPLAINED for pillar in lossy)
    assert {finding["measured"] for finding in found["findings"]} <= FINDINGS
    assert found["floor"] is None
    assert found["score"] >= SCORES[state], found["pillars"]


def test_audit_mcp_finds_a_planned_shop_closed_and_not_behind_a_login(planned_shop: str) -> None:
    finished = audit(planned_shop)

    assert finished.returncode == 2
    assert "503" in finished.stdout + finished.stderr
    assert "oauth" not in (finished.stdout + finished.stderr).lower()


def test_ard_publish_finds_the_catalog_publishable(shop: str, tmp_path: Path) -> None:
    """Only `validate`: the other commands call a remote index."""
    catalog = tmp_path / "catalog.json"
    catalog.write_bytes(httpx.get(f"{shop}/.well-known/ai-catalog.json").content)
    finished = subprocess.run(
        [BIN / "ard-publish", "validate", catalog], capture_output=True, text=True, check=False, timeout=60
    )

    assert finished.returncode == 0, finished.stdout
    assert finished.stdout.startswith("valid, publishable")
    assert "warning" not in finished.stdout.lower()
