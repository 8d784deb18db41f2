"""`completion`: print a shell's completion script."""

from typing import Final

import click
from click.shell_completion import get_completion_class

PROGRAM: Final = "storefront-mcp"
VARIABLE: Final = "_STOREFRONT_MCP_COMPLETE"
"""The environment variable by which the script calls click's completion."""
SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what lets your shell complete commands and options.

    \b
    bash   eval "$(storefront-mcp completion bash)"            in ~/.bashrc
    zsh    eval "$(storefront-mcp completion zsh)"             in ~/.zshrc, after compinit
    fish   storefront-mcp completion fish | source             in ~/.config/fish/config.fish
    """  # noqa: D301 -- click's mark, not a backslash
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"This version of click completes nothing for {shell}.")
    click.echo(script(click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE).source())
