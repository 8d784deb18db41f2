"""`make test-fast` stays quick: a test that takes too much of the processor fails, and slow files are not even read.

A whole run begins with what takes longest, and coverage does not measure it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
BUSY = """
import time

def test_busy():
    until = time.process_time() + 0.4
    while time.process_time() < until:
        pass

def test_idle():
    pass
"""
MEASURED = """
import os
import pytest
from coverage import Coverage

@pytest.fixture(scope="session")
def made():
    return is_measured()

def is_measured():
    assert (Coverage.current() is not None) == ("COVERAGE_PROCESS_CONFIG" in os.environ)
    return Coverage.current() is not None

@pytest.mark.slow
def test_long(made):
    assert not made
    assert not is_measured()

def test_quick():
    assert is_measured()

@pytest.mark.clients
def test_foreign():
    assert not is_measured()

def test_quick_again():
    assert is_measured()
"""


def run(folder: Path, *options: str) -> str:
    """What pytest tells of the tests in a folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-c", "/dev/null", "-rA", *options, str(folder)],
        cwd=ROOT,
        env=ENVIRONMENT | {"COVERAGE_FILE": str(folder / ".coverage")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_test_that_takes_too_much_of_the_processor_fails_and_is_listed(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(BUSY)
    told = run(tmp_path, "--most-processor-seconds", "0.2")
    assert "make it quicker, or mark it with @pytest.mark.slow" in told
    assert "ERROR" in told
    assert "2 passed, 1 error" in told
    assert "s for 2 tests, the most for:" in told


def test_nothing_is_said_of_it_in_other_runs(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(BUSY)
    told = run(tmp_path)
    assert "2 passed" in told
    assert "processor" not in told


@pytest.mark.parametrize("mark", ["pytest.mark.slow", "[pytest.mark.timeout(600), pytest.mark.slow]"])
def test_a_file_of_slow_tests_is_not_imported_where_none_are_wanted(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "test_some.py"
    file.write_text(f"import pytest\n\npytestmark = {mark}\nraise AssertionError('imported')\n")
    assert "imported" not in run(tmp_path, "-m", "not slow and not fuzz")
    assert "imported" in run(tmp_path, "-m", "slow")
    assert "imported" in run(tmp_path)


def test_several_workers_begin_with_the_files_that_take_longest(tmp_path: Path) -> None:
    for name, mark in (("a", "proves"), ("b", "slow"), ("c", "faults"), ("d", "proves")):
        (tmp_path / f"test_{name}.py").write_text(f"import pytest\n\n@pytest.mark.{mark}\ndef test_it(): pass\n")
    options = ("-v", "-n", "1", "--dist", "loadfile", "--no-loadscope-reorder")
    told = re.findall(r"^PASSED \S*test_(\w)\.py::", run(tmp_path, *options), re.MULTILINE)
    assert told == ["c", "b", "a", "d"]


@pytest.mark.parametrize("workers", [0, 1])
def test_coverage_measures_neither_long_tests_nor_the_processes_that_they_start(tmp_path: Path, workers: int) -> None:
    (tmp_path / "test_some.py").write_text(MEASURED)
    assert "4 passed" in run(tmp_path, "-n", str(workers), "--cov", "--cov-report=", "--cov-fail-under=0")
