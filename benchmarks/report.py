"""The tables, for a terminal and for docs/performance.md."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.asks import CALL, CALL_MODERN, CUSTOMER_CALL, LIST, LIST_MODERN, OTHER_PROTOCOLS
from benchmarks.results import Results, load_name
from benchmarks.servers import ENC, OURS, SERVERS, SIGNING_IN
from benchmarks.targets import AT, Target, judged

PAGE: Final = Path("docs/performance.md")
OPENED, CLOSED = "<!-- measured: make bench ARGS=--write-docs -->", "<!-- /measured -->"
NOTHING: Final = "-"
WIDE: Final = 160
"""Columns where nobody looks at them yet."""


EXPLAINED: Final = (
    '"µs CPU" is the server\'s processor time per answer, and "of a core" how much of its core it got: less than all',
    "where others work on the machine too, and then the rates are theirs as much as ours.",
    f'"Ours is" therefore compares processor time within each round: 0.80 times "{ENC.name}" is 80 % of its answers.',
)


class Sheet(Struct, frozen=True):
    """A table of texts."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def sheets(results: Results) -> Iterator[Sheet]:
    """Everything a run has to show, the targets last."""
    for ask in (CALL, CALL_MODERN):
        yield _calls(results, ask.name, f"tools/call at {ask.version}, answered without asking anybody", shop=False)
    yield _lists(results)
    for ask in (CALL, CALL_MODERN):
        yield _calls(results, ask.name, f"tools/call at {ask.version} that asks the shop", shop=True)
    yield _protocols(results)
    yield _sign_in(results)
    yield _costs(results)
    rows = [[one.says, one.wanted, one.found, _verdict(one)] for one in judged(results)]
    yield Sheet("Targets, at 16 connections", ["", "wanted", "found", ""], rows)


def _verdict(target: Target) -> str:
    return "met" if target.met else "not met"


def _calls(results: Results, ask: str, title: str, *, shop: bool) -> Sheet:
    loads = {number: load_name(ask, number, shop=shop) for number in (1, AT, 64)}
    at = loads[AT]
    columns: dict[str, Callable[[str], str]] = {
        **{f"c={number}": _figure(results, load, "rate", ",.0f") for number, load in loads.items()},
        "p50 ms": _figure(results, at, "p50", ".2f"),
        "p99 ms": _figure(results, at, "p99", ".2f"),
        "µs CPU": _figure(results, at, "cpu", ",.0f"),
        "of a core": lambda server: _shown(results.share(server, at), ".0%"),
        "ours is": lambda server: _times(results.ratio(OURS.name, server, at)),
    }
    return _sheet(results, title, columns, at)


def _lists(results: Results) -> Sheet:
    loads = {ask.version: load_name(ask.name, AT) for ask in (LIST, LIST_MODERN)}
    columns: dict[str, Callable[[str], str]] = {
        **{version: _figure(results, load, "rate", ",.0f") for version, load in loads.items()},
        "p99 ms": _figure(results, loads[LIST.version], "p99", ".2f"),
        "ours is": lambda server: _times(results.ratio(OURS.name, server, loads[LIST.version])),
    }
    return _sheet(results, "tools/list, 16 connections (peers list one tool, we and the limit a phase)", columns, None)


def _protocols(results: Results) -> Sheet:
    """What the same search costs by our other agent protocols."""
    call = results.middle(OURS.name, load_name(CALL.name, AT), "cpu")
    rows = []
    for ask in (CALL, *OTHER_PROTOCOLS):
        load = load_name(ask.name, AT)
        rate, cpu = (results.middle(OURS.name, load, field) for field in ("rate", "cpu"))
        times = None if cpu is None or not call else cpu / call
        name = f"{ask.method} of {ask.version}"
        rows.append([name, _shown(rate, ",.0f"), _shown(cpu, ",.0f"), _times(times)])
    head = ["", "answers/s", "µs CPU", "of a tools/call"]
    return Sheet(
        "The same search by our other protocols, 16 connections", head, [row for row in rows if row[1] != NOTHING]
    )


def _sign_in(results: Results) -> Sheet:
    """What the same search costs of guests and customers."""
    loads = (
        ("a guest, where nobody can sign in", OURS.name, load_name(CALL.name, AT)),
        ("a guest, where customers can", SIGNING_IN.name, load_name(CALL.name, AT)),
        ("a customer who has", SIGNING_IN.name, load_name(CUSTOMER_CALL.name, AT)),
    )
    rows = []
    for who, server, load in loads:
        rate, cpu = (results.middle(server, load, field) for field in ("rate", "cpu"))
        times = results.ratio(OURS.name, server, load_name(CALL.name, AT), other_load=load)
        rows.append([who, _shown(rate, ",.0f"), _shown(cpu, ",.0f"), _times(times)])
    head = ["", "answers/s", "µs CPU", "of the first"]
    title = "The same search of guests and customers, 16 connections"
    return Sheet(title, head, [row for row in rows if row[1] != NOTHING])


def _costs(results: Results) -> Sheet:
    columns: dict[str, Callable[[str], str]] = {
        "MB resident": lambda server: _shown(results.resident(server), ".0f"),
        "first answer s": lambda server: _shown(results.first_answer(server), ".2f"),
    }
    return _sheet(results, "Memory after load, and start", columns, None)


def _sheet(results: Results, title: str, columns: dict[str, Callable[[str], str]], needed: str | None) -> Sheet:
    names = [server.name for server in SERVERS if needed is None or results.of(server.name, needed)]
    rows = [[name, *(column(name) for column in columns.values())] for name in names]
    return Sheet(title, ["", *columns], [row for row in rows if set(row[1:]) != {NOTHING}])


def _figure(results: Results, load: str, field: str, form: str) -> Callable[[str], str]:
    return lambda server: _shown(results.middle(server, load, field), form)


def _shown(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)


def _times(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.2f} times"


def print_report(results: Results) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    for sheet in sheets(results):
        if not sheet.rows:
            continue
        table = Table(title=sheet.title, title_justify="left")
        for number, name in enumerate(sheet.head):
            table.add_column(name, justify="right" if number else "left")
        for row in sheet.rows:
            table.add_row(*row, style="bold" if row[0] == OURS.name else None)
        console.print(table)


def write_docs(results: Results) -> None:
    """Put this run's tables between the marks of the page; everything around them is written by hand."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(OPENED)
    _, after = rest.split(CLOSED)
    PAGE.write_text(f"{before}{OPENED}\n{_markdown(results)}{CLOSED}{after}", encoding="utf-8")


def _markdown(results: Results) -> str:
    machine = results.machine
    lines = [
        "",
        f"{machine.cpu}, {machine.cores} cores, {machine.system}, Python {machine.python}.",
        f"Medians of {results.rounds} interleaved rounds of {results.seconds} s each.",
        f"c is connections; figures that name none are of {AT}.",
        *EXPLAINED,
        "",
    ]
    for sheet in sheets(results):
        if not sheet.rows:
            continue
        rows = [sheet.head, ["---", *["---:"] * (len(sheet.head) - 1)], *sheet.rows]
        lines += [f"### {sheet.title}\n", *(f"| {' | '.join(row)} |" for row in rows), ""]
    return "\n".join(lines) + "\n"
