"""`python -m benchmarks.flood`: a server behind the shipped nginx, 16 shoppers, a flooder on each kind of route."""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.flood.routes import Route, named
from benchmarks.flood.shoppers import Crowd, Waits
from benchmarks.machine import cores, pinned
from tests.external.deploy.proxies import nginx
from tests.serving import free_port, until
from tools.debian_programs import search_path

ALLOWED_RATIO: Final = 3.0
LONGEST: Final = "43200"
"""Seconds after which nginx ends where this process was killed."""
QUIET_SECONDS: Final = 60.0
"""Of a quiet span, at most."""
SETTINGS: Final = """
port = {port}
trusted_proxies = ["127.0.0.1/32"]
[[store]]
id = "pickle"
origin = "http://127.0.0.1:{front}"
name = "Pickle"
currency = "AUD"
upstream = {{ kind = "demo" }}
payments = {{ provider = "sandbox" }}
console = {{ on = true }}
"""


class Found:
    """Spans of one kind of route: quiet ones, flooded ones, and what the flooder was told."""

    def __init__(self) -> None:
        self.quiet: list[Waits] = []
        self.flooded: list[Waits] = []
        self.told: Counter[str] = Counter()

    def p99(self, spans: list[Waits]) -> float:
        """The median of the spans."""
        return statistics.median(span.quantile(0.99) for span in spans)

    @property
    def ratio(self) -> float:
        """Flooded to quiet."""
        return self.p99(self.flooded) / self.p99(self.quiet)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 100), help="Of all routes, interleaved.")
@click.option("--seconds", default=3.0, show_default=True, type=click.FloatRange(0.5, 600), help="Of each span.")
@click.option("--minutes", default=0.0, help="Flood each route for so long in all; wins over --seconds.")
@click.option("--only", multiple=True, help="Routes whose name holds this.")
def main(*, rounds: int, seconds: float, minutes: float, only: tuple[str, ...]) -> None:
    """Print what shoppers wait, quiet and flooded; exit code 1 where a ratio is above 3 or a shopper was refused."""
    seconds = minutes * 60 / rounds if minutes else seconds
    with _standing() as port:
        found = asyncio.run(_measured(port, list(named(only)), rounds, seconds))
    _report(found)
    slow = [name for name, one in found.items() if one.ratio > ALLOWED_RATIO]
    failed = [text for one in found.values() for span in (*one.quiet, *one.flooded) for text in span.failed]
    for text, count in Counter(failed).most_common(5):
        click.echo(f"{count} times: {text[:200]}", err=True)
    sys.exit(1 if slow or failed else 0)


@contextlib.contextmanager
def _standing() -> Iterator[int]:
    """The port of nginx in front of a server with everything open."""
    port, front = free_port(), free_port()
    program = [str(Path(sys.executable).with_name("storefront-mcp"))]
    os.environ["PATH"] = search_path()
    with tempfile.TemporaryDirectory(prefix="storefront-flood-") as name:
        folder = Path(name)
        (folder / "storefront.toml").write_text(SETTINGS.format(port=port, front=front), encoding="utf-8")
        opening = [*program, "phases", "open", "p1_browse", "p2_cart", "p3_checkout"]
        subprocess.run(opening, cwd=folder, check=True, capture_output=True)
        with (folder / "said").open("wb") as said, nginx("subdomain", port=front, upstream=port, longest=LONGEST):
            command = pinned(cores()[0], [*program, "serve"])
            server = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
            try:
                until(lambda: _answers(port), "the server")
                yield front
            finally:
                server.terminate()
                server.wait(30)


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.HTTPError:
        return False


async def _measured(port: int, routes: list[Route], rounds: int, seconds: float) -> dict[str, Found]:
    """Each round visits each route once: a quiet span, then a flooded one, so that what disturbs one disturbs both."""
    found = {route.name: Found() for route in routes}
    crowd = Crowd(port)
    shopping = asyncio.create_task(crowd.run())
    await _span(crowd, min(seconds, QUIET_SECONDS))
    for number in range(rounds):
        for route in routes:
            one = found[route.name]
            one.quiet.append(await _span(crowd, min(seconds, QUIET_SECONDS)))
            command = [sys.executable, "-m", "benchmarks.flood.flooder", str(port), route.name, str(seconds + 1)]
            flooder = await asyncio.create_subprocess_exec(
                *pinned(cores()[1], ["nice", "-n", "10", *command]), stdout=asyncio.subprocess.PIPE
            )
            await asyncio.sleep(1)
            one.flooded.append(await _span(crowd, seconds))
            one.told.update(json.loads((await flooder.communicate())[0]))
            shown = f"{one.flooded[-1].quantile(0.99):.0f} ms, quiet {one.quiet[-1].quantile(0.99):.0f} ms"
            Console(stderr=True).print(f"round {number + 1}: {route.name}: {shown}", style="dim")
    shopping.cancel()
    await asyncio.gather(shopping, return_exceptions=True)
    return found


async def _span(crowd: Crowd, seconds: float) -> Waits:
    crowd.waits = waits = Waits()
    await asyncio.sleep(seconds)
    return waits


def _report(found: dict[str, Found]) -> None:
    table = Table("flooded", "p99 quiet, ms", "p99 flooded, ms", "ratio", "calls", "the flooder was told")
    for name, one in found.items():
        told = ", ".join(f"{count} times {status}" for status, count in one.told.most_common(3)) or "nothing"
        calls = sum(len(span.seconds) for span in one.flooded)
        numbers = (f"{one.p99(one.quiet):.0f}", f"{one.p99(one.flooded):.0f}", f"{one.ratio:.1f}", str(calls))
        table.add_row(name, *numbers, told)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
