"""The first step on a new machine: it ends with a working environment or with a sentence that names the fix."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

PINNED = "1.2.3"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs found before all others, in which nobody is root."""
    folder = tmp_path / "programs"
    folder.mkdir()
    written(folder / "id", "echo 1000")
    return folder


def written(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def bootstrap(programs: Path, python: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "tools" / "bootstrap.sh", str(python), str(programs.parent / "venv"), PINNED],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )


def python_that(
    programs: Path, *, on_venv: str = "exit 1", on_venv_without_pip: str = "exit 1", on_pip: str = "exit 1"
) -> Path:
    """A Python that is new enough and does as told when a venv or pip is asked for."""
    return written(
        programs / "a-python",
        'folder="$(dirname "$0")/../venv"',
        "uv() {",
        f"    mkdir -p $folder/bin; printf '#!/bin/sh\\necho uv {PINNED}\\n' >$folder/bin/uv; chmod +x $folder/bin/uv",
        "}",
        'case "$*" in',
        f'"-m venv"*--without-pip*) {on_venv_without_pip} ;;',
        f'"-m venv"*) {on_venv} ;;',
        f'"-m pip"*) {on_pip} ;;',
        f'*) exec {sys.executable} "$@" ;;',
        "esac",
    )


def test_a_missing_python_is_named(programs: Path) -> None:
    answer = bootstrap(programs, "no-such-python")

    assert answer.returncode == 1
    assert "there is no 'no-such-python' here; install Python 3.11 or newer" in answer.stderr


def test_an_old_python_is_refused_by_its_version(programs: Path) -> None:
    old = written(programs / "old", 'case "$1" in --version) echo Python 3.9.2 ;; *) exit 1 ;; esac')
    answer = bootstrap(programs, old)

    assert answer.returncode == 1
    assert "Python 3.9.2 is too old; Python 3.11 or newer is needed" in answer.stderr


def test_without_venv_pip_and_root_the_message_names_the_package(programs: Path) -> None:
    python = python_that(programs, on_venv="echo ensurepip is not available; exit 1")
    answer = bootstrap(programs, python)

    assert answer.returncode == 1
    assert "ensurepip is not available" in answer.stderr
    assert "sudo apt-get install python3-venv" in answer.stderr


def test_where_venv_brings_no_pip_the_pip_of_the_system_fills_it(programs: Path) -> None:
    answer = bootstrap(programs, python_that(programs, on_venv_without_pip="exit 0", on_pip="uv"))

    assert answer.returncode == 0, answer.stderr
    assert "with_the_system_pip" in answer.stderr
    assert not (programs.parent / "venv.log").exists()


def test_an_environment_that_has_the_pinned_uv_is_left_alone(programs: Path) -> None:
    python = python_that(programs, on_venv_without_pip="exit 0", on_pip="uv")
    bootstrap(programs, python)
    python_that(programs)

    again = bootstrap(programs, python)

    assert (again.returncode, again.stderr) == (0, "")
