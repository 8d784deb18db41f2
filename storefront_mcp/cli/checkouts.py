"""`checkouts`: list checkouts, and resolve those in state `needs_human`."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, get_args

import click
from rich.table import Table

from storefront_mcp.app.checkout import field_encryption
from storefront_mcp.checkout.closing import NotClosable, close_checkout, close_open_checkouts
from storefront_mcp.checkout.operator import NotResolvable, Verdict, resolve
from storefront_mcp.checkout.record import Checkout, State
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.existing_database import open_to_read
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import (
    by_option,
    choose_store,
    choose_stores,
    json_option,
    operator_name,
    print_json,
    store_option,
)
from storefront_mcp.cli.running_server import open_for_change
from storefront_mcp.cli.settings_file import LoadedSettings, config_option
from storefront_mcp.cli.tables import print_table
from storefront_mcp.database import Database
from storefront_mcp.database.checkouts import SqlCheckoutRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.settings import StoreSettings
from storefront_mcp.settings.program import command_line

STATES: Final[tuple[State, ...]] = get_args(State)
MAX_COUNTED: Final = 10_000
END_STATES: Final = ("placed", "failed", "expired", "canceled")
UNFINISHED_STATES: Final = tuple(state for state in STATES if state not in END_STATES)
COLOURS: Final[Mapping[str, str]] = {"needs_human": "red", "placed": "green", "failed": "yellow", "unknown": "magenta"}


@click.group(cls=CommandGroup, invoke_without_command=True)
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
    here, shops = choose_stores(config, store)
    wanted = states or (STATES if flags["everything"] else UNFINISHED_STATES)
    with open_to_read(here) as database:
        repository = SqlCheckoutRepository(database, encryption=field_encryption(here.settings))
        rows = [one for shop in shops for one in asyncio.run(repository.list_by_state(shop.id, wanted, limit=limit))]
    if flags["as_json"]:
        print_json({"checkouts": [_checkout_json(one) for one in rows]})
        return
    if not rows:
        click.echo("There are none." if states or flags["everything"] else "Nothing is open. See --all.")
        return
    print_table(_checkout_table(rows))
    for one in rows:
        if one.state == "needs_human":
            click.echo(f"\n{one.id}: {one.problem}")
    if any(one.state == "needs_human" for one in rows):
        finish_it = command_line("checkouts", "--config", here.path, "finish", "ID", "--as", "VERDICT")
        click.echo(f"\nLook at the shop and at the payment provider, then: {finish_it}")


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
    here, shop = choose_store(config or context.obj[0], who["store"] or context.obj[1])
    now = utc_now().timestamp()
    with friendly_errors(), open_for_change(here) as served:
        repository = SqlCheckoutRepository(served.database, encryption=field_encryption(here.settings))
        try:
            after = asyncio.run(
                resolve(repository, shop.id, checkout, verdict, order=order, by=operator_name(who["by"]), now=now)
            )
        except NotResolvable as refused:
            raise CommandFailed(str(refused)) from None
    click.echo(f"{checkout} is {after.state} now.")


@checkouts.command("close")
@click.argument("checkout", required=False)
@click.option("--all", "everything", is_flag=True, help="Every open checkout of the store.")
@click.option("--reason", default="", metavar="TEXT", help="Why, as agent and buyer are told.")
@config_option
@store_option
@by_option
@click.pass_context
def close_command(
    context: click.Context,
    /,
    checkout: str | None,
    reason: str,
    config: Path | None,
    *,
    everything: bool,
    **who: str | None,
) -> None:
    """End the payment page of an open checkout; who has just paid still gets the order."""
    if everything == (checkout is not None):
        raise click.UsageError("Name one checkout, or say --all.", context)
    here, shop = choose_store(config or context.obj[0], who["store"] or context.obj[1])
    by = operator_name(who["by"])
    if checkout is None:
        close_every_checkout(here, shop, reason=reason, by=by)
        return
    now = utc_now().timestamp()
    with friendly_errors(), open_for_change(here) as served:
        repository = SqlCheckoutRepository(served.database, encryption=field_encryption(here.settings))
        try:
            asyncio.run(close_checkout(repository, shop.id, checkout, reason=reason, by=by, now=now))
        except NotClosable as refused:
            raise CommandFailed(str(refused)) from None
    click.echo(f"{checkout} is being closed: a running server ends its payment page within seconds.")


def count_open_checkouts(here: LoadedSettings, shop: StoreSettings) -> int:
    """How many checkouts of a store are open; MAX_COUNTED at most."""
    with closing(Database(here.settings.database, read_only=True)) as database:
        repository = SqlCheckoutRepository(database, encryption=field_encryption(here.settings))
        return len(asyncio.run(repository.list_by_state(shop.id, ("open",), limit=MAX_COUNTED)))


def close_every_checkout(here: LoadedSettings, shop: StoreSettings, *, reason: str, by: str) -> None:
    """Close every open checkout of a store, and print how many. Raises CommandFailed where some are still open."""
    with friendly_errors(), open_for_change(here) as served:
        repository = SqlCheckoutRepository(served.database, encryption=field_encryption(here.settings))
        result = asyncio.run(close_open_checkouts(repository, shop.id, reason=reason, by=by, now=time.time))
    count = len(result.closed)
    click.echo(
        f"{count} checkout{' is' if count == 1 else 's are'} being closed: a running server ends "
        f"{'its payment page' if count == 1 else 'their payment pages'} within seconds."
    )
    if result.busy:
        raise CommandFailed(
            f"Still open, as they are being worked on: {', '.join(result.busy)}. Try again in a minute."
        )


def _checkout_table(rows: Sequence[Checkout]) -> Table:
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


def _checkout_json(one: Checkout) -> Mapping[str, Any]:
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
