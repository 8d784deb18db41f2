"""`audit`: show, export and verify the audit log."""

import contextlib
import datetime as dt
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.existing_database import open_to_read
from storefront_mcp.cli.groups import CommandGroup
from storefront_mcp.cli.options import choose_stores
from storefront_mcp.cli.settings_file import config_option
from storefront_mcp.commerce.plain_text import visible_line
from storefront_mcp.database.audit import AuditLog
from storefront_mcp.database.engine import utc_now
from storefront_mcp.records.audit import AuditEntry, StoredAuditEntry, audit_timestamp
from storefront_mcp.records.outcomes import current_outcome

SPAN_PATTERN: Final = re.compile(r"(\d{1,6})([smhd])")
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
ENTRY_HASH_PATTERN: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
POLL_SECONDS: Final = 0.5
"""Interval of `tail --follow`."""


class SinceParameter(click.ParamType[str]):
    """A date, a time, or a span before now; converts to a timestamp in the format of audit entries."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 -- click's signature
        """As click's."""
        if span := SPAN_PATTERN.fullmatch(value):
            return audit_timestamp(utc_now() - dt.timedelta(**{UNITS[span[2]]: int(span[1])}))
        try:
            at = dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date, no time and no span such as 90m, 24h or 7d.", param, ctx)
        return audit_timestamp(at if at.tzinfo else at.replace(tzinfo=dt.UTC))


store_option = click.option("--store", metavar="ID", help="Only entries of this store.")
since_option = click.option("--since", type=SinceParameter(), help="A date, a time (UTC), or 90m, 24h, 7d.")


@click.group(cls=CommandGroup)
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
            click.echo(_entry_line(recorded))
            number = recorded.number
        if follow and not number:
            number = log.verify().number
        # Ctrl-C is how it is meant to end.
        with contextlib.suppress(KeyboardInterrupt):
            while follow:
                for recorded in log.read(store=store, after=number):
                    click.echo(_entry_line(recorded))
                    number = recorded.number
                time.sleep(POLL_SECONDS)


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
    noted = ENTRY_HASH_PATTERN.fullmatch(holds) if holds is not None else None
    if holds is not None and noted is None:
        raise CommandFailed("--holds wants what verify printed: the number, a colon and the 64 digits of the hash.")
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


@contextlib.contextmanager
def _log(config: Path | None, store: str | None) -> Iterator[AuditLog]:
    """The audit log, open read-only for one command."""
    here, _ = choose_stores(config, store)
    with open_to_read(here) as database:
        yield AuditLog(database)


def _entry_line(recorded: StoredAuditEntry) -> str:
    entry = recorded.entry
    duration = "" if entry.milliseconds is msgspec.UNSET else f" {entry.milliseconds:g} ms"
    where, what = entry.store or "-", f"{entry.what} {entry.subject}"
    # One line whatever an actor is called: labels were once not checked.
    return visible_line(
        f"{recorded.number} {entry.at} {where} {_actor_text(entry)} {what} {current_outcome(entry.outcome)}{duration}"
    )


def _actor_text(entry: AuditEntry) -> str:
    who = entry.who
    name = who.id or who.network
    return f"{who.kind}:{name}" if name else who.kind
