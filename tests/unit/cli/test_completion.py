"""`completion`: what it prints makes a shell complete our commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from storefront_mcp.cli import COMMANDS, main

BIN = Path(sys.executable).parent
SHELLS = ("bash", "zsh", "fish")


def completed(shell: str, words: str, last: str) -> list[str]:
    """What the program answers when the script of a shell asks."""
    fish = {"COMP_WORDS": words, "COMP_CWORD": last}
    others = {"COMP_WORDS": f"{words}{last}", "COMP_CWORD": str(len(words.split()))}
    answer = subprocess.run(
        [BIN / "storefront-mcp"],
        env={**os.environ, "_STOREFRONT_MCP_COMPLETE": f"{shell}_complete", **(fish if shell == "fish" else others)},
        capture_output=True,
        check=True,
        text=True,
    )
    return answer.stdout.replace(",", "\n").split()


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script_that_asks_the_program(shell: str) -> None:
    script = CliRunner().invoke(main, ["completion", shell])

    assert script.exit_code == 0
    assert f"_STOREFRONT_MCP_COMPLETE={shell}_complete" in script.stdout
    assert "storefront-mcp" in script.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_commands_and_options_are_completed(shell: str) -> None:
    assert "phases" in completed(shell, "storefront-mcp ", "ph")
    assert "--planned" in completed(shell, "storefront-mcp demo ", "--pl")
    assert "fish" in completed(shell, "storefront-mcp completion ", "f")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash on this machine")
def test_bash_completes_after_reading_its_script() -> None:
    lines = """
        eval "$(storefront-mcp completion bash)"
        COMP_WORDS=(storefront-mcp demo-) COMP_CWORD=1
        _storefront_mcp_completion storefront-mcp
        echo "${COMPREPLY[@]}"
    """
    answer = subprocess.run(
        ["bash", "-c", lines],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert answer.stdout.split() == ["demo-shop"]


@pytest.mark.slow
def test_a_name_is_completed_without_loading_a_command() -> None:
    look = (
        "import sys, click; from storefront_mcp.cli import main\n"
        "context = click.Context(main)\n"
        "print(*(item.value for item in main.shell_complete(context, '')))\n"
        "print('storefront_mcp.cli.serve' in sys.modules)"
    )
    names, loaded = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, check=True, text=True
    ).stdout.splitlines()

    assert names.split() == sorted(COMMANDS)
    assert loaded == "False"


def test_another_shell_is_refused_by_those_that_are_known() -> None:
    refused = CliRunner().invoke(main, ["completion", "tcsh"])

    assert refused.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in refused.output
