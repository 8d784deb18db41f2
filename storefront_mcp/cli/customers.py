"""`customers`: list what customers have let agents do, and end it."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

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
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.cli.tables import print_table
from storefront_mcp.database.engine import utc_now
from storefront_mcp.database.oauth import SqlOAuthRepository
from storefront_mcp.oauth.clients import is_client_id, kind_of_client
from storefront_mcp.oauth.customer_digests import SECRET_NAME, CustomerDigests
from storefront_mcp.records.oauth import GrantRecord

MAX_LISTED: Final = 100_000


@click.group(cls=CommandGroup)
def customers() -> None:
    """Customers who have signed in, and what they let agents do for them."""


@customers.command()
@click.option("--customer", metavar="ID", help="Only those of one customer, by the shop's id.")
@click.option("--all", "everything", is_flag=True, help="Ended ones too.")
@config_option
@store_option
@json_option
def grants(customer: str | None, config: Path | None, store: str | None, *, everything: bool, as_json: bool) -> None:
    """What customers have granted, the newest first."""
    here, chosen = choose_stores(config, store)
    now = utc_now().timestamp()
    with open_to_read(here) as database:
        records = SqlOAuthRepository(database, None)
        found = [
            grant
            for shop in chosen
            for grant in records.grants(shop.id, limit=MAX_LISTED)
            if customer in {None, grant.customer} and (everything or grant.is_live(now))
        ]
    if as_json:
        print_json({"grants": [_grant_json(grant, now) for grant in found]})
        return
    table = Table("id", "store", "customer", "agent", "standing", "until", "last used (UTC)", "may")
    for grant in found:
        table.add_row(*_grant_row(grant, now))
    print_table(table)


@customers.command()
@click.argument("ids", metavar="[GRANT]...", nargs=-1)
@click.option("--customer", metavar="ID", help="All of one customer, by the shop's id.")
@click.option("--email", metavar="ADDRESS", help="All of the customer who signed in with this address.")
@click.option("--everyone", is_flag=True, help="All of the store.")
@config_option
@store_option
@by_option
def revoke(
    ids: Sequence[str],
    customer: str | None,
    email: str | None,
    config: Path | None,
    store: str | None,
    by: str | None,
    *,
    everyone: bool,
) -> None:
    """End grants for good, on every worker within a second."""
    ways = {"grants": ids, "--customer": customer, "--email": email, "--everyone": everyone}
    named = [way for way, given in ways.items() if given]
    if len(named) != 1:
        told = f"{' and '.join(named)} cannot go together. " if named else ""
        raise CommandFailed(f"{told}Name grants, or one of --customer, --email and --everyone.")
    here, shop = choose_store(config, store)
    now, operator = utc_now().timestamp(), operator_name(by)
    with friendly_errors(), open_for_change(here) as served:
        records = SqlOAuthRepository(served.database, None)
        if ids:
            ended = [records.end_grants(shop.id, "operator", now=now, by=operator, grant=id_) for id_ in ids]
            unknown = [
                f"There is no grant {id_[:64]} that has not ended."
                for id_, number in zip(ids, ended, strict=True)
                if not number
            ]
            number = sum(ended)
        else:
            digests = CustomerDigests(shop.id, served.database.shared_secret(SECRET_NAME))
            mailbox = digests.mailbox(email) if email else ""
            subject = digests.subject(customer) if customer else ""
            number = records.raise_epoch(shop.id, subject, mailbox=mailbox, why="operator", now=now, by=operator)
            unknown = []
            if email and not any(grant.mailbox == mailbox for grant in records.grants(shop.id, limit=MAX_LISTED)):
                unknown = [
                    f"Nobody is known at {shop.id} by the address {email[:254]}; --customer takes the shop's id."
                ]
    if number or not unknown:
        click.echo(f"{number} {'grant' if number == 1 else 'grants'} of {shop.id} ended.")
    if unknown:
        raise CommandFailed("\n".join(unknown))


@customers.command()
@click.argument("client", metavar="CLIENT")
@config_option
@store_option
@by_option
def block(client: str, config: Path | None, store: str | None, by: str | None) -> None:
    """End all grants of an agent, and let it in no more: CLIENT is its client_id, or any of its grants."""
    here, shop = choose_store(config, store)
    now, operator = utc_now().timestamp(), operator_name(by)
    with friendly_errors(), open_for_change(here) as served:
        records = SqlOAuthRepository(served.database, None)
        known = {grant.id: grant.client_id for grant in records.grants(shop.id, limit=MAX_LISTED)}
        id_ = known.get(client, client)
        if not is_client_id(id_):
            raise CommandFailed(f"{client[:64]} is no client_id, and no grant; customers grants --json lists both.")
        number = records.block_client(shop.id, id_, kind_of_client(id_), now=now, by=operator)
    click.echo(f"{id_} is blocked at {shop.id}; {number} {'grant' if number == 1 else 'grants'} ended.")


@customers.command()
@click.argument("client", metavar="CLIENT")
@config_option
@store_option
@by_option
def unblock(client: str, config: Path | None, store: str | None, by: str | None) -> None:
    """Let a blocked agent in again, by its client_id; people have to allow it anew."""
    here, shop = choose_store(config, store)
    with friendly_errors(), open_for_change(here) as served:
        if not SqlOAuthRepository(served.database, None).unblock_client(shop.id, client, by=operator_name(by)):
            raise CommandFailed(f"{client[:64]} is not blocked at {shop.id}; customers blocked lists who is.")
    click.echo(f"{client} is let in again at {shop.id}.")


@customers.command("blocked")
@config_option
@store_option
@json_option
def list_blocked(config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Agents that are blocked, the last one first."""
    here, chosen = choose_stores(config, store)
    with open_to_read(here) as database:
        records = SqlOAuthRepository(database, None)
        found = [
            {
                "client_id": client.id,
                "store": client.store,
                "kind": client.kind,
                "blocked_at": _moment(client.blocked_at),
            }
            for shop in chosen
            for client in records.blocked_clients(shop.id)
            if client.blocked_at is not None
        ]
    if as_json:
        print_json({"clients": found})
        return
    table = Table("client_id", "store", "since (UTC)")
    for client in found:
        table.add_row(escape(str(client["client_id"])), str(client["store"]), f"{client['blocked_at']:%Y-%m-%d %H:%M}")
    print_table(table)


def _grant_row(grant: GrantRecord, now: float) -> Sequence[str]:
    last_used = "never" if grant.last_used_at is None else f"{_moment(grant.last_used_at):%Y-%m-%d %H:%M}"
    return (
        grant.id,
        grant.store,
        escape(grant.customer),
        escape(_agent(grant)),
        _standing(grant, now),
        f"{_moment(grant.expires_at):%Y-%m-%d}",
        last_used,
        ", ".join(grant.scopes),
    )


def _grant_json(grant: GrantRecord, now: float) -> dict[str, Any]:
    return {
        "id": grant.id,
        "store": grant.store,
        "customer": grant.customer,
        "client_id": grant.client_id,
        "client_name": grant.client_name,
        "redirect_host": grant.redirect_host,
        "scopes": list(grant.scopes),
        "standing": _standing(grant, now),
        "created_at": _moment(grant.created_at),
        "last_used_at": None if grant.last_used_at is None else _moment(grant.last_used_at),
        "expires_at": _moment(grant.expires_at),
        "ended_at": None if grant.ended_at is None else _moment(grant.ended_at),
    }


def _agent(grant: GrantRecord) -> str:
    """Who may act: the host is proven, the name is not."""
    where = grant.redirect_host or "an app on their computer"
    return f"{where} “{grant.client_name}”" if grant.client_name else where


def _standing(grant: GrantRecord, now: float) -> str:
    if grant.is_live(now):
        return "live"
    return f"ended: {grant.ended_why}" if grant.ended_why else "expired"


def _moment(at: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at, dt.UTC)
