"""`console`: a link that opens the operator's console once."""

import datetime as dt
import hashlib
import secrets
from pathlib import Path
from typing import Final

import click

from storefront_mcp.app.console import console_url
from storefront_mcp.calls.seats import Invitation
from storefront_mcp.cli.starting import config_option, found
from storefront_mcp.cli.stops import Stopped, told
from storefront_mcp.cli.stores import by_option, doer, only_store, store_option
from storefront_mcp.database import Database
from storefront_mcp.database.audit import AuditLog, operator_entry
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.seats import DatabaseSeats

MINUTES: Final = 10


@click.command()
@click.option("--end", is_flag=True, help="Sign everybody out instead, and void every link.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 24 * 60),
    default=MINUTES,
    show_default=True,
    help="How long the link waits to be opened.",
)
@config_option
@store_option
@by_option
def console(minutes: int, config: Path | None, store: str | None, by: str | None, *, end: bool) -> None:
    """Print a link that opens the operator's console once."""
    here = found(config)
    shop = only_store(here, store)
    if not shop.console.on:
        raise Stopped(f"{shop.id} has no console: console.on is false in {here.path}.")
    now, name = utc_now(), doer(by)
    with told():
        database = Database(here.settings.database)
        try:
            seats, log = DatabaseSeats(database), AuditLog(database)
            if end:
                gone = seats.clear(shop.id)
                log.write([operator_entry(now, "operator.acted", "console.cleared", store=shop.id, by=name)])
                click.echo(f"{gone} seats and links of {shop.id} are void, on every worker, now.")
                return
            secret = secrets.token_urlsafe(32)
            invitation = Invitation(
                digest=hashlib.sha256(secret.encode()).digest(),
                store=shop.id,
                by=name,
                expires_at=now + dt.timedelta(minutes=minutes),
            )
            seats.invite(invitation)
            log.write([operator_entry(now, "operator.acted", "console.invited", store=shop.id, by=name)])
        finally:
            database.close()
    click.echo(f"Opens the console of {shop.id} once, as {name}, within {minutes} minutes:", err=True)
    click.echo(f"{console_url(shop)}/sign-in?once={secret}")
