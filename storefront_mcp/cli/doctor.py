"""`doctor`: examine a store and say what is wrong with it and what to do."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from storefront_mcp.app.examining import subject
from storefront_mcp.cli.starting import DEMO_FILE, Found, config_option, found, located
from storefront_mcp.cli.stops import Stopped
from storefront_mcp.cli.stores import json_option, only_store, print_json, store_option
from storefront_mcp.doctor import Checked, Progress, Report, Subject, examine
from storefront_mcp.settings import Settings, SettingsBroken
from storefront_mcp.settings.origins import tidy

COLOURS: Final = {"ok": "green", "note": "cyan", "warning": "yellow", "fault": "bold red"}
FAULTS: Final = 1
"""The exit code where there are faults."""


@click.command()
@click.argument("url", required=False)
@config_option
@store_option
@click.option("--cart", is_flag=True, help="Make a cart, quote shipping and leave the cart empty. Never an order.")
@json_option
@click.pass_context
def doctor(
    context: click.Context, url: str | None, config: Path | None, store: str | None, *, cart: bool, as_json: bool
) -> None:
    """Examine the store at URL, or the one that is set up here, or both with --config. It changes nothing.

    Exit code 0: no fault. 1: faults. 2: there was nothing to examine.
    """
    report = asyncio.run(_examined(_subject(url, config, store, cart=cart), quiet=as_json))
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    context.exit(0 if report.healthy else FAULTS)


def _subject(url: str | None, config: Path | None, store: str | None, *, cart: bool) -> Subject:
    """What is to be examined. Raises Stopped."""
    address = None if url is None else _origin(url)
    if address is not None and config is None:
        return Subject(url=address, cart=cart)
    path = located(config)
    if not path.exists():
        raise Stopped(f"There is no file {path}.")
    try:
        settings = found(path).settings if path.name == DEMO_FILE else Settings.load(path, os.environ)
    except SettingsBroken as broken:
        return Subject(url=address, config=str(path), problems=broken.problems, cart=cart)
    shop = only_store(Found(settings, path), store)
    return subject(settings, shop, config=str(path), url=address, cart=cart)


def _origin(url: str) -> str:
    """The origin of an address. Raises Stopped."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return tidy(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        pass
    raise Stopped(f"{url!r} is not an http or https URL.")


async def _examined(chosen: Subject, *, quiet: bool) -> Report:
    """Examine, with a bar on stderr for people who watch."""
    console = Console(stderr=True, quiet=quiet)
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"Examining {chosen.origin or chosen.config}", total=None)

        def told(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.of, description=progress.last.check.title)

        return await examine(chosen, told=told)


def _print(report: Report) -> None:
    """Area by area: what was checked, what was seen, and under it what to do."""
    console = Console(highlight=False)
    for _, title, checks in report.areas():
        console.print(Text(f"\n{title}", style="bold"))
        for one in checks:
            if one.outcome != "skipped":
                console.print(Padding(_rows(one), (0, 0, 0, 2)))
        for why, number in Counter(one.skipped for one in checks if one.outcome == "skipped").items():
            console.print(Text(f"  skipped  {number} {'check' if number == 1 else 'checks'}: {why}", style="dim"))
    counts = ", ".join(f"{number} {level}" for level, number in report.counts.items() if number)
    console.print(Text(f"\n{report.url or report.config}: {counts}, in {report.seconds:.1f} s.", style="bold"))


def _rows(one: Checked) -> Table:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(width=8, no_wrap=True)
    rows.add_column()
    rows.add_row(Text(one.outcome, style=COLOURS[one.outcome]), Text(one.check.title))
    for finding in one.findings:
        rows.add_row("", Text(finding.says, style="dim" if finding.level == "ok" else COLOURS[finding.level]))
        if finding.fix is not None:
            rows.add_row("", Text(f"→ {finding.fix}"))
    return rows
