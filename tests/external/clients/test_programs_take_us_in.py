"""Command line agents of large vendors take the server in by their own commands."""

import json
import os
import signal
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.external.clients.environments import SILENT, environment
from tests.external.clients.programs import BIN
from tests.programs import NODE

pytestmark = [pytest.mark.clients, pytest.mark.slow, pytest.mark.timeout(420)]

CLAUDE_CODE = "claude-code/node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"
CODEX = "codex/node_modules/@openai/codex/bin/codex.js"


def command(program: str, *words: str) -> list[str | Path]:
    """The command that runs a program."""
    name, _, within = program.partition("/")
    return [NODE, environment(name) / within, *words]


def home_of(folder: Path) -> dict[str, str]:
    """Variables of a program whose home is this folder."""
    return {**SILENT, "HOME": str(folder), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def said(program: str, *words: str, home: Path) -> str:
    """What a program says in a home of its own."""
    done = subprocess.run(
        command(program, *words),
        cwd=home,
        env=home_of(home),
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


def test_codex_adds_the_server_and_asks_its_person_to_sign_in(demo: str, tmp_path: Path) -> None:
    """Its client is described by a document on a public host, so that the sign-in cannot be ended in here."""
    with subprocess.Popen(
        command(CODEX, "mcp", "add", "pickle", "--url", f"{demo}/mcp"),
        cwd=tmp_path,
        env={**home_of(tmp_path), "BROWSER": "true"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as adding:
        assert adding.stdout is not None
        address = next(line for line in adding.stdout if "/oauth/authorize?" in line).strip()
        # The program is a child of the command, and waits for its person.
        os.killpg(adding.pid, signal.SIGKILL)
    asked = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{demo}/oauth/authorize?")
    assert (asked["resource"], asked["scope"]) == (f"{demo}/mcp", "profile:read orders:read orders:write checkout")
    (listed,) = json.loads(said(CODEX, "mcp", "list", "--json", home=tmp_path))
    assert (listed["name"], listed["enabled"], listed["auth_status"]) == ("pickle", True, "not_logged_in")
    assert listed["transport"]["url"] == f"{demo}/mcp"
