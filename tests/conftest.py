"""What every kind of test may ask for: golden files, a browser, the npm tools."""

import contextlib
import gc
import logging
import os
import re
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.measured import pytest_runtest_setup
from tests.processor_time import pytest_runtest_makereport, pytest_runtest_protocol, pytest_terminal_summary
from tests.programs import program
from tests.repeated_work import spare, spare_constants, spare_tables
from tools.debian_programs import search_path

__all__ = [
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
]

# Commands of the documentation find what `make debian` unpacked, too.
os.environ["PATH"] = search_path()
spare()

# A busy machine is no flaw of the code under test.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("shared machine"), max_examples=15, stateful_step_count=15)
settings.load_profile("shared machine")

INSTALLED = {"postgres", "postgresql", "counting", "own_server"}
"""Fixtures, and values of parameters, that stand for a server of somebody else's."""

LONG = ("faults", "fuzz", "slow")
"""Marks of tests that take long, those of the longest first."""

NODE_TOOLS = Path(__file__).parent / "node" / "node_modules"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write what is rendered instead of comparing it (make goldens)"
    )
    parser.addoption(
        "--fuzz-seed", type=int, default=20_261_120, help="where the random walks of tests/chaos/fuzz begin"
    )
    parser.addoption(
        "--most-processor-seconds", type=float, help="a test that takes more of the processor fails (make test-fast)"
    )
    parser.addoption("--fuzz-requests", type=int, help="how long the long walks are")


def pytest_report_header(config: pytest.Config) -> str:
    return f"fuzz seed: {config.getoption('--fuzz-seed')}"


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let the garbage collector leave alone what stays for the whole run: modules, and the tests themselves."""
    gc.disable()
    spare_constants()
    try:
        return (yield)
    finally:
        spare_tables()
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import what would only be deselected: files that say `pytestmark` of a mark that is not wanted."""
    unwanted = re.findall(r"\bnot (\w+)", config.option.markexpr)
    if not unwanted or collection_path.suffix != ".py" or " or " in config.option.markexpr:
        return None
    mark = rf"^pytestmark = [\[\s]*(?:pytest\.mark\.\w+(?:\(\d*\))?,\s*)*pytest\.mark\.(?:{'|'.join(unwanted)})\b"
    return True if re.search(mark, collection_path.read_text(encoding="utf-8"), re.MULTILINE) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The inner loop needs nothing that has to be installed; several workers begin with what takes longest."""
    for item in items:
        if isinstance(item, pytest.Function):
            chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
            if not INSTALLED.isdisjoint((*item.fixturenames, *(one for one in chosen if isinstance(one, str)))):
                item.add_marker("slow")
    if "PYTEST_XDIST_WORKER" in os.environ:
        longest_first(items)


def longest_first(items: list[pytest.Item]) -> None:
    """Order files, each of which is one worker's, by the marks of their tests: else one works on when others ended."""
    ranks: dict[Path, int] = {}
    for item in items:
        rank = next((rank for rank, mark in enumerate(LONG) if item.get_closest_marker(mark)), len(LONG))
        ranks[item.path] = min(rank, ranks.get(item.path, rank))
    items.sort(key=lambda item: ranks[item.path])


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """Commands that are run in here hand settings on by the environment; the next test must not inherit that."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


def named_loggers() -> list[logging.Logger]:
    """The loggers that there are, but for the root."""
    return [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Commands that are run in here set the process's logging up; the next test must not inherit that."""
    root = logging.getLogger()
    level, handlers, factory = root.level, [*root.handlers], logging.getLogRecordFactory()
    levels = {logger: logger.level for logger in named_loggers()}
    yield
    logging.setLogRecordFactory(factory)
    for logger in named_loggers():
        if logger.level != (before := levels.get(logger, logging.NOTSET)):
            logger.setLevel(before)
    # Setting a level has every logger forget what it knows.
    if root.level != level:
        root.setLevel(level)
    root.handlers[:] = [one for one in root.handlers if one in handlers or type(one).__name__ != "StderrLog"]


@pytest.fixture(scope="session")
def update_goldens(pytestconfig: pytest.Config) -> bool:
    """Whether golden files are to be written rather than compared."""
    return bool(pytestconfig.getoption("--update-goldens"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium; without one the test is skipped and listed."""
    return program("chromium")


@pytest.fixture(scope="session")
def node_tools() -> Path:
    """The installed npm packages, programs in `.bin`; without them the test is skipped and listed."""
    if not (NODE_TOOLS / ".installed").exists():
        pytest.skip("the npm packages of tests/node are not installed (make node)")
    return NODE_TOOLS


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    """Mount a disk of a megabyte, which a test can fill; without root the test is skipped and listed."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted: list[Path] = []

    def mount() -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", folder],
            check=False,
            capture_output=True,
            timeout=60,
        )
        if done.returncode != 0:
            pytest.skip(f"this machine lets nobody mount a small disk: {done.stderr.decode()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True, timeout=60)


def fill_disk(folder: Path) -> Path:
    """Fill the disk that a folder is on; the file that does it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler
