"""`connect`: tell a person's own MCP client of a store."""

import datetime as dt
import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

import click

from cards.clients import CLIENTS, Client, client_named, slug, snippet
from storefront_mcp.cli.client_files import FileUnusable, Merged, Outcome, file_of, merge, this_system
from storefront_mcp.cli.starting import found
from storefront_mcp.cli.stops import Stopped

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What every client takes as a server's name."""
TOLD: Final[dict[Outcome, str]] = {
    "created": "Wrote {path} with {name} in it.",
    "added": "Added {name} to {path}.",
    "replaced": "Replaced what {path} said of {name}.",
    "unchanged": "{path} has {name} already; nothing was changed.",
}


@click.command(epilog=f"Clients: {', '.join(client.id for client in CLIENTS)}.")
@click.argument("client", metavar="CLIENT")
@click.option("--url", metavar="URL", help="The MCP endpoint, or the store's origin.  [default: the store set up here]")
@click.option(
    "--name", metavar="NAME", help="What the client calls it.  [default: the store's name, or the URL's host]"
)
@click.option("--write", is_flag=True, help="Put it into the client's own file, and keep a backup of that.")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), metavar="PATH", help="Another file than the usual one."
)
def connect(client: str, url: str | None, name: str | None, path: Path | None, *, write: bool) -> None:
    """Print what connects CLIENT to a store, or write it where CLIENT reads it."""
    chosen = client_named(client)
    if chosen is None:
        raise Stopped(f"There is nothing for {client!r} here; known are {', '.join(each.id for each in CLIENTS)}.")
    if name is not None and not NAME.fullmatch(name):
        raise Stopped(f"{name!r} cannot be a name: at most 64 letters, digits, hyphens and underscores.")
    named, address = _endpoint(url)
    name = name or named
    path = path or file_of(chosen, this_system(), os.environ, Path.home())
    if write:
        _tell(chosen, name, _merged(chosen, name, address, path))
        return
    click.echo(snippet(chosen, name, address))
    click.echo(f"\nThis goes into {path}; --write puts it there.", err=True)
    if chosen.command is not None:
        click.echo(f"The same in a terminal: {chosen.command(name, address)}", err=True)


def _endpoint(url: str | None) -> tuple[str, str]:
    """What to call the endpoint, and where it is."""
    if url is None:
        stores = found(None).settings.stores
        if len(stores) > 1:
            raise Stopped(f"There are several stores: add --url {' or --url '.join(shop.origin for shop in stores)}.")
        return slug(stores[0].name)[:64], f"{stores[0].origin}/mcp"
    parts = _parts(url)
    whole = parts._replace(path="/mcp") if parts.path in {"", "/"} else parts
    return slug(parts.hostname or "")[:64], whole.geturl()


def _parts(url: str) -> SplitResult:
    """An address that a client can use. Raises Stopped."""
    refused = Stopped(f"{url!r} is not an http or https URL.")
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


def _merged(client: Client, name: str, url: str, path: Path) -> Merged:
    try:
        return merge(client, name, url, path, now=lambda: dt.datetime.now(dt.UTC))
    except FileUnusable as unusable:
        advice = f"Put it in by hand: storefront-mcp connect {client.id} --url {url} --name {name}"
        raise Stopped(f"{unusable}\n{advice}") from None


def _tell(client: Client, name: str, merged: Merged) -> None:
    click.echo(TOLD[merged.outcome].format(path=merged.path, name=name))
    if merged.backup is not None:
        click.echo(f"As it was before: {merged.backup}")
    if merged.outcome != "unchanged":
        click.echo(f"Restart {client.name} to have it look.")
