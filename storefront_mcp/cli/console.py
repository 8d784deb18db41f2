"""`console`: print a one-time login link of the operator's console, or end all console sessions."""

import datetime as dt
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from storefront_mcp.app.console import console_location, console_url
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.options import by_option, choose_stores, operator_name, store_option
from storefront_mcp.cli.running_server import open_for_change
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.console_sessions import SqlConsoleSessionRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.records.audit import operator_entry
from storefront_mcp.records.console_sessions import LoginLink, secret_digest

LINK_MINUTES: Final = 10


@click.command()
@click.option("--end", is_flag=True, help="Sign everybody out instead, and void every link.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 24 * 60),
    default=LINK_MINUTES,
    show_default=True,
    help="How long the link waits to be opened.",
)
@config_option
@store_option
@by_option
def console(minutes: int, config: Path | None, store: str | None, by: str | None, *, end: bool) -> None:
    """Print a link that opens the operator's console once, of one store or of all."""
    here, chosen = choose_stores(config, store)
    shops = [shop for shop in chosen if shop.console.on]
    if not shops:
        named = " and ".join(shop.id for shop in chosen)
        raise CommandFailed(f"{named} has no console: console.on is false in {here.path}.")
    # One address takes those that may be seen there; a console with a host of its own is seen at that only.
    host = urlsplit(console_url(shops[0])).netloc
    opened = [shop for shop in shops if console_location(shop).is_served_at(host)] if store is None else shops
    now, name = utc_now(), operator_name(by)
    with friendly_errors(), open_for_change(here) as served:
        sessions, log = SqlConsoleSessionRepository(served.database), AuditLog(served.database)
        if end:
            for shop in shops:
                ended = sessions.end_all(shop.id)
                log.write([operator_entry(now, "operator.acted", "console.cleared", store=shop.id, by=name)])
                counted = "1 seat or link" if ended == 1 else f"{ended} seats and links"
                click.echo(f"{counted} of {shop.id} {'is' if ended == 1 else 'are'} void, on every worker, now.")
            return
        secret = secrets.token_urlsafe(32)
        ends = now + dt.timedelta(minutes=minutes)
        for shop in opened:
            digest = secret_digest(secret, shop.id)
            sessions.add_link(LoginLink(digest=digest, store=shop.id, by=name, expires_at=ends))
            log.write([operator_entry(now, "operator.acted", "console.invited", store=shop.id, by=name)])
    named = ", ".join(shop.id for shop in opened)
    within = "1 minute" if minutes == 1 else f"{minutes} minutes"
    click.echo(f"Opens the console of {named} once, as {name}, within {within}:", err=True)
    click.echo(f"{console_url(shops[0])}/sign-in?once={secret}")
