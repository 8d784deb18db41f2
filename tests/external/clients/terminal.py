"""Programs that want a pseudo-terminal."""

import os
import pty
import select
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.external.clients.environments import environment
from tests.programs import NODE

PATIENCE = 300


def sign_in_by_claude_code(url: str, variables: Mapping[str, str], home: Path) -> list[str]:
    """Add the shop to Claude Code as `shop`, and sign a person in there; what its commands showed."""
    program = environment("claude-code") / "node_modules" / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"
    commands = (("add", "--transport", "http", "shop", url), ("login", "shop"), ("list",))
    shown = []
    for command in commands:
        code, said = run_at_terminal([NODE, program, "mcp", *command], variables, home)
        assert code == 0, said
        shown.append(said)
    return shown


def run_at_terminal(
    command: Sequence[str | os.PathLike[str]], variables: Mapping[str, str], folder: Path
) -> tuple[int, str]:
    """Run a program at a pseudo-terminal; its exit code, and what it has shown."""
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [*map(str, command)],
        cwd=folder,
        env=variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = bytearray()
    try:
        # EIO: nobody has the other end any more.
        with suppress(OSError):
            while select.select([ours], [], [], PATIENCE)[0] and (read := os.read(ours, 65_536)):
                shown += read
        return program.wait(PATIENCE), shown.decode(errors="replace")
    finally:
        program.kill()
        program.wait()
        os.close(ours)
