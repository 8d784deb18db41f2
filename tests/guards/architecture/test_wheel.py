"""What a shop installs: the built wheel, in an environment that holds nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.guards.architecture.tree import PACKAGE, ROOT, installed, shipped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NOT_SHIPPED = ("cards/rendered/",)
EXTRAS = ("mirror", "otel", "postgresql", "redis")
"""What shops add when they need it: modules for it can be imported only then."""
SLOWS_THE_START = ("pydantic", "starlette")
"""Litestar imports these when it finds them, so they must not come along. attrs does, with aiohttp, for 40 ms."""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def uv() -> Path:
    return Path(sys.executable).parent / "uv"


@pytest.fixture(scope="module")
def wheel(uv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(uv, "build", "--quiet", "--wheel", "--out-dir", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(uv: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what the wheel asks for."""
    folder = tmp_path_factory.mktemp("bare")
    run(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    run(uv, "pip", "install", "--quiet", "--python", folder / "venv", f"{wheel}[{','.join(EXTRAS)}]", cwd=folder)
    return folder / "venv"


def test_the_wheel_holds_one_package_and_nothing_beside_it(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == {PACKAGE}


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"{PACKAGE}/")}

    assert held == {installed(name) for name in shipped() if not name.startswith(NOT_SHIPPED)}


@pytest.mark.parametrize("question", ["--version", "--help"])
def test_the_command_answers_in_a_bare_environment(bare: Path, tmp_path: Path, question: str) -> None:
    assert run(bare / "bin" / "storefront-mcp", question, cwd=tmp_path).strip()


def test_every_module_can_be_imported_in_a_bare_environment(bare: Path, tmp_path: Path) -> None:
    files = [installed(name).removesuffix(".py") for name in shipped(".py")]
    named = [name.replace("/", ".").removesuffix(".__init__") for name in files]
    modules = [name for name in named if not name.endswith(".__main__")]
    importing = "import importlib, sys; print(len([importlib.import_module(name) for name in sys.argv[1:]]))"

    imported = run(bare / "bin" / "python", "-W", "error", "-c", importing, *modules, cwd=tmp_path)
    assert int(imported) == len(modules) > 100


def test_nothing_comes_along_that_slows_the_start(bare: Path, uv: Path, tmp_path: Path) -> None:
    listed = run(uv, "pip", "freeze", "--python", bare, cwd=tmp_path).lower().splitlines()

    assert [line for line in listed if line.split("==")[0] in SLOWS_THE_START] == []
