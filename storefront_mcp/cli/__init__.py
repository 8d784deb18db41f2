"""The command line, `storefront-mcp COMMAND`: one module for each of the commands in `COMMANDS`."""

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "init": "starting:init",
    "serve": "serving:serve",
    "demo": "serving:demo",
    "demo-shop": "serving:demo_shop",
    "phases": "phases:phases",
    "checkouts": "checkouts:checkouts",
    "keys": "keys:keys",
    "audit": "audit:audit",
    "console": "console:console",
    "connect": "connecting:connect",
    "doctor": "doctor:doctor",
}
"""Where each command is, from here."""


class Commands(click.Group):
    """Loads a command when it is asked for: a server has no use for what prints tables and edits files."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's form
        """Their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None when there is none."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module, name = COMMANDS[cmd_name].split(":")
            self.add_command(getattr(import_module(f"{__name__}.{module}"), name), cmd_name)
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="storefront-mcp", prog_name="storefront-mcp")
def main() -> None:
    """Let AI agents find your shop, browse it and buy from it."""
