"""`catalogue`: how a shop's catalogue is remembered and mirrored, having it asked anew, and handing it to platforms."""

import asyncio
import re
import sys
import time
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console

from storefront_mcp.acp.product_feed import METADATA_FILE, PRODUCTS_FILE, FeedMetadata
from storefront_mcp.app.mirror import find_mirror
from storefront_mcp.app.product_feed import OMISSIONS, FeedEmpty, FeedReport, export_feed
from storefront_mcp.cli.catalogue_status import follow_sweeps, mirror_status, print_status
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import choose_store, choose_stores, json_option, print_json, store_option
from storefront_mcp.cli.running_server import open_for_change
from storefront_mcp.cli.settings_file import LoadedSettings, config_option
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.database import Database
from storefront_mcp.database.catalogue_changes import SqlCatalogueChanges
from storefront_mcp.database.catalogue_mirrors import SqlMirrorRepository
from storefront_mcp.records.catalogue_changes import EVERYTHING
from storefront_mcp.records.catalogue_mirrors import MirrorRecord
from storefront_mcp.settings.schema import StoreSettings


@click.group(cls=CommandGroup)
def catalogue() -> None:
    """See to what is remembered of a shop's catalogue, to its mirror, and to its feed."""


@catalogue.command()
@click.argument("skus", nargs=-1, metavar="[SKU]...")
@config_option
@store_option
def refresh(skus: tuple[str, ...], config: Path | None, store: str | None) -> None:
    """Have these products asked anew, or everything: every worker does within a second."""
    here, shop = choose_store(config, store)

    def refuse() -> None:
        raise CommandFailed(f"{here.settings.database.shown} is not there: nothing of {shop.id} is remembered.")

    what = ", ".join(skus) or "everything"
    with friendly_errors(), open_for_change(here, refuse) as served:
        SqlCatalogueChanges(served.database).append(shop.id, skus or (EVERYTHING,), now=time.time())
        if served.is_running():
            click.echo(f"Every worker asks {shop.id} anew, within a second, for {what}.")
        else:
            click.echo(f"It is on record that {shop.id} is to be asked anew for {what}.")


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


@catalogue.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--id", "feed_id", metavar="ID", help="The feed's, as the platform gave it.  [default: the store's]")
@click.option("--country", metavar="CODE", help="Two letters: the market that it is for.  [default: none is named]")
@config_option
@store_option
@json_option
def feed(
    folder: Path, feed_id: str | None, country: str | None, config: Path | None, store: str | None, *, as_json: bool
) -> None:
    """Write a store's products into FOLDER, as the product feed of ACP that platforms take."""
    market = None if country is None else country.upper()
    if market is not None and not re.fullmatch("[A-Z]{2}", market):
        raise CommandFailed(f"--country wants two letters of ISO 3166, such as AU; got {country!r}.")
    here, shop = choose_store(config, store)
    report = _export(here, shop, folder, FeedMetadata(id=feed_id or shop.id, target_country=market))
    if as_json:
        print_json(report)
        return
    click.echo(
        f"Wrote {report.products:,} products with {report.variants:,} variants to {folder / PRODUCTS_FILE}, "
        f"from the {report.source}, as of {report.as_of}; {METADATA_FILE} beside it says so."
    )
    for reason, number in report.left_out.items():
        if number:
            click.echo(f"Left out: {number:,} {OMISSIONS[reason]}.")
    if report.moved:
        click.echo("The shop's catalogue changed meanwhile: run it again, as a product may be missing.", err=True)


def _export(here: LoadedSettings, shop: StoreSettings, folder: Path, metadata: FeedMetadata) -> FeedReport:
    """Raises CommandFailed, and then the feed that was there is as it was."""
    mirror = None
    if shop.mirror.on and here.has_database:
        with friendly_errors(), closing(Database(here.settings.database, read_only=True)) as database:
            mirror = find_mirror(here.settings, shop, database, now=time.time)
    try:
        return asyncio.run(export_feed(shop, mirror, folder, metadata))
    except FeedEmpty:
        why = "There is no product to be sold by its id alone, and a feed without any would empty the platform's."
    except ShopError as error:
        why = f"The shop did not tell all of its products: {error}"
    except OSError as error:
        why = f"{folder} cannot be written: {error.strerror}."
    raise CommandFailed(f"{why} What was in {folder} is as it was.")
