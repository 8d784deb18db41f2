"""`catalogue`: how a shop's catalogue is remembered and mirrored, and having it asked anew."""

import sys
import time
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console

from storefront_mcp.cli.catalogue_status import follow_sweeps, mirror_status, print_status
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import choose_store, choose_stores, json_option, print_json, store_option
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_changes import EVERYTHING
from storefront_mcp.records.catalogue_mirrors import MirrorRecord


@click.group(cls=CommandGroup)
def catalogue() -> None:
    """See to what is remembered of a shop's catalogue, and to its mirror."""


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


@catalogue.command()
@config_option
@store_option
@json_option
def status(config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Show how the mirrors stand, with a bar while one is being built."""
    here, stores = choose_stores(config, store)
    mirrored = {one.id: one.mirror for one in stores if one.mirror.on}
    if not mirrored:
        click.echo("No store has a mirror: store.mirror.on switches one on.")
        return
    with friendly_errors(), closing(Database(here.settings.database, read_only=True)) as database:
        mirrors = SqlMirrorRepository(database)

        def read() -> list[MirrorRecord]:
            if not here.has_database:
                return []
            return [found for one in mirrored for found in mirrors.list_by_store(one)]

        if not as_json and sys.stdout.isatty():
            follow_sweeps(read, Console())
        now, found = time.time(), read()
    for one in mirrored:
        if all(record.store != one for record in found):
            found.append(MirrorRecord(store=one, place=""))
    if as_json:
        print_json([mirror_status(one, mirrored[one.store], now) for one in found])
        return
    print_status([(one, mirrored[one.store]) for one in found], now)
