"""What commands about stores share: which store is meant, who is typing, and how answers are printed."""

import getpass
import os
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console
from rich.table import Table

from storefront_mcp.cli.starting import Found
from storefront_mcp.cli.stops import Stopped
from storefront_mcp.settings import StoreSettings

store_option = click.option("--store", metavar="ID", help="The store; needed where there are several.")
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
by_option = click.option("--by", metavar="NAME", help="Who does it.  [default: your login name]")


def stores_named(here: Found, wanted: str | None) -> Sequence[StoreSettings]:
    """The store of that id, or all. Raises Stopped."""
    stores = here.settings.stores
    chosen = [shop for shop in stores if wanted in {None, shop.id}]
    if not chosen:
        raise Stopped(f"There is no store {wanted}; {here.path} has {', '.join(shop.id for shop in stores)}.")
    return chosen


def only_store(here: Found, wanted: str | None) -> StoreSettings:
    """The one store that is meant. Raises Stopped where it could be several."""
    stores = stores_named(here, wanted)
    if len(stores) > 1:
        raise Stopped(f"There are several stores: add --store {' or --store '.join(shop.id for shop in stores)}.")
    return stores[0]


def doer(named: str | None) -> str:
    """Who does it: as named, or who is typing; containers may have no name for it."""
    if named:
        return named.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def print_json(value: object) -> None:
    """For programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(table: Table) -> None:
    """For people."""
    Console().print(table)
