"""The command line, `storefront-mcp COMMAND`: one module for each of the commands in `COMMANDS`."""

import storefront_mcp.cli.interrupts  # noqa: F401 -- before all that takes long to load

# isort: split
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem

from storefront_mcp.cli.groups import CommandGroup

COMMANDS: Final = {
    "init": "init:init_command",
    "serve": "serve:serve",
    "demo": "serve:demo",
    "demo-shop": "serve:demo_shop",
    "phases": "phases:phases",
    "stop": "emergency_stops:stop",
    "resume": "emergency_stops:resume",
    "checkouts": "checkouts:checkouts",
    "keys": "keys:keys",
    "customers": "customers:customers",
    "audit": "audit:audit",
    "alerts": "alerts:alerts",
    "catalogue": "catalogue:catalogue",
    "console": "console:console",
    "connect": "connect:connect",
    "doctor": "doctor:doctor",
    "completion": "completion:completion",
}
"""Module and function of each command, relative to this package."""


class LazyGroup(CommandGroup):
    """A group that imports a command's module at its first use, which keeps the start of `serve` short."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's form
        """Names of all commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            module, name = COMMANDS[cmd_name].split(":")
            self.add_command(getattr(import_module(f"{__name__}.{module}"), name), cmd_name)
        return super().get_command(ctx, cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completions of a word: command names, without importing the commands, and options."""
        names = [CompletionItem(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="storefront-mcp", prog_name="storefront-mcp")
def main() -> None:
    """Let AI agents find your shop, browse it and buy from it."""
