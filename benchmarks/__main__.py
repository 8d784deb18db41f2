"""`make bench`: start everybody, load them in turn, print the tables, write the numbers down."""

from contextlib import ExitStack
from itertools import chain
from typing import Final

import click
import msgspec
from rich.console import Console

from benchmarks.asks import ASKS, CALL, CALL_MODERN, LIST, Ask
from benchmarks.catalogue import PRODUCTS, figures, table
from benchmarks.installing import ToolMissing, install
from benchmarks.load import measured
from benchmarks.machine import Machine
from benchmarks.mirror_build import figures as build_figures
from benchmarks.mirror_sizes import SIZES, figures as size_figures
from benchmarks.report import print_report, write_docs
from benchmarks.results import Reading, Results, Start, load_name
from benchmarks.scale import MANY, figures as row_figures
from benchmarks.servers import BUILD, OURS, SERVERS, Running, Server, running
from benchmarks.shop import shop
from benchmarks.targets import AT

CALLS: Final = (CALL, CALL_MODERN)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50), help="Of everything, interleaved.")
@click.option("--seconds", default=1, show_default=True, type=click.IntRange(1, 60), help="Of each load.")
@click.option("--quick", is_flag=True, help="16 connections only.")
@click.option("--only", multiple=True, help="Servers whose name holds this; ours and the limits always run.")
@click.option("--no-shop", is_flag=True, help="Leave out the calls that ask a shop.")
@click.option("--catalogue", is_flag=True, help="The mirror's index beside the demo shop's SQLite, and nothing else.")
@click.option(
    "--scale",
    "sizes",
    is_flag=True,
    help="Mirrors of up to 200,000 products, searches while one is built, tables with a million rows; nothing else.",
)
@click.option("--write-docs", "documents", is_flag=True, help="Put the tables into docs/performance.md.")
def main(  # noqa: PLR0913 -- one for each option
    *,
    rounds: int,
    seconds: int,
    quick: bool,
    only: tuple[str, ...],
    no_shop: bool,
    catalogue: bool,
    sizes: bool,
    documents: bool,
) -> None:
    """Measure us, our peers and the limit; numbers go to build/bench/results.json."""
    if catalogue:
        _say("building two indexes of 20,000 products")
        for line in table(figures(PRODUCTS, rounds)):
            click.echo(line)
        return
    if sizes:
        _say("building mirrors of up to 200,000 products, then one of 20,000 again and again, then a million rows")
        for line in table(
            chain(size_figures(SIZES, rounds), build_figures(PRODUCTS, rounds), row_figures(MANY, rounds))
        ):
            click.echo(line)
        return
    try:
        install(nginx=not no_shop)
    except ToolMissing as missing:
        raise click.ClickException(str(missing)) from None
    servers = [one for one in SERVERS if one.ours or one.limit or not only or any(part in one.name for part in only)]
    seconds = 1 if quick else seconds
    loads = [(ask, number) for ask in CALLS for number in ((AT,) if quick else (1, AT, 64))]
    results = Results(Machine.here(), rounds, seconds, [], [])
    _agree(servers)
    for number in range(1, rounds + 1):
        _say(f"round {number} of {rounds}")
        lists = [(ask, AT) for ask in ASKS if ask not in CALLS]
        _round(results, number, servers, [*loads, *lists], None)
        if not no_shop:
            with shop() as origin:
                _round(results, number, [one for one in servers if one.asks_shops], loads, origin)
        (BUILD / "results.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    print_report(results)
    if documents:
        write_docs(results)


def _agree(servers: list[Server]) -> None:
    """Nobody is measured who does not give the same answer; a first start also leaves its bytecode behind."""
    for server in sorted(servers, key=lambda one: not one.ours):
        _say(f"checking {server.name}")
        with running(server) as one:
            if server is OURS:
                (BUILD / "tools.json").write_bytes(msgspec.json.encode(one.post(LIST)["result"]))
            for ask in ASKS:
                if ask.version in server.versions:
                    one.check(ask)


def _round(
    results: Results, number: int, servers: list[Server], loads: list[tuple[Ask, int]], origin: str | None
) -> None:
    """Everybody stands ready; each load visits one after the other, so that what disturbs one disturbs all."""
    with ExitStack() as stack:
        everybody: list[Running] = [stack.enter_context(running(server, shop=origin)) for server in servers]
        for ask, connections in loads:
            name = load_name(ask.name, connections, shop=origin is not None)
            for one in everybody:
                if ask.version in one.server.versions:
                    one.check(ask)
                    found = measured(one, ask, connections=connections, seconds=results.seconds)
                    results.readings.append(Reading(one.server.name, name, number, found))
            _say(f"  {name}")
        if origin is None:
            results.starts += [Start(one.server.name, number, one.first_answer, one.resident()) for one in everybody]


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, style="dim")


if __name__ == "__main__":
    main()
