"""How much of the processor each test takes: `make test-fast` lets none take much, and lists those that take most.

Time of the processor, not of the clock, so that a busy machine fails nothing.
"""

import os
import time
from collections.abc import Generator
from operator import itemgetter

import pytest

PROPERTY = "processor_seconds"
LISTED = 5
BEGUN = pytest.StashKey[float]()


def processor_seconds() -> float:
    """What this process has taken, with its threads and the processes that it has waited for."""
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[BEGUN] = processor_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With the last of a test's reports goes what it has taken, set-up included; too much fails it."""
    most: float | None = item.config.getoption("--most-processor-seconds")
    if most is None or call.when != "teardown":
        return (yield)
    taken = processor_seconds() - item.stash[BEGUN]
    item.user_properties.append((PROPERTY, round(taken, 3)))
    report = yield
    if taken > most and report.passed:
        report.outcome = "failed"
        report.longrepr = (
            f"This took {taken:.1f} s of the processor, and a quick test takes at most {most:g} s: make it quicker, or "
            "mark it with @pytest.mark.slow."
        )
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What all have taken, and which the most."""
    taken = [
        (dict(report.user_properties)[PROPERTY], report.nodeid)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown" and PROPERTY in dict(report.user_properties)
    ]
    if taken:
        terminalreporter.section("time of the processor")
        terminalreporter.write_line(f"{sum(map(itemgetter(0), taken)):.1f} s for {len(taken)} tests, the most for:")
        for seconds, name in sorted(taken, reverse=True)[:LISTED]:
            terminalreporter.write_line(f"{seconds:6.2f} s  {name}")
