"""What every kind of test may ask for: golden files, a browser, the npm tools."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no flaw of the code under test.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("shared machine"), max_examples=15, stateful_step_count=15)
settings.load_profile("shared machine")

INSTALLED = {"postgres", "postgresql", "counting", "own_server"}
"""Fixtures, and values of parameters, that stand for a server of somebody else's."""

NODE_TOOLS = Path(__file__).parent / "node" / "node_modules"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write what is rendered instead of comparing it (make goldens)"
    )
    parser.addoption("--fuzz-seed", type=int, default=20_261_120, help="where the random walks of tests/fuzz begin")
    parser.addoption("--fuzz-requests", type=int, help="how long the long walks are")


def pytest_report_header(config: pytest.Config) -> str:
    return f"fuzz seed: {config.getoption('--fuzz-seed')}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The inner loop needs nothing that has to be installed."""
    for item in items:
        if isinstance(item, pytest.Function):
            chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
            if not INSTALLED.isdisjoint((*item.fixturenames, *(one for one in chosen if isinstance(one, str)))):
                item.add_marker("slow")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Commands that are run in here set the process's logging up; the next test must not inherit that."""
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    yield
    root.setLevel(level)
    root.handlers[:] = [one for one in root.handlers if one in handlers or type(one).__name__ != "Writing"]


@pytest.fixture(scope="session")
def update_goldens(pytestconfig: pytest.Config) -> bool:
    """Whether golden files are to be written rather than compared."""
    return bool(pytestconfig.getoption("--update-goldens"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium; without one the test is skipped and listed."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium on this machine (make chromium, or apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def node_tools() -> Path:
    """The installed npm packages, programs in `.bin`; without them the test is skipped and listed."""
    if not (NODE_TOOLS / ".installed").exists():
        pytest.skip("the npm packages of tests/node are not installed (make node)")
    return NODE_TOOLS
