"""The TypeScript client shops, in each of its ways to agree on a version."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.external.clients.matrix import Client, beside
from tests.external.clients.shopping import TOOLS, check
from tests.programs import NODE

pytestmark = pytest.mark.clients

JOURNEY = Path(__file__).with_name("journey.mjs")


@pytest.mark.parametrize("client", beside(__file__), ids=lambda client: client.id)
def test_the_typescript_client_shops(node_tools: Path, demo: str, client: Client) -> None:
    words = [NODE, JOURNEY, demo + client.path, *client.arguments]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["version"] == client.speaks
    assert set(told["tools"]) == TOOLS
    check(told["story"])
