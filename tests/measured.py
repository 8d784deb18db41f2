"""Which tests coverage measures: the quick ones, those of `tests/unit` and those of `tests/contract`.

What is measured takes up to three times the processor (Python 3.11). Long tests do what quick ones do, more often or in
foreign hands: neither they nor the processes that they start are measured.
"""

import os
import sys
from collections.abc import Callable
from typing import Final

import pytest

ALWAYS_LONG: Final = frozenset(("browser", "clients", "conformance", "faults", "fuzz", "scanners"))
THOROUGH: Final = ("tests/unit/", "tests/contract/")
SETTINGS: Final = "COVERAGE_PROCESS_CONFIG"
"""The variable by which processes that are started are measured, too."""
RESUME: Final = pytest.StashKey[Callable[[], None] | None]()


def is_measured(item: pytest.Item) -> bool:
    """Whether coverage is to know what a test runs."""
    marks = {mark.name for mark in item.iter_markers()}
    return marks.isdisjoint(ALWAYS_LONG) and ("slow" not in marks or item.nodeid.startswith(THOROUGH))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Stop to measure, or resume it, before anything is set up for the test."""
    stash = item.config.stash
    resume = stash.get(RESUME, None)
    if resume is None and not is_measured(item):
        stash[RESUME] = pause()
    elif resume is not None and is_measured(item):
        resume()
        stash[RESUME] = None


def pause() -> Callable[[], None] | None:
    """Stop to measure, in this process and those to come; gives back what resumes it, None where nothing measures."""
    if "coverage" not in sys.modules:
        return None
    from coverage import Coverage  # noqa: PLC0415 -- not where nothing is to be measured

    # A worker's own is below the one of pytest-cov, and measures when that one does not.
    stopped: list[Coverage] = []
    while (running := Coverage.current()) is not None:
        running.stop()
        stopped.insert(0, running)
    settings = {name: os.environ.pop(name) for name in (SETTINGS,) if name in os.environ}

    def resume() -> None:
        os.environ.update(settings)
        for one in stopped:
            one.start()

    return resume
