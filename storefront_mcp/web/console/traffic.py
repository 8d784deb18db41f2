"""Traffic: what agents did over an hour, a day or a week, drawn on the server."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from litestar import Response
from msgspec import Struct

from storefront_mcp.calls.traffic import OK, Line, Sum
from storefront_mcp.web.console.desk import Action, Tab, Visit

NEEDS: Final = ("read:analytics", "manage:workspace")
TAB: Final = Tab("/traffic", "Traffic", NEEDS)
MOST: Final = 12
FUNNEL: Final = (
    ("Searched", ("search_products",)),
    ("Looked at a product", ("get_product",)),
    ("Put into a cart", ("add_to_cart",)),
    ("Prepared an order", ("place_order",)),
)
"""What an agent does on the way to an order, by the tools of which one will do."""
K = TypeVar("K", bound=Hashable)


class Span(Struct, frozen=True, kw_only=True):
    """How far back, and how finely."""

    title: str
    minutes: int
    step: int
    """Minutes of one bar."""


SPANS: Final[Mapping[str, Span]] = {
    "hour": Span(title="the last hour", minutes=60, step=1),
    "day": Span(title="the last day", minutes=1_440, step=30),
    "week": Span(title="the last week", minutes=10_080, step=180),
}


class Bar(Struct, frozen=True, kw_only=True):
    """One bar of the plot, in the plot's own units: the height of the plot is 100."""

    x: float
    width: float
    good: float
    bad: float


class Row(Struct, frozen=True, kw_only=True):
    """Figures of one thing."""

    name: str
    calls: int
    errors: int
    median: float
    """Seconds, as the other two."""
    p95: float
    slowest: float


class Stage(Struct, frozen=True, kw_only=True):
    """One stage of the funnel."""

    title: str
    count: int
    share: float
    """Of the widest stage, from 0 to 100."""


def actions() -> list[Action]:
    """What can be asked for."""
    return [Action(at=TAB.at, needs=NEEDS, run=show)]


async def show(visit: Visit) -> Response[bytes]:
    """The figures of a span."""
    named = visit.form.one("span")
    span = SPANS.get(named, SPANS["day"])
    books = visit.desk.books
    newest = int(books.now().timestamp()) // 60
    oldest = newest - span.minutes + span.step
    oldest -= oldest % span.step
    lines = await asyncio.to_thread(books.traffic.read, visit.store, since=oldest, step=span.step)
    tools = [line for line in lines if line.kind == "tool"]
    ordered = await asyncio.to_thread(books.ordered, visit.store, oldest * 60.0)
    bars, most = plotted(tools, oldest, newest, span.step)
    return visit.page(
        "traffic.html.j2",
        spans=SPANS,
        span=named if named in SPANS else "day",
        title=span.title,
        total=sum(line.sum.count for line in tools),
        errors=sum(line.sum.count for line in tools if line.outcome != OK),
        bars=bars,
        highest=most,
        begins=oldest * 60,
        tools=figures(tools, lambda line: line.name),
        clients=figures(tools, lambda line: line.client),
        outcomes=_counted((line for line in tools if line.outcome != OK), lambda line: (line.name, line.outcome)),
        shop=sorted(
            figures((line for line in lines if line.kind == "shop"), lambda line: line.name),
            key=lambda row: -row.p95,
        )[:MOST],
        missed=_counted((line for line in lines if line.kind == "missed"), lambda line: line.name),
        funnel=funnel(tools, ordered),
    )


def plotted(lines: Iterable[Line], oldest: int, newest: int, step: int) -> tuple[Sequence[Bar], int]:
    """Calls over time as bars, and how many the highest one stands for."""
    good: defaultdict[int, int] = defaultdict(int)
    bad: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        (good if line.outcome == OK else bad)[line.minute] += line.sum.count
    spans = range(oldest, newest + 1, step)
    most = max((good[at] + bad[at] for at in spans), default=0)
    width = 600 / max(len(spans), 1)
    bars = [
        Bar(x=index * width, width=width * 0.8, good=100 * good[at] / most, bad=100 * bad[at] / most)
        for index, at in enumerate(spans)
        if good[at] + bad[at]
    ]
    return bars, most


def figures(lines: Iterable[Line], key: Callable[[Line], str]) -> Sequence[Row]:
    """Calls, errors and durations by something, the most called first."""
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    errors: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[key(line)] += line.sum
        errors[key(line)] += line.sum.count if line.outcome != OK else 0
    rows = [
        Row(
            name=name,
            calls=total.count,
            errors=errors[name],
            median=total.quantile(0.5),
            p95=total.quantile(0.95),
            slowest=total.slowest,
        )
        for name, total in sums.items()
    ]
    return sorted(rows, key=lambda row: (-row.calls, row.name))[:40]


def funnel(lines: Iterable[Line], ordered: int) -> Sequence[Stage]:
    """From search to paid order: calls that worked, and orders that are placed."""
    worked: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        if line.outcome == OK:
            worked[line.name] += line.sum.count
    counts = [(title, sum(worked[tool] for tool in tools)) for title, tools in FUNNEL]
    counts.append(("Paid and ordered", ordered))
    widest = max(count for _, count in counts) or 1
    return [Stage(title=title, count=count, share=100 * count / widest) for title, count in counts]


def _counted(lines: Iterable[Line], key: Callable[[Line], K]) -> Sequence[tuple[K, int]]:
    """How often by something, the most frequent first."""
    counts: defaultdict[K, int] = defaultdict(int)
    for line in lines:
        counts[key(line)] += line.sum.count
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:MOST]
