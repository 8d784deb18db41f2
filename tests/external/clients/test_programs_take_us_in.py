"""Command line agents of large vendors take the server in by their own commands, without a login."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.external.clients.environments import SILENT, environment
from tests.external.clients.programs import BIN

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(420)]

CLAUDE_CODE = "claude-code/node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"
CODEX = "codex/node_modules/@openai/codex/bin/codex.js"


def said(program: str, *words: str, home: Path) -> str:
    """What a program says in a home of its own."""
    name, _, within = program.partition("/")
    done = subprocess.run(
        [BIN / "node", environment(name) / within, *words],
        cwd=home,
        env={**SILENT, "HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("transport", "path"), [("http", "/mcp"), ("sse", "/mcp/sse")])
def test_claude_code_connects(demo: str, transport: str, path: str, tmp_path: Path) -> None:
    said(CLAUDE_CODE, "mcp", "add", "--transport", transport, "pickle", demo + path, home=tmp_path)
    (listed,) = [line for line in said(CLAUDE_CODE, "mcp", "list", home=tmp_path).splitlines() if "pickle" in line]
    assert listed.startswith(f"pickle: {demo}{path} ({transport.upper()})")
    assert listed.endswith("Connected")


def test_codex_takes_it_as_a_server_without_a_login(demo: str, tmp_path: Path) -> None:
    said(CODEX, "mcp", "add", "pickle", "--url", f"{demo}/mcp", home=tmp_path)
    (listed,) = json.loads(said(CODEX, "mcp", "list", "--json", home=tmp_path))
    assert (listed["name"], listed["enabled"], listed["auth_status"]) == ("pickle", True, "unsupported")
    assert listed["transport"]["url"] == f"{demo}/mcp"
