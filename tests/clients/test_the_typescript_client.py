"""The TypeScript client shops, in each of its ways to agree on a version, and checks results against our schemas."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.clients.matrix import modes
from tests.clients.programs import BIN
from tests.clients.shopping import TOOLS, check

pytestmark = pytest.mark.clients

JOURNEY = Path(__file__).with_name("journey.mjs")


@pytest.mark.parametrize(("mode", "version"), modes(__file__).items(), ids=["as it comes", "auto", "pinned"])
def test_the_typescript_client_shops(node_tools: Path, demo: str, mode: tuple[str, ...], version: str) -> None:
    done = subprocess.run(
        [BIN / "node", JOURNEY, f"{demo}/mcp", *mode], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["version"] == version
    assert set(told["tools"]) == TOOLS
    check(told["story"])
    assert "totals" in told["complaint"], "the client did not check a result against its schema"
