"""Traffic page: tool calls over an hour, a day or a week, plotted as SVG on the server."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from litestar import Response
from msgspec import Struct

from storefront_mcp.console.routing import ConsoleAction, ConsoleRequest, ConsoleTab
from storefront_mcp.records.outcomes import OK
from storefront_mcp.records.usage import DurationSummary, UsageRow
from storefront_mcp.roadmap.roadmap import Roadmap

REQUIRED_SCOPES: Final = ("read:analytics", "manage:workspace")
TAB: Final = ConsoleTab("/traffic", "Traffic", REQUIRED_SCOPES)
MAX_ROWS: Final = 12
K = TypeVar("K", bound=Hashable)


class TimeRange(Struct, frozen=True, kw_only=True):
    """A span of time and the width of its bars."""

    title: str
    minutes: int
    step: int
    """Minutes per bar."""


TIME_RANGES: Final[Mapping[str, TimeRange]] = {
    "hour": TimeRange(title="the last hour", minutes=60, step=1),
    "day": TimeRange(title="the last day", minutes=1_440, step=30),
    "week": TimeRange(title="the last week", minutes=10_080, step=180),
}


class PlotBar(Struct, frozen=True, kw_only=True):
    """One bar of the plot, in the plot's own units: the height of the plot is 100."""

    x: float
    width: float
    good: float
    bad: float


class UsageTableRow(Struct, frozen=True, kw_only=True):
    """Calls, errors and durations of one tool, client, protocol or operation."""

    name: str
    calls: int
    errors: int
    median: float
    """Seconds, as the other two."""
    p95: float
    slowest: float


class FunnelStage(Struct, frozen=True, kw_only=True):
    """One stage of the funnel."""

    title: str
    count: int
    share: float
    """Of the widest stage, from 0 to 100."""


def actions() -> list[ConsoleAction]:
    """The routes of this page."""
    return [ConsoleAction(at=TAB.at, needs=REQUIRED_SCOPES, run=show_usage)]


async def show_usage(request: ConsoleRequest) -> Response[bytes]:
    """The figures of a time range."""
    named = request.form.one("span")
    span = TIME_RANGES.get(named, TIME_RANGES["day"])
    dependencies = request.dependencies
    newest = int(dependencies.now().timestamp()) // 60
    oldest = newest - span.minutes + span.step
    oldest -= oldest % span.step
    lines = await asyncio.to_thread(dependencies.usage.read, request.store, since=oldest, step=span.step)
    tools = [line for line in lines if line.kind == "tool"]
    ordered = await asyncio.to_thread(dependencies.count_orders, request.store, oldest * 60.0)
    bars, most = plot(tools, oldest, newest, span.step)
    return request.page(
        "traffic.html.j2",
        spans=TIME_RANGES,
        span=named if named in TIME_RANGES else "day",
        title=span.title,
        total=sum(line.sum.count for line in tools),
        errors=sum(line.sum.count for line in tools if line.outcome != OK),
        bars=bars,
        highest=most,
        begins=oldest * 60,
        tools=figures(tools, lambda line: line.name),
        clients=figures(tools, lambda line: line.client),
        protocols=figures((line for line in lines if line.kind == "protocol"), lambda line: line.name.upper()),
        outcomes=_count_by((line for line in tools if line.outcome != OK), lambda line: (line.name, line.outcome)),
        shop=sorted(
            figures((line for line in lines if line.kind == "shop"), lambda line: line.name),
            key=lambda row: -row.p95,
        )[:MAX_ROWS],
        missed=_count_by((line for line in lines if line.kind == "missed"), lambda line: line.name),
        funnel=funnel(dependencies.planned[request.store], tools, ordered),
    )


def plot(lines: Iterable[UsageRow], oldest: int, newest: int, step: int) -> tuple[Sequence[PlotBar], int]:
    """Calls over time as bars, and the calls of the highest bar."""
    good: defaultdict[int, int] = defaultdict(int)
    bad: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        (good if line.outcome == OK else bad)[line.minute] += line.sum.count
    spans = range(oldest, newest + 1, step)
    most = max((good[at] + bad[at] for at in spans), default=0)
    width = 600 / max(len(spans), 1)
    bars = [
        PlotBar(x=index * width, width=width * 0.8, good=100 * good[at] / most, bad=100 * bad[at] / most)
        for index, at in enumerate(spans)
        if good[at] + bad[at]
    ]
    return bars, most


def figures(lines: Iterable[UsageRow], key: Callable[[UsageRow], str]) -> Sequence[UsageTableRow]:
    """Rows by a key, the most called first."""
    sums: defaultdict[str, DurationSummary] = defaultdict(DurationSummary)
    errors: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[key(line)] += line.sum
        errors[key(line)] += line.sum.count if line.outcome != OK else 0
    rows = [
        UsageTableRow(
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


def funnel(roadmap: Roadmap, lines: Iterable[UsageRow], ordered: int) -> Sequence[FunnelStage]:
    """Stages from search to paid order: successful calls, and placed orders."""
    worked: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        if line.outcome == OK:
            worked[line.name] += line.sum.count
    counts: dict[str, int] = {}
    for _, promise in roadmap.promises():
        if stage := promise.words.stage:
            counts[stage] = counts.get(stage, 0) + worked[promise.name]
    counts["Paid and ordered"] = ordered
    widest = max(counts.values()) or 1
    return [FunnelStage(title=title, count=count, share=100 * count / widest) for title, count in counts.items()]


def _count_by(lines: Iterable[UsageRow], key: Callable[[UsageRow], K]) -> Sequence[tuple[K, int]]:
    """Counts by a key, the most frequent first."""
    counts: defaultdict[K, int] = defaultdict(int)
    for line in lines:
        counts[key(line)] += line.sum.count
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[:MAX_ROWS]
