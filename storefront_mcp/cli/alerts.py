"""`alerts`: what holds now, and a test message to whoever is told."""

import asyncio
import datetime as dt
import time
from pathlib import Path

import click

from storefront_mcp.alerts.sender import AlertSender, AlertUndelivered
from storefront_mcp.alerts.text import TEXTS
from storefront_mcp.app.alerts import alert_senders
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.existing_database import open_to_read
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import choose_stores
from storefront_mcp.cli.running_server import ask_readiness, check_same_database, listening_url
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.database.alerts import SqlAlertRepository, new_message_id
from storefront_mcp.database.workers import SqlWorkerRepository
from storefront_mcp.records.alerts import AlertMessage
from storefront_mcp.settings.program import command_line


@click.group(cls=CommandGroup)
def alerts() -> None:
    """See what a person is told of, and try whether they would be."""


@alerts.command("list")
@config_option
def list_alerts(config: Path | None) -> None:
    """List the conditions that hold now, as on record and as the running server says of its database."""
    here, _ = choose_stores(config, None)
    answer = ask_readiness(here.settings)
    problem = None if answer is None else answer.database_problem
    if answer is not None and problem is not None:
        click.echo(f"now server: {TEXTS['database'].title}: it {problem}, as {answer.address} says")
    with open_to_read(here) as database:
        check_same_database(here, answer, database)
        active = SqlAlertRepository(database).list_active()
        has_server = answer is not None or bool(SqlWorkerRepository(database).running())
    for alert in active:
        since = dt.datetime.fromtimestamp(int(alert.since), dt.UTC)
        told = "" if alert.told_at is not None else " (nobody is told yet)"
        title = TEXTS[alert.key.condition].title
        click.echo(f"{since:%Y-%m-%d %H:%M} UTC {alert.key.store or 'server'}: {title}: {alert.reason}{told}")
    if not has_server:
        raise CommandFailed(
            f"{'This was so when a server last looked' if active else 'Whether anything is wrong cannot be told'}: "
            f"no running server was found, neither at {listening_url(here.settings)} nor on record, and nothing is "
            f"watched without one. See {command_line('doctor', '--config', here.path)}"
        )
    if active or problem is not None:
        return
    if not here.settings.alerts.on and not here.settings.metrics.on:
        raise CommandFailed(
            f"Nothing is watched with the settings of {here.path}: it is where alerts are sent to somebody (alerts.url "
            f"or alerts.mail_to), or metrics are on. See {command_line('doctor', '--config', here.path)}"
        )
    click.echo("Nothing that is watched is wrong.")


@alerts.command()
@config_option
def test(config: Path | None) -> None:
    """Send a test alert to every receiver and say what came back; exit code 1 where one did not take it."""
    here, stores = choose_stores(config, None)
    senders = alert_senders(here.settings, now=time.time, config=str(here.path.resolve()))
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
