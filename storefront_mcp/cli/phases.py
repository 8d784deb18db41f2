"""`phases`: where they stand, opening and closing them, and who did."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from storefront_mcp.app import planned_roadmap
from storefront_mcp.cli.starting import Found, config_option, found
from storefront_mcp.cli.stops import told
from storefront_mcp.cli.stores import (
    by_option,
    doer,
    json_option,
    only_store,
    print_json,
    print_table,
    store_option,
    stores_named,
)
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.database import Database, DatabaseFlags
from storefront_mcp.roadmap.flags import Flip, Standing, as_it_stands
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.settings import StoreSettings

COLOURS: Final[Mapping[Status, str]] = {"planned": "yellow", "active": "green", "paused": "magenta", "retired": "dim"}


@click.group(invoke_without_command=True)
@config_option
@store_option
@json_option
@click.pass_context
def phases(context: click.Context, config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Show the phases, or open and close them while the server runs."""
    if context.invoked_subcommand is not None:
        context.obj = (config, store)
        return
    here = found(config)
    with told(), _flags(here) as flags:
        standing = flags.standing()
        roadmaps = {shop.id: _roadmap(shop, standing) for shop in stores_named(here, store)}
    if as_json:
        print_json({"stores": [_store_json(name, roadmap) for name, roadmap in roadmaps.items()]})
        return
    for name, roadmap in roadmaps.items():
        print_table(_table(name, roadmap))
    if here.settings.flags.provider is not None:
        click.echo(f"This is our record. {here.settings.flags.provider} may keep active phases closed.")


def _flip_command(name: str, after: Status, purpose: str) -> None:
    @phases.command(name, help=purpose)
    @click.argument("names", metavar="NAME...", nargs=-1, required=True)
    @config_option
    @store_option
    @by_option
    @click.pass_context
    def command(
        context: click.Context, names: Sequence[str], config: Path | None, store: str | None, by: str | None
    ) -> None:
        here = found(config or context.obj[0])
        shop = only_store(here, store or context.obj[1])
        with told(), _flags(here) as flags:
            planned = planned_roadmap(shop)
            standing = flags.flip(planned, shop.id, dict.fromkeys(names, after), by=doer(by))
            flips = [flip for flip in flags.history(shop.id) if flip.number == standing.version]
        _tell(shop.id, flips, as_it_stands(planned, standing))


_flip_command("open", "active", "Open phases: agents see their tools within a second. Several names are one flip.")
_flip_command("pause", "paused", "Close phases for now. Requests in flight finish.")
_flip_command("retire", "retired", "Close paused phases for good.")


@phases.command()
@config_option
@store_option
@json_option
@click.pass_context
def history(context: click.Context, config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Every flip, oldest first: what, when and who."""
    here = found(config or context.obj[0])
    store = store or context.obj[1]
    shops = {shop.id for shop in stores_named(here, store)} if store else None
    with told(), _flags(here) as flags:
        flips = [flip for flip in flags.history() if shops is None or flip.store in shops]
    if as_json:
        print_json({"flips": flips})
        return
    table = Table("flip", "when (UTC)", "store", "phase", "change", "by")
    for flip in flips:
        when = flip.at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(flip.number), when, flip.store, flip.phase, f"{flip.before} → {flip.after}", flip.by)
    print_table(table)


@contextmanager
def _flags(here: Found) -> Iterator[DatabaseFlags]:
    """The record of flips, for the time of one command."""
    database = Database(here.settings.database)
    flags = DatabaseFlags(database)
    try:
        yield flags
    finally:
        flags.close()
        database.close()


def _roadmap(shop: StoreSettings, standing: Mapping[StoreId, Standing]) -> Roadmap:
    return as_it_stands(planned_roadmap(shop), standing.get(shop.id, Standing(0, {})))


def _tell(store: StoreId, flips: Sequence[Flip], roadmap: Roadmap) -> None:
    click.echo(f"Flip {roadmap.version} of {store} is on record; every worker shows it within a second.")
    for flip in flips:
        click.echo(f"  {flip.phase}: {flip.before} → {flip.after}")
    tools = [tool.name for tool in roadmap.open_tools()]
    click.echo(f"Tools now listed ({len(tools)}): {', '.join(tools) or 'none, /mcp answers 503'}")


def _table(store: StoreId, roadmap: Roadmap) -> Table:
    table = Table("phase", "title", "status", "tools", "still missing", title=f"{store}, flip {roadmap.version}")
    for phase in roadmap.phases:
        count = len(phase.manifest.tools)
        missing = [promise.name for promise in phase.undelivered] + list(phase.missing)
        table.add_row(
            phase.name,
            phase.manifest.title,
            f"[{COLOURS[phase.status]}]{phase.status}[/]",
            f"{len(phase.tools)} of {count}",
            ", ".join(missing),
        )
    return table


def _store_json(store: StoreId, roadmap: Roadmap) -> Mapping[str, Any]:
    return {"id": store, "version": roadmap.version, "phases": [_phase_json(phase) for phase in roadmap.phases]}


def _phase_json(phase: Phase) -> Mapping[str, Any]:
    return {
        "name": phase.name,
        "number": phase.manifest.number,
        "title": phase.manifest.title,
        "status": phase.status,
        "requires": phase.manifest.requires,
        "delivered": phase.delivered,
        "tools": [promise.name for promise in phase.manifest.tools],
        "undelivered": [promise.name for promise in phase.undelivered],
        "missing": phase.missing,
    }
