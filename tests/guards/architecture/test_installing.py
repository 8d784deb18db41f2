"""The ways to the program without a clone, as README.md names them: each in a place that holds nothing else."""

import email
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.guards.architecture.package_index import PROGRAM, Newcomer, served_index, wheel_of
from tests.guards.architecture.tree import ROOT
from tests.guards.docs.markdown import README, blocks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PIPX = "pipx==1.18.4"
BIN = Path(sys.executable).parent


def run(*command: str | Path, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make wheel` builds."""
    folder = tmp_path_factory.mktemp("dist")
    said = run(sys.executable, "-m", "tools.bootstrap", folder, "--wheel", cwd=ROOT)
    (built,) = folder.iterdir()
    assert f"uvx --from {os.path.relpath(built, ROOT)} storefront-mcp demo" in said
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> "email.message.Message[str, str]":
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_string(archive.read(name).decode())


def installed(program: str | Path, folder: Path) -> None:
    """It is there, it starts, and it finds its own data."""
    assert run(program, "--version", cwd=folder).startswith("storefront-mcp, version ")
    run(program, "init", cwd=folder)
    assert (folder / "storefront.toml").is_file()


def test_the_wheel_says_where_more_is(metadata: "email.message.Message[str, str]") -> None:
    urls = [line.rpartition(", ")[2] for line in metadata.get_all("Project-URL", [])]

    assert urls
    assert all(re.fullmatch(r"https://[\w.-]+", url) for url in urls)


def test_the_text_in_the_wheel_leads_to_no_file_that_is_not_there(metadata: "email.message.Message[str, str]") -> None:
    text = str(metadata.get_payload())

    assert metadata["Description-Content-Type"] == "text/markdown"
    assert text.startswith("# storefront-mcp\n")
    assert [link for link in re.findall(r"\]\(([^)]*)\)", text) if not link.startswith("https://")] == []
    assert "`docs/agents.md`" in text
    assert "[payment]" not in text


def test_the_readme_names_the_ways_that_are_tried_here() -> None:
    (named,) = (block.text for block in blocks(README) if block.language == "sh" and "uvx --from" in block.text)
    wheel = "dist/storefront_mcp-0.1.0-py3-none-any.whl"

    assert named.splitlines() == [
        f"uvx --from {wheel} storefront-mcp demo",
        f"pipx run --spec {wheel} storefront-mcp demo",
        f"pipx install {wheel}",
        "uvx --from . storefront-mcp demo",
    ]


@pytest.mark.parametrize("source", ["the wheel", "the checkout"])
def test_uvx_runs_it(wheel: Path, tmp_path: Path, source: str) -> None:
    where = wheel if source == "the wheel" else ROOT
    said = run(
        *(BIN / "uv", "tool", "run", "--python", sys.executable, "--from", where, "storefront-mcp", "--version"),
        cwd=tmp_path,
    )

    assert said.startswith("storefront-mcp, version ")


def test_pipx_runs_and_installs_it(wheel: Path, tmp_path: Path) -> None:
    environ = {f"PIPX_{name}": str(tmp_path / name) for name in ("HOME", "BIN_DIR", "MAN_DIR")}
    environ |= {"PIPX_DEFAULT_BACKEND": "uv", "PIPX_DEFAULT_PYTHON": sys.executable}
    pipx = [BIN / "uv", "tool", "run", "--python", sys.executable, PIPX]

    said = run(*pipx, "run", "--spec", wheel, "storefront-mcp", "--version", cwd=tmp_path, **environ)
    assert said.startswith("storefront-mcp, version ")
    run(*pipx, "install", wheel, cwd=tmp_path, **environ)
    installed(tmp_path / "BIN_DIR" / "storefront-mcp", tmp_path)


def test_pip_installs_it(wheel: Path, tmp_path: Path) -> None:
    run(BIN / "uv", "venv", "--quiet", "--seed", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    pip = [tmp_path / "venv" / "bin" / "python", "-m", "pip"]
    run(*pip, "install", "--quiet", wheel, cwd=tmp_path)

    run(*pip, "check", cwd=tmp_path)
    installed(tmp_path / "venv" / "bin" / "storefront-mcp", tmp_path)


def test_a_wheel_is_built_from_where_pip_is_told_to_fetch(tmp_path: Path) -> None:
    program = PROGRAM + 'while [ $# -gt 1 ]; do if [ "$1" = --out-dir ]; then touch "$2/made.whl"; fi; shift; done\n'
    newcomer = Newcomer(tmp_path)
    newcomer.lock(wheel_of(program))
    with served_index() as index:
        index.file = wheel_of(program)
        answer = newcomer.makes("wheel", PIP_INDEX_URL=index.url)

        assert answer.returncode == 0, answer.stderr
        assert "\n  dist/made.whl\n" in answer.stdout
        assert newcomer.seen_by_uv["UV_DEFAULT_INDEX"] == index.url
