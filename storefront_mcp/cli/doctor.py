"""`doctor`: examine a store and print findings with their fixes."""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click
from msgspec.structs import replace
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from storefront_mcp.app.diagnostics import doctor_subject
from storefront_mcp.cli.demo_folder import is_demo
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.cli.options import json_option, only_store, print_json, say_where, store_option
from storefront_mcp.cli.settings_file import LoadedSettings, config_option, load_settings, locate_settings
from storefront_mcp.commerce.origins import normalise_origin
from storefront_mcp.doctor import CheckResult, DoctorReport, ExaminationProgress, ExaminationSubject, examine
from storefront_mcp.settings import Settings, SettingsInvalid
from storefront_mcp.settings.program import command_line, made_by, program

COLOURS: Final = {"ok": "green", "note": "cyan", "warning": "yellow", "fault": "bold red"}
FAULTS_EXIT_CODE: Final = 1
"""Exit code of a report with faults."""


@click.command()
@click.argument("url", required=False)
@config_option
@store_option
@click.option("--cart", is_flag=True, help="Make a cart, quote shipping and leave the cart empty. Never an order.")
@click.option("--all", "show_all", is_flag=True, help="Show what is good, too.")
@json_option
@click.pass_context
def doctor(
    context: click.Context,
    url: str | None,
    config: Path | None,
    store: str | None,
    *,
    cart: bool,
    show_all: bool,
    as_json: bool,
) -> None:
    """Examine the store at URL, or the one that is set up here, or both with --config.

    It only looks, and has the database take one write.

    Exit code 0: no fault. 1: faults. 2: there was nothing to examine.
    """
    report = asyncio.run(_examine(_subject(url, config, store, cart=cart), quiet=as_json))
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, show_all=show_all)
    context.exit(0 if report.healthy else FAULTS_EXIT_CODE)


def _subject(url: str | None, config: Path | None, store: str | None, *, cart: bool) -> ExaminationSubject:
    """The subject that the arguments name. Raises CommandFailed."""
    address = None if url is None else _origin(url)
    if address is not None and config is None:
        click.echo(f"Only what is published at {address} is examined; --config adds settings to it.", err=True)
        return ExaminationSubject(url=address, cart=cart, program=program())
    path = locate_settings(config)
    if not path.exists():
        raise CommandFailed(f"There is no file {path}.")
    try:
        settings = load_settings(path).settings if is_demo(path) else Settings.load(path, os.environ)
    except SettingsInvalid as broken:
        click.echo(f"Settings {path.absolute()}", err=True)
        return ExaminationSubject(url=address, config=str(path), problems=broken.problems, cart=cart, program=program())
    here = LoadedSettings(settings, path)
    shop = only_store(here, store)
    say_where(here, [shop])
    return replace(
        doctor_subject(settings, shop, config=str(path), url=address, cart=cart),
        program=program(),
        options=("--config", str(path), *(("--store", shop.id) if len(settings.stores) > 1 else ())),
        demo=here.is_demo,
        start=made_by() or command_line("demo", "--state", path.parent) if here.is_demo else None,
    )


def _origin(url: str) -> str:
    """The origin of a URL. Raises CommandFailed."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return normalise_origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        pass
    raise CommandFailed(f"{url!r} is not an http or https URL.")


async def _examine(chosen: ExaminationSubject, *, quiet: bool) -> DoctorReport:
    """Examine, with a progress bar on a terminal's stderr."""
    console = Console(stderr=True, quiet=quiet)
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"Examining {chosen.origin or chosen.config}", total=None)

        def show_progress(progress: ExaminationProgress) -> None:
            bar.update(task, completed=progress.done, total=progress.of, description=progress.last.check.title)

        return await examine(chosen, on_progress=show_progress)


def print_report(report: DoctorReport, *, show_all: bool) -> None:
    """Print the verdict and the worst finding, then area by area what is not good, or everything."""
    console = Console(highlight=False)
    console.print(Text(report.verdict, style="bold"))
    for _, worst in report.ranked[:1] if report.ranked and report.ranked[0][1].level != "note" else ():
        rows = Table.grid(padding=(0, 1))
        rows.add_row(Text(worst.says, style=COLOURS[worst.level]))
        rows.add_row(Text(f"→ {worst.fix}"))
        console.print(Padding(rows, (0, 0, 0, 2)))
    for _, title, checks in report.areas():
        good = sum(one.outcome == "ok" for one in checks)
        gap = "" if good == len(checks) and not show_all else "\n"
        console.print(
            Text(f"{gap}{title}", style="bold").append(f"  {good} of {len(checks)} good", style="not bold dim")
        )
        for one in checks:
            if one.outcome != "skipped" and (show_all or one.outcome != "ok"):
                console.print(Padding(_check_rows(one, show_all=show_all), (0, 0, 0, 2)))
        for why, number in Counter(one.skipped for one in checks if one.outcome == "skipped").items():
            console.print(Text(f"  skipped  {count_words('check', number)}: {why}", style="dim"))
    counts = ", ".join(count_words(level, number) for level, number in report.counts.items() if number)
    more = "" if show_all else " What is good is shown by --all."
    console.print(Text(f"\n{report.url or report.config}: {counts}, in {report.seconds:.1f} s.{more}", style="bold"))


def count_words(what: str, number: int) -> str:
    """A number with its noun: "1 note", "2 notes", "3 ok", "1 check skipped"."""
    if what == "ok":
        return f"{number} ok"
    if what == "skipped":
        return f"{count_words('check', number)} skipped"
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _check_rows(one: CheckResult, *, show_all: bool) -> Table:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(width=8, no_wrap=True)
    rows.add_column()
    rows.add_row(Text(one.outcome, style=COLOURS[one.outcome]), Text(f"{one.check.title} {one.answer or ''}".rstrip()))
    for finding in one.findings:
        if show_all or finding.level != "ok":
            rows.add_row("", Text(finding.says, style="dim" if finding.level == "ok" else COLOURS[finding.level]))
        if finding.fix is not None:
            rows.add_row("", Text(f"→ {finding.fix}"))
    return rows
