"""`keys`: mint, list, revoke and rotate API keys; access to the database file is all it takes."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from storefront_mcp.calls.credentials import (
    LIFETIME,
    LONGEST_LABEL,
    LONGEST_LIFETIME,
    ApiKey,
    NoSuchKey,
    Standing,
    StoredKey,
)
from storefront_mcp.calls.scopes import SETS, UnknownScopes, chosen_scopes, in_order
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
from storefront_mcp.database.api_keys import DatabaseKeys
from storefront_mcp.database.engine import utc_now
from storefront_mcp.identity.keys import mint as minted

COLOURS: Final[Mapping[Standing, str]] = {"valid": "green", "expired": "yellow", "revoked": "dim", "rotated": "dim"}


@click.group()
def keys() -> None:
    """API keys of agents and programs that need more than a guest may do."""


@keys.command()
@click.option("--label", metavar="TEXT", required=True, help="What it is for; shown in lists and in the audit.")
@click.option(
    "--scope",
    "scopes",
    metavar="SCOPE",
    multiple=True,
    required=True,
    help=f"What it may do; several times for several. {', '.join(SETS)} stand for whole sets.",
)
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_LIFETIME.days),
    default=LIFETIME.days,
    show_default=True,
    help="How long it counts.",
)
@config_option
@store_option
@by_option
@json_option
def mint(
    label: str,
    scopes: Sequence[str],
    days: int,
    config: Path | None,
    store: str | None,
    by: str | None,
    *,
    as_json: bool,
) -> None:
    """Mint a key. It is shown this once and never again."""
    here = found(config)
    shop = only_store(here, store)
    try:
        chosen = chosen_scopes(scopes)
    except UnknownScopes as error:
        raise Stopped(str(error)) from None
    if not 0 < len(label.strip()) <= LONGEST_LABEL:
        raise Stopped(f"A label has 1 to {LONGEST_LABEL} characters.")
    new = minted(
        store=shop.id,
        label=label.strip(),
        scopes=chosen,
        by=doer(by),
        now=utc_now(),
        lifetime=dt.timedelta(days=days),
    )
    with _record(here) as record:
        key = record.add(new.key, new.digest)
    if as_json:
        print_json({"token": new.secret.reveal(), **_key_json(key)})
        return
    # The key alone goes where a pipe takes it.
    click.echo(f"Key {key.id} of {key.store} counts until {_day(key.expires_at)}, on every worker, now.", err=True)
    click.echo(f"  may: {', '.join(in_order(key.scopes))}", err=True)
    click.echo("Keep it now: it is not shown again, and only its hash is on record.", err=True)
    click.echo(new.secret.reveal())


@keys.command("list")
@config_option
@store_option
@json_option
def list_keys(config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Every key, void ones too; what was minted cannot be shown again."""
    here = found(config)
    shops = {shop.id for shop in stores_named(here, store)}
    now = utc_now()
    with _record(here) as record:
        stored = [one for one in record.listed() if one.key.store in shops]
    if as_json:
        print_json({"keys": [_key_json(one.key) | {"standing": one.standing(now)} for one in stored]})
        return
    table = Table("id", "store", "label", "standing", "until", "last used (UTC)", "minted by", "scopes")
    for one in stored:
        table.add_row(*_row(one, now))
    print_table(table)


@keys.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@config_option
@store_option
def revoke(ids: Sequence[str], config: Path | None, store: str | None) -> None:
    """Void keys for good, on every worker within a second."""
    here = found(config)
    shop = only_store(here, store)
    unknown: list[str] = []
    with _record(here) as record:
        for id_ in ids:
            try:
                key = record.revoke(shop.id, id_, by=doer(None))
            except NoSuchKey as error:
                unknown.append(str(error))
            else:
                click.echo(f"{key.id} ({key.label}) is revoked.")
    if unknown:
        raise Stopped("\n".join(unknown))


@keys.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@store_option
def rotate(config: Path | None, store: str | None, *, yes: bool) -> None:
    """Void every key of a store in one step, on every worker within a second."""
    here = found(config)
    shop = only_store(here, store)
    if not yes:
        click.confirm(f"Void every API key of {shop.id}?", abort=True)
    with _record(here) as record:
        epoch = record.rotate(shop.id, by=doer(None))
    click.echo(f"Every key of {shop.id} is void. Keys that are minted from now on are of epoch {epoch}.")


@contextmanager
def _record(here: Found) -> Iterator[DatabaseKeys]:
    """The record of keys, for the time of one command."""
    with told():
        database = Database(here.settings.database)
        try:
            yield DatabaseKeys(database)
        finally:
            database.close()


def _row(one: StoredKey, now: dt.datetime) -> Sequence[str]:
    key, standing = one.key, one.standing(now)
    used = "never" if key.last_used_at is None else key.last_used_at.strftime("%Y-%m-%d %H:%M")
    scopes = ", ".join(in_order(key.scopes))
    shown = f"[{COLOURS[standing]}]{standing}[/]"
    return key.id, key.store, escape(key.label), shown, _day(key.expires_at), used, escape(key.created_by), scopes


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "store": key.store,
        "label": key.label,
        "scopes": in_order(key.scopes),
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _day(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d")
