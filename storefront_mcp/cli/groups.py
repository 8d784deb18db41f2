"""Command groups with suggestions for mistyped names and whole summaries."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import click

MAX_SUMMARY_CHARS: Final = 1_000
"""More than any summary has, so that click cuts none."""


class CommandGroup(click.Group):
    """A group whose help shows whole summaries, and whose errors suggest a similar command."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with its summary."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, one.get_short_help_str(MAX_SUMMARY_CHARS)) for name, one in commands if one and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's. Raises click.UsageError with a suggestion for an unknown command."""
        typed = args[0]
        if not ctx.resilient_parsing and not typed.startswith("-") and self.get_command(ctx, typed) is None:
            suggestions = self._suggestions(ctx, typed)
            advice = (
                f"Did you mean {' or '.join(suggestions)}?"
                if suggestions
                else f"There are {', '.join(self.list_commands(ctx))}."
            )
            raise click.UsageError(f"There is no command {typed!r}. {advice}", ctx)
        return super().resolve_command(ctx, args)

    def _suggestions(self, ctx: click.Context, typed: str) -> list[str]:
        """Similar names: of this group, or of a subgroup with its path."""
        nested = {f"{group} {name}": name for group, name in self._nested_names(ctx)}
        return (
            [path for path, name in nested.items() if name == typed]
            or get_close_matches(typed, self.list_commands(ctx), n=2)
            or [path for path, name in nested.items() if get_close_matches(typed, [name])]
        )

    def _nested_names(self, ctx: click.Context) -> Iterator[tuple[str, str]]:
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if isinstance(command, click.Group):
                yield from ((name, inner) for inner in command.list_commands(ctx))
