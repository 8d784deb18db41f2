"""A scanner gives a shop behind a proxy the marks that it gives it without one."""

from pathlib import Path

import pytest

from tests.external.deploy.conftest import Placed
from tests.external.scanners.running import node

pytestmark = pytest.mark.scanners

OF_ITS_OWN = pytest.mark.parametrize(
    "placed", [("nginx", "subdomain"), ("caddy", "subdomain")], indirect=True, ids=lambda proxied: proxied[0]
)


@OF_ITS_OWN
def test_agent_readiness_gives_full_marks(placed: Placed, node_tools: Path, tmp_path: Path) -> None:
    scanner = node_tools / "agent-readiness" / "bin" / "agent-ready.mjs"
    printed = node(scanner, placed.front.origin, cwd=tmp_path).stdout
    assert "100/100" in printed, printed
