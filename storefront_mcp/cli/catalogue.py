"""`catalogue`: have what was remembered of a shop's catalogue asked anew."""

import time
from contextlib import closing
from pathlib import Path

import click

from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import choose_store, store_option
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.records.catalogue_changes import EVERYTHING


@click.group(cls=CommandGroup)
def catalogue() -> None:
    """See to what is remembered of a shop's catalogue."""


@catalogue.command()
@click.argument("skus", nargs=-1, metavar="[SKU]...")
@config_option
@store_option
def refresh(skus: tuple[str, ...], config: Path | None, store: str | None) -> None:
    """Have these products asked anew, or everything: every worker does within a second."""
    here, shop = choose_store(config, store)
    if not here.has_database:
        raise CommandFailed(f"{here.settings.database.shown} is not there: nothing of {shop.id} is remembered.")
    with friendly_errors(), closing(Database(here.settings.database)) as database:
        SqlCatalogueChanges(database).append(shop.id, skus or (EVERYTHING,), now=time.time())
    what = ", ".join(skus) or "everything"
    click.echo(f"Every worker asks {shop.id} anew, within a second, for {what}.")
