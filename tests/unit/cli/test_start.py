"""What a start does not wait for, and that it is there when it is asked for."""

import subprocess
import sys

import click
import pytest

from storefront_mcp.cli import COMMANDS, main

UNNEEDED = set(
    "aiohttp aiosmtplib babel bs4 cryptography jwt markdownify rich storefront_mcp.demo.shop tomlkit".split()
)
"""Tables, editors, mail, languages, a second HTTP client and HTML parser, signatures, and the demo's catalogue."""


@pytest.mark.slow
def test_a_server_loads_only_what_it_serves_with() -> None:
    look = f"import sys, storefront_mcp.cli.serve; print(*(sys.modules.keys() & set({sorted(UNNEEDED)!r})))"
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert found.stdout.split() == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_found_by_its_name(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str()


def test_what_is_no_command_is_not_found() -> None:
    assert main.get_command(click.Context(main), "sell") is None
