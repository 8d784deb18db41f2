"""Shared options of commands: the store, the operator's name, JSON output."""

import datetime as dt
import getpass
import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click
import msgspec

from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.output import print_line
from storefront_mcp.cli.settings_file import LoadedSettings, load_settings
from storefront_mcp.settings import StoreSettings

store_option = click.option("--store", metavar="ID", help="The store; needed where there are several.")
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
by_option = click.option("--by", metavar="NAME", help="Who does it.  [default: your login name]")


class MomentParameter(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.5 on
    """A date and time with an offset, in ISO 8601."""

    name = "TIME"

    def convert(
        self, value: str | dt.datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        """The moment. Raises click.BadParameter."""
        try:
            moment = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(
                f"wants a date and time with an offset, such as 2027-02-01T09:00:00+10:00; got {value!r}.", param, ctx
            )
        return moment


at_option = click.option(
    "--at", type=MomentParameter(), help="At this moment, instead of now: a running server does it."
)


def choose_stores(config: Path | None, wanted: str | None) -> tuple[LoadedSettings, Sequence[StoreSettings]]:
    """Load the settings, select the store or all, and print which they are. Raises CommandFailed."""
    here = load_settings(config)
    stores = select_stores(here, wanted)
    say_where(here, stores)
    return here, stores


def choose_store(config: Path | None, wanted: str | None) -> tuple[LoadedSettings, StoreSettings]:
    """As `choose_stores`, for exactly one store. Raises CommandFailed."""
    here = load_settings(config)
    store = only_store(here, wanted)
    say_where(here, [store])
    return here, store


def say_where(here: LoadedSettings, stores: Sequence[StoreSettings]) -> None:
    """Print to stderr which stores, settings and database a command uses."""
    names = f"{'Store' if len(stores) == 1 else 'Stores'} {', '.join(store.id for store in stores)}"
    demo = " of a demo" if here.is_demo else ""
    database = here.settings.database
    there = "" if here.has_database else " (not there yet)"
    print_line(f"{names}{demo}: settings {here.path.absolute()}, database {database.shown}{there}", err=True)


def select_stores(here: LoadedSettings, wanted: str | None) -> Sequence[StoreSettings]:
    """The store of that id, or all. Raises CommandFailed."""
    stores = here.settings.stores
    chosen = [shop for shop in stores if wanted in {None, shop.id}]
    if not chosen:
        ids = [shop.id for shop in stores]
        similar = get_close_matches(wanted or "", ids, n=1)
        advice = f" Did you mean {similar[0]}?" if similar else ""
        raise CommandFailed(f"There is no store {wanted}; {here.path} has {', '.join(ids)}.{advice}")
    return chosen


def only_store(here: LoadedSettings, wanted: str | None) -> StoreSettings:
    """The store of that id, or the only one. Raises CommandFailed where there are several."""
    stores = select_stores(here, wanted)
    if len(stores) > 1:
        raise CommandFailed(f"There are several stores: add --store {' or --store '.join(shop.id for shop in stores)}.")
    return stores[0]


def operator_name(named: str | None) -> str:
    """The name for the audit log: as given, else the login name, else the uid."""
    if named:
        return named.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
