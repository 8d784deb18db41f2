"""`phases`: show, open, pause and retire phases, and the history of flips."""

import datetime as dt
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.table import Table

from storefront_mcp.app import planned_roadmap
from storefront_mcp.cli.checkouts import close_every_checkout, count_open_checkouts
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import (
    MomentParameter,
    at_option,
    by_option,
    choose_store,
    choose_stores,
    json_option,
    operator_name,
    print_json,
    store_option,
)
from storefront_mcp.cli.running_server import ServedDatabase, open_for_change
from storefront_mcp.cli.settings_file import LoadedSettings, config_option
from storefront_mcp.cli.tables import print_table
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database, SqlFlipRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.roadmap.flips import Flip, PhaseStatuses, ScheduledFlip, with_statuses
from storefront_mcp.roadmap.manifest import Status
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.roadmap.terms import NO_TERMS, FlipTerms, audience_terms, flip_terms
from storefront_mcp.settings import StoreSettings
from storefront_mcp.settings.program import command_line

BECOMES: Final = click.Choice(["finish", "close"])
COLOURS: Final[Mapping[Status, str]] = {"planned": "yellow", "active": "green", "paused": "magenta", "retired": "dim"}


@click.group(cls=CommandGroup, invoke_without_command=True)
@config_option
@store_option
@json_option
@click.pass_context
def phases(context: click.Context, config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Show the phases, or open and close them while the server runs."""
    if context.invoked_subcommand is not None:
        context.obj = (config, store)
        return
    here, shops = choose_stores(config, store)
    with friendly_errors(), read_flips(here) as repository:
        statuses = repository.current_statuses()
        roadmaps = {shop.id: _roadmap(shop, statuses) for shop in shops}
        refused = {shop.id: repository.refused_schedule(shop.id) for shop in shops}
    if as_json:
        print_json({"stores": [_store_json(name, roadmap, refused[name]) for name, roadmap in roadmaps.items()]})
        return
    for name, roadmap in roadmaps.items():
        print_table(_phase_table(name, roadmap))
        for stop in statuses[name].stops if name in statuses else ():
            back = command_line("resume", "--config", here.path, "--store", name)
            click.echo(f"STOPPED: {stop.title}, by {stop.by}. The way back: {back}")
        for flip in refused[name]:
            click.echo(_refusal_sentence(here, flip))
    if here.settings.flags.provider is not None:
        click.echo(f"This is our record. {here.settings.flags.provider} may keep active phases closed.")


@phases.command(name="open")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--share", type=float, metavar="PERCENT", help="Only for so many of the callers, always the same ones.")
@click.option(
    "--client", "clients", multiple=True, metavar="NAME", help="Only for client programs with this in their name."
)
@at_option
@config_option
@store_option
@by_option
@click.pass_context
def open_command(
    context: click.Context,
    /,
    names: Sequence[str],
    share: float | None,
    clients: Sequence[str],
    at: dt.datetime | None,
    **chosen: Any,  # noqa: ANN401 -- the options that all commands have
) -> None:
    """Open phases, and wait until every worker shows it. Several names are one flip.

    With --share or --client everybody else, documents included, is shown what they were shown before.
    """
    here, shop = choose_store(chosen["config"] or context.obj[0], chosen["store"] or context.obj[1])
    with friendly_errors():
        terms = audience_terms(share, clients)
    _flip(here, shop, dict.fromkeys(names, "active"), by=operator_name(chosen["by"]), terms=terms, at=at)


@phases.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@config_option
@store_option
@by_option
@click.pass_context
def retire(
    context: click.Context, names: Sequence[str], config: Path | None, store: str | None, by: str | None
) -> None:
    """Close paused phases for good."""
    here, shop = choose_store(config or context.obj[0], store or context.obj[1])
    _flip(here, shop, dict.fromkeys(names, "retired"), by=operator_name(by))


@phases.command(name="scheduled")
@config_option
@store_option
@json_option
@click.pass_context
def list_schedule(context: click.Context, config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Flips that wait for their moment, and what became of those of the last week."""
    here, shops = choose_stores(config or context.obj[0], store or context.obj[1])
    with friendly_errors(), read_flips(here) as repository:
        flips = [flip for shop in shops for flip in repository.list_schedule(shop.id)]
    if as_json:
        print_json({"scheduled": flips})
        return
    table = Table("id", "when (UTC)", "store", "change", "by", "outcome")
    for flip in flips:
        when = flip.at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(flip.id, when, flip.store, _change_text(flip), flip.by, flip.outcome or "waits")
    print_table(table)


@phases.command()
@click.argument("id_", metavar="ID")
@config_option
@store_option
@by_option
@click.pass_context
def unschedule(context: click.Context, id_: str, config: Path | None, store: str | None, by: str | None) -> None:
    """Cancel a scheduled flip, or have one that was refused shown no longer."""
    here, shop = choose_store(config or context.obj[0], store or context.obj[1])
    with friendly_errors(), change_flips(here) as (repository, _):
        if not repository.unschedule(shop.id, id_, by=operator_name(by)):
            listing = command_line("phases", "scheduled", "--config", here.path)
            raise CommandFailed(f"No flip {id_} of {shop.id} waits or was refused. See {listing}")
    click.echo(f"{id_} is cancelled.")


@phases.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--reason", default="", metavar="TEXT", help="Why, as agents and buyers are told.")
@click.option(
    "--until",
    type=MomentParameter(),
    help="When it is expected to open again, as agents are told. Nothing opens by that alone.",
)
@click.option(
    "--checkouts",
    "becomes",
    type=BECOMES,
    help="What becomes of open checkouts when the checkout phase closes: they may still be paid, or their payment "
    "pages close now.  [default: you are asked]",
)
@at_option
@config_option
@store_option
@by_option
@click.pass_context
def pause(
    context: click.Context,
    /,
    names: Sequence[str],
    reason: str,
    until: dt.datetime | None,
    becomes: str | None,
    at: dt.datetime | None,
    **chosen: Any,  # noqa: ANN401 -- the options that all commands have
) -> None:
    """Close phases for now, and wait until every worker shows it. Requests in flight finish."""
    here, shop = choose_store(chosen["config"] or context.obj[0], chosen["store"] or context.obj[1])
    by = operator_name(chosen["by"])
    if becomes == "close" and at is not None:
        closing = command_line("checkouts", "--config", here.path, "--store", shop.id, "close", "--all")
        raise CommandFailed(
            "Nothing was changed: --checkouts close cannot wait for a moment, as only the pause is scheduled. Leave it "
            f"out, and end the open checkouts once the phase is paused: {closing}"
        )
    with friendly_errors():
        terms = flip_terms(reason, until, begins=at or utc_now())
        named = [phase for phase in planned_roadmap(shop).phases if phase.name in names]
        ends_payment = any(phase.manifest.needs_payment for phase in named)
        if becomes is not None and len(named) == len(set(names)) and not ends_payment:
            raise CommandFailed(
                f"Nothing was changed: checkouts can be paid whether {' and '.join(names)} is open or not, so "
                "--checkouts goes with the checkout phase only."
            )
        count = count_open_checkouts(here, shop) if ends_payment and here.has_database and at is None else 0
    if count and becomes is None:
        click.echo(f"{count} checkout{' is' if count == 1 else 's are'} open: prepared, and not paid.", err=True)
        becomes = "finish"
        if sys.stdin.isatty():
            becomes = click.prompt("Let them finish, or close their payment pages now?", type=BECOMES, err=True)

    def end_checkouts() -> None:
        if count and becomes == "close":
            close_every_checkout(here, shop, reason=terms.reason, by=by)
        elif count:
            closing = command_line("checkouts", "--config", here.path, "--store", shop.id, "close", "--all")
            plural = "" if count == 1 else "s"
            click.echo(f"{count} open checkout{plural} may still be paid. To end that: {closing}")

    _flip(here, shop, dict.fromkeys(names, "paused"), by=by, terms=terms, at=at, then=end_checkouts)


@phases.command()
@config_option
@store_option
@json_option
@click.pass_context
def history(context: click.Context, config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Every flip, oldest first: what, when and who."""
    store = store or context.obj[1]
    here, chosen = choose_stores(config or context.obj[0], store)
    # Without a store also those that are no longer in the settings.
    shops = {shop.id for shop in chosen} if store else None
    with friendly_errors(), read_flips(here) as repository:
        flips = [flip for flip in repository.history() if shops is None or flip.store in shops]
    if as_json:
        print_json({"flips": flips})
        return
    table = Table("flip", "when (UTC)", "store", "phase", "change", "by")
    for flip in flips:
        when = flip.at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
        why = f": {flip.terms.reason}" if flip.terms.reason else ""
        change = f"{flip.before} → {flip.after}{why}"
        table.add_row(str(flip.number), when, flip.store, flip.phase, change, flip.by)
    print_table(table)


def _flip(
    here: LoadedSettings,
    shop: StoreSettings,
    changes: Mapping[str, Status],
    *,
    by: str,
    terms: FlipTerms = NO_TERMS,
    at: dt.datetime | None = None,
    then: Callable[[], None] = lambda: None,
) -> None:
    """Write a flip, or schedule it, and print it; `then` is called once it is written."""
    planned = planned_roadmap(shop)
    if at is not None:
        with friendly_errors(), change_flips(here) as (repository, _):
            waiting = repository.schedule(planned, shop.id, changes, by=by, terms=terms, at=at)
        click.echo(f"{waiting.id} is scheduled for {waiting.at:%Y-%m-%d %H:%M:%S} UTC, and made by a running server.")
        return
    with friendly_errors(), change_flips(here, lambda: planned.with_status(changes, terms)) as (repository, served):
        statuses = repository.current_statuses().get(shop.id, PhaseStatuses(0, {}))
        repeated = [phase.name for phase in with_statuses(planned, statuses).phases if _repeats(phase, changes, terms)]
        for name in repeated:
            click.echo(f"{name} is paused already. Agents and buyers are told: {terms.sentences}")
        new = {name: status for name, status in changes.items() if name not in repeated}
        if new or not repeated:
            statuses = repository.flip(planned, shop.id, new, by=by, terms=terms)
            flips = [flip for flip in repository.history(shop.id) if flip.number == statuses.version]
            _print_flips(shop.id, flips, with_statuses(planned, statuses))
        try:
            then()
        finally:
            served.confirm(shop.id, statuses.version, closes="paused" in changes.values())


def _repeats(phase: Phase, changes: Mapping[str, Status], terms: FlipTerms) -> bool:
    """Whether a phase is to be paused that is paused on these terms."""
    return phase.status == changes.get(phase.name) == "paused" and phase.terms == terms


@contextmanager
def change_flips(
    here: LoadedSettings, refuse: Callable[[], object] = lambda: None
) -> Iterator[tuple[SqlFlipRepository, ServedDatabase]]:
    """The flip repository, for a command that changes what a running server shows; see `open_for_change`."""
    with open_for_change(here, refuse) as served:
        repository = SqlFlipRepository(served.database)
        try:
            yield repository, served
        finally:
            repository.close()


@contextmanager
def read_flips(here: LoadedSettings) -> Iterator[SqlFlipRepository]:
    """The flip repository, for a command that looks."""
    database = Database(here.settings.database, read_only=True)
    repository = SqlFlipRepository(database)
    try:
        yield repository
    finally:
        repository.close()
        database.close()


def _roadmap(shop: StoreSettings, statuses: Mapping[StoreId, PhaseStatuses]) -> Roadmap:
    return with_statuses(planned_roadmap(shop), statuses.get(shop.id, PhaseStatuses(0, {})))


def _print_flips(store: StoreId, flips: Sequence[Flip], roadmap: Roadmap) -> None:
    click.echo(f"Flip {roadmap.version} of {store} is on record.")
    for flip in flips:
        click.echo(f"  {flip.phase}: {flip.before} → {flip.after}")
    terms = flips[0].terms if flips else NO_TERMS
    if terms.limited:
        click.echo(f"  Only for {terms.audience}; everybody else is shown it {terms.otherwise}.")
    elif terms != NO_TERMS:
        click.echo(f"  Agents and buyers are told: {terms.sentences}")
    tools = [tool.name for tool in roadmap.open_tools()]
    click.echo(f"Tools now listed ({len(tools)}): {', '.join(tools) or 'none, /mcp answers 503'}")


def _phase_table(store: StoreId, roadmap: Roadmap) -> Table:
    table = Table("phase", "title", "status", "tools", "still missing", title=f"{store}, flip {roadmap.version}")
    for phase in roadmap.phases:
        count = len(phase.manifest.tools)
        missing = [promise.name for promise in phase.undelivered] + list(phase.missing)
        audience = f" for {phase.terms.audience}" if phase.terms.limited else ""
        table.add_row(
            phase.name,
            phase.manifest.title,
            f"[{COLOURS[phase.status]}]{phase.status}[/]{audience}",
            f"{len(phase.tools)} of {count}",
            ", ".join(missing),
        )
    return table


def _refusal_sentence(here: LoadedSettings, flip: ScheduledFlip) -> str:
    """That a scheduled flip was not made, why, and how to have it shown no longer."""
    forget = command_line("phases", "unschedule", flip.id, "--config", here.path, "--store", flip.store)
    return (
        f"NOT MADE: {flip.id}, {_change_text(flip)}, which {flip.by} scheduled for {flip.at:%Y-%m-%d %H:%M:%S} UTC, "
        f"was {flip.outcome} Flip it, schedule it anew, or have it shown no longer: {forget}"
    )


def _change_text(flip: ScheduledFlip) -> str:
    return ", ".join(f"{phase} → {status}" for phase, status in flip.changes.items())


def _store_json(store: StoreId, roadmap: Roadmap, refused: Sequence[ScheduledFlip]) -> Mapping[str, Any]:
    return {
        "id": store,
        "version": roadmap.version,
        "phases": [_phase_json(phase) for phase in roadmap.phases],
        "refused_flips": refused,
    }


def _phase_json(phase: Phase) -> Mapping[str, Any]:
    return {
        "name": phase.name,
        "number": phase.manifest.number,
        "title": phase.manifest.title,
        "status": phase.status,
        **msgspec.to_builtins(phase.terms),
        "requires": phase.manifest.requires,
        "delivered": phase.delivered,
        "tools": [promise.name for promise in phase.manifest.tools],
        "undelivered": [promise.name for promise in phase.undelivered],
        "missing": phase.missing,
    }
