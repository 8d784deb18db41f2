"""How stores' mirrors stand, in words and as a progress bar that follows a sweep."""

import time
from collections.abc import Callable, Sequence

import click
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from storefront_mcp.records.catalogue_mirrors import MirrorRecord, MirrorState
from storefront_mcp.settings.catalogue import MirrorSettings

FOLLOW_SECONDS = 0.5


class MirrorStatus(Struct, frozen=True, kw_only=True):
    """One mirror, for programs. Times are Unix seconds; None where there was none."""

    store: str
    place: str
    host: str
    state: MirrorState
    """absent, building, whole or stale; too_old when the shop is asked instead."""
    products: int
    as_of: float | None
    stock_as_of: float | None
    read: int
    total: int
    unreadable: int
    bytes_used: int
    problem: str | None


def mirror_status(record: MirrorRecord, settings: MirrorSettings, now: float) -> MirrorStatus:
    """For programs."""
    return MirrorStatus(
        store=record.store,
        place=record.place,
        host=record.host,
        state=record.state(now, max_age=settings.max_age, give_up=settings.give_up),
        products=record.products,
        as_of=record.as_of or None,
        stock_as_of=record.stock_as_of or None,
        read=record.read,
        total=record.total,
        unreadable=record.unreadable,
        bytes_used=record.bytes_used,
        problem=record.problem,
    )


def describe(record: MirrorRecord, settings: MirrorSettings, now: float) -> list[str]:
    """Lines for people."""
    state = record.state(now, max_age=settings.max_age, give_up=settings.give_up)
    name = f"{record.store}{f' on {record.host}' if record.host else ''}"
    lines = [f"{name}: {_SENTENCES[state].format(products=f'{record.products:,}', age=_age(now - record.as_of))}"]
    if record.generation:
        lines.append(
            f"  Stock and prices were looked at {_age(now - record.stock_as_of)} ago; {_size(record)} on disk."
        )
    if record.building:
        lines.append(
            f"  A sweep is under way: {record.read:,} of {record.total:,} products."
            if record.total
            else "  A sweep begins."
        )
    if record.unreadable:
        lines.append(
            f"  {record.unreadable:,} products are told by the shop in a way that cannot be read, and are missing."
        )
    if record.problem:
        lines.append(f"  For {_age(now - record.problem_since)}: {record.problem}")
    if record.generation and not record.has_writer(now):
        lines.append("  Nobody writes it now: no server runs there, or its writer is about to be started again.")
    return lines


_SENTENCES = {
    "absent": "there is no mirror yet, and nobody builds one: is the server running?",
    "building": "it is being built; until it is whole, the shop is asked.",
    "whole": "whole, with {products} products; the shop told of changes {age} ago.",
    "stale": "whole, with {products} products, and marked as stale: the shop last told of changes {age} ago.",
    "too_old": "too old, so the shop is asked: it last told of changes {age} ago.",
}


def follow_sweeps(
    read: Callable[[], Sequence[MirrorRecord]],
    console: Console,
    *,
    now: Callable[[], float] = time.time,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Show a bar for each sweep that is under way, until none is any more; ends with Ctrl-C, too."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks = {}
        while records := [one for one in read() if one.building and one.has_writer(now())]:
            for record in records:
                key = (record.store, record.place)
                if key not in tasks:
                    tasks[key] = bars.add_task(record.store, total=None)
                bars.update(tasks[key], completed=record.read, total=record.total or None)
            pause(FOLLOW_SECONDS)


def print_status(records: Sequence[tuple[MirrorRecord, MirrorSettings]], now: float) -> None:
    """Print how each stands."""
    for record, settings in records:
        for line in describe(record, settings, now):
            click.echo(line)


def _age(seconds: float) -> str:
    """A time span in its largest unit."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _size(record: MirrorRecord) -> str:
    return f"{record.bytes_used / 1e6:.1f} MB"
