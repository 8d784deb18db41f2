"""`keys`: mint, list, revoke and rotate API keys, in the database."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from storefront_mcp.access.credentials import (
    DEFAULT_KEY_LIFETIME,
    LABEL_RULE,
    MAX_KEY_LIFETIME,
    ApiKey,
    KeyStatus,
    NoSuchKey,
    StoredKey,
    is_label,
    key_view,
)
from storefront_mcp.access.scopes import SCOPE_SETS, UnknownScopes, parse_scopes, sorted_scopes
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
from storefront_mcp.commerce.plain_text import visible_line
from storefront_mcp.database.api_keys import SqlApiKeyRepository
from storefront_mcp.database.engine import utc_now
from storefront_mcp.identity.api_key_format import mint_key

COLOURS: Final[Mapping[KeyStatus, str]] = {"valid": "green", "expired": "yellow", "revoked": "dim", "rotated": "dim"}


@click.group(cls=CommandGroup)
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
    help=f"What it may do; several times for several. {', '.join(SCOPE_SETS)} stand for whole sets.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MAX_KEY_LIFETIME.days),
    default=DEFAULT_KEY_LIFETIME.days,
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
    here, shop = choose_store(config, store)
    try:
        chosen = parse_scopes(scopes)
    except UnknownScopes as error:
        raise CommandFailed(str(error)) from None
    if not is_label(label.strip()):
        raise CommandFailed(LABEL_RULE)
    new = mint_key(
        store=shop.id,
        label=label.strip(),
        scopes=chosen,
        by=operator_name(by),
        now=utc_now(),
        lifetime=dt.timedelta(days=days),
    )
    with _open_repository(here) as repository:
        key = repository.add(new.key, new.digest)
    if as_json:
        print_json({"token": new.secret.reveal(), **_key_json(key)})
        return
    # Standard output has the key alone, for pipes.
    click.echo(f"Key {key.id} of {key.store} counts until {_day(key.expires_at)}, on every worker, now.", err=True)
    click.echo(f"  may: {', '.join(sorted_scopes(key.scopes))}", err=True)
    click.echo("Keep it now: it is not shown again, and only its hash is on record.", err=True)
    click.echo(new.secret.reveal())


@keys.command("list")
@config_option
@store_option
@json_option
def list_keys(config: Path | None, store: str | None, *, as_json: bool) -> None:
    """Every key, void ones too; what was minted cannot be shown again."""
    here, chosen = choose_stores(config, store)
    shops = {shop.id for shop in chosen}
    now = utc_now()
    with open_to_read(here) as database:
        stored = [one for one in SqlApiKeyRepository(database).list() if one.key.store in shops]
    if as_json:
        print_json({"keys": [_key_json(one.key) | {"standing": one.status_at(now)} for one in stored]})
        return
    table = Table("id", "store", "label", "standing", "until", "last used (UTC)", "minted by", "scopes")
    for one in stored:
        table.add_row(*_key_row(one, now))
    print_table(table)


@keys.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@config_option
@store_option
@by_option
def revoke(ids: Sequence[str], config: Path | None, store: str | None, by: str | None) -> None:
    """Void keys for good, on every worker within a second."""
    here, shop = choose_store(config, store)
    unknown: list[str] = []
    with _open_repository(here) as repository:
        for id_ in ids:
            try:
                key = repository.revoke(shop.id, id_, by=operator_name(by))
            except NoSuchKey as error:
                unknown.append(str(error))
            else:
                click.echo(f"{key.id} ({visible_line(key.label)}) is revoked.")
    if unknown:
        raise CommandFailed("\n".join(unknown))


@keys.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
@store_option
@by_option
def rotate(config: Path | None, store: str | None, by: str | None, *, yes: bool) -> None:
    """Void every key of a store in one step, on every worker within a second."""
    here, shop = choose_store(config, store)
    if not yes:
        click.confirm(f"Void every API key of {shop.id}?", abort=True)
    with _open_repository(here) as repository:
        epoch = repository.rotate(shop.id, by=operator_name(by))
    click.echo(f"Every key of {shop.id} is void. Keys that are minted from now on are of epoch {epoch}.")


@contextmanager
def _open_repository(here: LoadedSettings) -> Iterator[SqlApiKeyRepository]:
    """The API key repository, for a command that changes keys of a running server."""
    with friendly_errors(), open_for_change(here) as served:
        yield SqlApiKeyRepository(served.database)


def _key_row(one: StoredKey, now: dt.datetime) -> Sequence[str]:
    key, status = one.key, one.status_at(now)
    last_used = "never" if key.last_used_at is None else key.last_used_at.strftime("%Y-%m-%d %H:%M")
    scopes = ", ".join(sorted_scopes(key.scopes))
    coloured_status = f"[{COLOURS[status]}]{status}[/]"
    until = _day(key.expires_at)
    label, by = escape(visible_line(key.label)), escape(visible_line(key.created_by))
    return key.id, key.store, label, coloured_status, until, last_used, by, scopes


def _key_json(key: ApiKey) -> dict[str, Any]:
    return {"id": key.id, "store": key.store, **key_view(key)}


def _day(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d")
