"""`alerts`: what holds now, and a test message to whoever is told."""

import asyncio
import datetime as dt
import time
from contextlib import closing
from pathlib import Path

import click

from storefront_mcp.alerts.sender import AlertSender, AlertUndelivered
from storefront_mcp.alerts.text import TEXTS
from storefront_mcp.app.alerts import alert_senders
from storefront_mcp.cli.errors import CommandFailed, friendly_errors
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import choose_stores
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database import Database
from storefront_mcp.database.alerts import SqlAlertRepository, new_message_id
from storefront_mcp.records.alerts import AlertMessage


@click.group(cls=CommandGroup)
def alerts() -> None:
    """See what a person is told of, and try whether they would be."""


@alerts.command("list")
@config_option
def list_alerts(config: Path | None) -> None:
    """List the conditions that hold now."""
    here, _ = choose_stores(config, None)
    with friendly_errors(), closing(Database(here.settings.database, read_only=True)) as database:
        active = SqlAlertRepository(database).list_active() if here.has_database else ()
    for alert in active:
        since = dt.datetime.fromtimestamp(int(alert.since), dt.UTC)
        told = "" if alert.told_at is not None else " (nobody is told yet)"
        title = TEXTS[alert.key.condition].title
        click.echo(f"{since:%Y-%m-%d %H:%M} UTC {alert.key.store or 'server'}: {title}: {alert.reason}{told}")
    if not active:
        click.echo("Nothing that is watched is wrong.")


@alerts.command()
@config_option
def test(config: Path | None) -> None:
    """Send a test alert to every receiver and say what came back; exit code 1 where one did not take it."""
    here, stores = choose_stores(config, None)
    senders = alert_senders(here.settings, now=time.time)
    if not senders:
        raise CommandFailed(f"Nobody is told: set alerts.url and its secret, or alerts.mail_to, in {here.path}.")
    message = AlertMessage(
        id=new_message_id(),
        condition="checkouts",
        store=StoreId(stores[0].id),
        status="test",
        since=time.time(),
        at=time.time(),
        reason="somebody tries whether alerts arrive",
    )
    results = [asyncio.run(_attempt(sender, message)) for sender in senders.values()]
    for channel, (_, said) in zip(senders, results, strict=True):
        click.echo(f"{channel}: {said}")
    if not all(taken for taken, _ in results):
        raise SystemExit(1)


async def _attempt(sender: AlertSender, message: AlertMessage) -> tuple[bool, str]:
    """Whether it was taken, and what came back."""
    try:
        return True, f"taken ({await sender.send(message)})"
    except AlertUndelivered as failed:
        return False, f"not taken: {failed}"
