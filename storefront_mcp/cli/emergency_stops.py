"""`stop` and `resume`: close everything, buying, or one client program at once, and the way back."""

from pathlib import Path
from typing import Final

import click

from storefront_mcp.app import planned_roadmap
from storefront_mcp.cli.checkouts import close_every_checkout, count_open_checkouts
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.options import by_option, choose_store, operator_name, store_option
from storefront_mcp.cli.phases import change_flips
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.roadmap.emergency_stops import EmergencyStop
from storefront_mcp.roadmap.flips import PhaseStatuses
from storefront_mcp.roadmap.terms import audience_terms, flip_terms
from storefront_mcp.settings.program import command_line

WHAT: Final = ("everything", "buying")


@click.command()
@click.argument("what", type=click.Choice(WHAT), required=False)
@click.option("--client", metavar="NAME", help="Instead: one client program, by a part of its name.")
@click.option("--reason", default="", metavar="TEXT", help="Why, as agents and buyers are told.")
@config_option
@store_option
@by_option
def stop(
    what: str | None, client: str | None, reason: str, config: Path | None, store: str | None, by: str | None
) -> None:
    """Stop at once: everything with payment, cart and payment (buying), or one client program.

    Open checkouts are closed, but for those of one client program; who has paid still gets the order. No phase is
    flipped: `resume` brings back what was open.
    """
    if (what is None) == (client is None):
        raise click.UsageError("Say everything or buying, or name a program with --client.")
    here, shop = choose_store(config, store)
    name = operator_name(by)
    with friendly_errors():
        terms = flip_terms(reason)
        named = "" if client is None else audience_terms(None, [client]).clients[0]
        with change_flips(here) as (flips, served):
            scope = "client" if client is not None else "everything" if what == "everything" else "buying"
            made = flips.stop(shop.id, scope, client=named, reason=terms.reason, by=name)  # type: ignore[arg-type]
            click.echo(f"Stop {made.number} of {shop.id} is on record, for {made.title}.")
            click.echo(f"The way back: {command_line('resume', '--config', here.path, '--store', shop.id)}")
            try:
                if made.ends_payment and count_open_checkouts(here, shop):
                    close_every_checkout(here, shop, reason=terms.reason, by=name)
            finally:
                served.confirm(shop.id, made.number, closes=True)


@click.command()
@click.option("--client", metavar="NAME", help="Only the stop of this client program.")
@config_option
@store_option
@by_option
def resume(client: str | None, config: Path | None, store: str | None, by: str | None) -> None:
    """End every stop: what was open before is open again. Closed checkouts stay closed."""
    here, shop = choose_store(config, store)

    def refuse() -> None:
        raise CommandFailed(f"Nothing of {shop.id} is stopped.")

    with friendly_errors(), change_flips(here, refuse) as (flips, served):
        ended = flips.resume(shop.id, by=operator_name(by), client=client and " ".join(client.split()).lower())
        standing = flips.current_statuses().get(shop.id, PhaseStatuses(0, {}))
        if not ended:
            raise CommandFailed(f"Nothing of {shop.id} is stopped{f' for {client}' if client else ''}.")
        for one in ended:
            click.echo(f"Stop {one.number} of {shop.id} has ended: {one.title} is back.")
        served.confirm(shop.id, standing.version, closes=False)
    for one in standing.stops:
        click.echo(f"Still stopped: {stop_sentence(one)}")
    active = [phase.name for phase in planned_roadmap(shop).phases if standing.statuses.get(phase.name) == "active"]
    click.echo(f"Open on record: {', '.join(active) or 'nothing'}")


def stop_sentence(stop: EmergencyStop) -> str:
    """A stop in force, for people."""
    why = f" ({stop.reason})" if stop.reason else ""
    return f"{stop.title}{why}, by {stop.by} since {stop.at:%Y-%m-%d %H:%M:%S} UTC"
