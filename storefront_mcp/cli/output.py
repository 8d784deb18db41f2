"""What servers print for whoever watches them."""

import contextlib

import click


def print_line(text: str, *, err: bool = False) -> None:
    """Print, as `click.echo`; a server goes on where nobody can read it: a full disk, a closed terminal or pipe."""
    with contextlib.suppress(OSError):
        click.echo(text, err=err)
