"""`checkouts`: what agents have ordered, what is stuck, and how to finish it."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, get_args

import click
from rich.table import Table

from storefront_mcp.app.selling import personal_seal
from storefront_mcp.checkout.finishing import NotToFinish, Verdict, finish
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.cli.starting import Found, config_option, found
from storefront_mcp.cli.stops import Stopped, told
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
from storefront_mcp.database import Database
from storefront_mcp.database.checkouts import DatabaseCheckouts
from storefront_mcp.database.engine import utc_now

STATES: Final[tuple[State, ...]] = get_args(State)
ENDS: Final = ("placed", "failed", "expired", "canceled")
UNFINISHED: Final = tuple(state for state in STATES if state not in ENDS)
COLOURS: Final[Mapping[str, str]] = {"needs_human": "red", "placed": "green", "failed": "yellow", "unknown": "magenta"}


@click.group(invoke_without_command=True)
@config_option
@store_option
@json_option
@click.option("--state", "states", type=click.Choice(STATES), multiple=True, help="Only these states; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="The newest so many.")
@click.pass_context
def checkouts(
    context: click.Context,
    /,
    config: Path | None,
    store: str | None,
    states: Sequence[State],
    limit: int,
    **flags: bool,
) -> None:
    """Show checkouts: what is open, what is being ordered, and what needs a person."""
    if context.invoked_subcommand is not None:
        context.obj = (config, store)
        return
    here = found(config)
    wanted = states or (STATES if flags["everything"] else UNFINISHED)
    with told(), _records(here) as records:
        rows = [
            one
            for shop in stores_named(here, store)
            for one in asyncio.run(records.needing(shop.id, wanted, limit=limit))
        ]
    if flags["as_json"]:
        print_json({"checkouts": [_json(one) for one in rows]})
        return
    if not rows:
        click.echo("There are none." if states or flags["everything"] else "Nothing is open. See --all.")
        return
    print_table(_table(rows))
    for one in rows:
        if one.state == "needs_human":
            click.echo(f"\n{one.id}: {one.problem}")
    if any(one.state == "needs_human" for one in rows):
        click.echo("\nLook at the shop and at the payment provider, then: storefront-mcp checkouts finish ID --as …")


@checkouts.command("finish")
@click.argument("checkout")
@click.option(
    "--as",
    "verdict",
    type=click.Choice(get_args(Verdict)),
    required=True,
    help="ordered: the shop has the order, take the money. no_order: it has none, let the money go. "
    "refunded: it has none, and you gave the money back at the provider.",
)
@click.option("--order", help="The shop's number of the order.")
@config_option
@store_option
@by_option
@click.pass_context
def finish_command(
    context: click.Context,
    /,
    checkout: str,
    verdict: Verdict,
    order: str | None,
    config: Path | None,
    **who: str | None,
) -> None:
    """Say how a checkout that needs a person ends; the running server does the rest."""
    here = found(config or context.obj[0])
    shop = only_store(here, who["store"] or context.obj[1])
    now = utc_now().timestamp()
    with told(), _records(here) as records:
        try:
            after = asyncio.run(finish(records, shop.id, checkout, verdict, order=order, by=doer(who["by"]), now=now))
        except NotToFinish as refused:
            raise Stopped(str(refused)) from None
    click.echo(f"{checkout} is {after.state} now.")


@contextmanager
def _records(here: Found) -> Iterator[DatabaseCheckouts]:
    """The record of checkouts, for the time of one command."""
    database = Database(here.settings.database)
    try:
        yield DatabaseCheckouts(database, seal=personal_seal(here.settings))
    finally:
        database.close()


def _table(rows: Sequence[Checkout]) -> Table:
    table = Table("checkout", "store", "state", "since (UTC)", "total", "order", "payment")
    for one in rows:
        colour = COLOURS.get(one.state)
        table.add_row(
            one.id,
            one.store,
            f"[{colour}]{one.state}[/]" if colour else one.state,
            dt.datetime.fromtimestamp(one.since, dt.UTC).strftime("%Y-%m-%d %H:%M:%S"),
            str(one.totals.total),
            one.order_number or "",
            one.payment or "",
        )
    return table


def _json(one: Checkout) -> Mapping[str, Any]:
    return {
        "id": one.id,
        "store": one.store,
        "state": one.state,
        "created_at": one.created_at,
        "since": one.since,
        "total": one.totals.total,
        "order": one.order_number,
        "payment": one.payment,
        "session": one.session,
        "reason": one.reason,
        "problem": one.problem,
    }
