"""`audit`: who did what, as lines to read, as JSON to keep, and whether anything of it was changed."""

import datetime as dt
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from storefront_mcp.calls.audit import Entry, moment
from storefront_mcp.cli.starting import Found, config_option, found
from storefront_mcp.cli.stops import Stopped, told
from storefront_mcp.database import Database
from storefront_mcp.database.audit import AuditLog, Recorded
from storefront_mcp.database.engine import utc_now

SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NOTED: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
POLL: Final = 0.5
"""Seconds between two looks of `tail --follow`."""


class Since(click.ParamType[str]):
    """A date, a time, or a span before now; the value is a moment as entries spell it."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 -- click's signature
        """Read it."""
        if span := SPAN.fullmatch(value):
            return moment(utc_now() - dt.timedelta(**{UNITS[span[2]]: int(span[1])}))
        try:
            at = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date, no time and no span such as 90m, 24h or 7d.", param, ctx)
        return moment(at if at.tzinfo else at.replace(tzinfo=dt.UTC))


store_option = click.option("--store", metavar="ID", help="Only entries of this store.")
since_option = click.option("--since", type=Since(), help="A date, a time (UTC), or 90m, 24h, 7d.")


@click.group()
def audit() -> None:
    """Read and verify the record of who did what."""


@audit.command()
@config_option
@store_option
@click.option("-n", "last", type=click.IntRange(0, 100_000), default=20, show_default=True, help="How many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes.")
def tail(config: Path | None, store: str | None, last: int, *, follow: bool) -> None:
    """Show the newest entries, one line each."""
    with _log(config, store) as log:
        number = 0
        for recorded in log.read(store=store, last=last):
            click.echo(_line(recorded))
            number = recorded.number
        if follow and not number:
            number = log.verify().number
        while follow:
            for recorded in log.read(store=store, after=number):
                click.echo(_line(recorded))
                number = recorded.number
            time.sleep(POLL)


@audit.command()
@config_option
@store_option
@since_option
def export(config: Path | None, store: str | None, since: str | None) -> None:
    """Write entries as JSON lines, oldest first."""
    with _log(config, store) as log:
        for recorded in log.read(store=store, since=since or ""):
            row = {"number": recorded.number, **msgspec.to_builtins(recorded.entry), "hash": recorded.hash}
            click.echo(msgspec.json.encode(row).decode())


@audit.command()
@config_option
@click.option("--holds", metavar="NUMBER:HASH", help="Also ask whether this entry, noted earlier, is still the same.")
def verify(config: Path | None, holds: str | None) -> None:
    """Walk the chain: exit code 1 and the places when anything was changed, removed or moved."""
    noted = NOTED.fullmatch(holds) if holds is not None else None
    if holds is not None and noted is None:
        raise Stopped("--holds wants what verify printed: the number, a colon and the 64 digits of the hash.")
    with _log(config, None) as log:
        verdict = log.verify()
        problems = list(verdict.problems)
        if noted and int(noted[1]) < verdict.first:
            problems.append(f"entry {noted[1]} was dropped in time, so it can no longer be compared")
        elif noted and not log.holds(int(noted[1]), noted[2]):
            problems.append(f"entry {noted[1]} is not the one that was noted")
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)
    click.echo(f"{verdict.entries} entries are as they were written. The last one is {verdict.number}:{verdict.hash}")


@contextmanager
def _log(config: Path | None, store: str | None) -> Iterator[AuditLog]:
    """The audit, for the time of one command."""
    here = found(config)
    if store is not None:
        _check(here, store)
    with told():
        database = Database(here.settings.database)
    try:
        yield AuditLog(database)
    finally:
        database.close()


def _check(here: Found, store: str) -> None:
    known = [shop.id for shop in here.settings.stores]
    if store not in known:
        raise Stopped(f"There is no store {store}; {here.path} has {', '.join(known)}.")


def _line(recorded: Recorded) -> str:
    entry = recorded.entry
    took = "" if entry.milliseconds is msgspec.UNSET else f" {entry.milliseconds:g} ms"
    where, what = entry.store or "-", f"{entry.what} {entry.subject}"
    return f"{recorded.number} {entry.at} {where} {_who(entry)} {what} {entry.outcome}{took}"


def _who(entry: Entry) -> str:
    who = entry.who
    name = who.id or who.network
    return f"{who.kind}:{name}" if name else who.kind
