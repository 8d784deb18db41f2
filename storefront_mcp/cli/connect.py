"""`connect`: tell a person's own MCP client of a store."""

import datetime as dt
import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import click
from click.core import ParameterSource

from storefront_mcp.cards.clients import CLIENTS, ClientProfile, client_slug, client_snippet, find_client
from storefront_mcp.cli.client_files import FileUnusable, MergeResult, Outcome, merge, settings_path, this_system
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.options import choose_store, store_option
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.settings.program import command_line

NAME_PATTERN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every client takes as a server's name."""
OUTCOME_WORDS: Final[dict[Outcome, str]] = {
    "created": "Wrote {path} with {name} in it.",
    "added": "Added {name} to {path}.",
    "replaced": "Replaced what {path} said of {name}.",
    "unchanged": "{path} has {name} already; nothing was changed.",
}


@click.command(epilog=f"Clients: {', '.join(client.id for client in CLIENTS)}.")
@click.argument("client", metavar="CLIENT")
@click.option("--url", metavar="URL", help="The MCP endpoint, or the store's origin.  [default: the store set up here]")
@config_option
@store_option
@click.option(
    "--name", metavar="NAME", help="What the client calls it.  [default: the store's name, or the URL's host]"
)
@click.option("--write", is_flag=True, help="Put it into the client's own file, and keep a backup of that.")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), metavar="PATH", help="Another file than the usual one."
)
@click.pass_context
def connect(
    context: click.Context,
    /,
    client: str,
    url: str | None,
    name: str | None,
    path: Path | None,
    *,
    write: bool,
    **where: Any,  # noqa: ANN401 -- a path and a text
) -> None:
    """Print what connects CLIENT to a store, or write it where CLIENT reads it."""
    chosen = find_client(client)
    if chosen is None:
        known = [each.id for each in CLIENTS]
        meant = get_close_matches(client, known, n=1)
        advice = f"did you mean {meant[0]}? Known" if meant else "known"
        raise CommandFailed(f"There is nothing for {client!r} here; {advice} are {', '.join(known)}.")
    if url is not None and (where["store"] or _is_typed(context, "config")):
        raise CommandFailed("--url says where the endpoint is, and so do --config and --store: give one or the other.")
    if name is not None and not NAME_PATTERN.fullmatch(name):
        raise CommandFailed(f"{name!r} cannot be a name: at most 64 letters, digits, hyphens and underscores.")
    named, address = _endpoint(url) if url is not None else _endpoint_here(where["config"], where["store"])
    name = name or named
    path = path or settings_path(chosen, this_system(), os.environ, Path.home())
    if write:
        _tell(chosen, name, _merge(chosen, name, address, path))
        return
    click.echo(client_snippet(chosen, name, address))
    click.echo(f"\nThis goes into {path}; --write puts it there.", err=True)
    if chosen.command is not None:
        click.echo(f"The same in a terminal: {chosen.command(name, address)}", err=True)


def _is_typed(context: click.Context, option: str) -> bool:
    return context.get_parameter_source(option) is ParameterSource.COMMANDLINE


def _endpoint_here(config: Path | None, wanted: str | None) -> tuple[str, str]:
    """What to call the endpoint of a store that is set up here, and where it is."""
    _, store = choose_store(config, wanted)
    return client_slug(store.name)[:64], f"{store.origin}/mcp"


def _endpoint(url: str) -> tuple[str, str]:
    """What to call the endpoint, and where it is."""
    parts = _parts(url)
    whole = parts._replace(path="/mcp") if parts.path in {"", "/"} else parts
    return client_slug(parts.hostname or "")[:64], whole.geturl()


def _parts(url: str) -> SplitResult:
    """An address that a client can use. Raises CommandFailed."""
    refused = CommandFailed(f"{url!r} is not an http or https URL.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refused from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise refused
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise refused
    return parts


def _merge(client: ClientProfile, name: str, url: str, path: Path) -> MergeResult:
    try:
        return merge(client, name, url, path, now=lambda: dt.datetime.now(dt.UTC))
    except FileUnusable as unusable:
        by_hand = command_line("connect", client.id, "--url", url, "--name", name)
        raise CommandFailed(f"{unusable}\nPut it in by hand: {by_hand}") from None


def _tell(client: ClientProfile, name: str, merged: MergeResult) -> None:
    click.echo(OUTCOME_WORDS[merged.outcome].format(path=merged.path, name=name))
    if merged.backup is not None:
        click.echo(f"As it was before: {merged.backup}")
    if merged.outcome != "unchanged":
        click.echo(f"Restart {client.name} to have it look.")
