"""The image, without an engine: its structure, and its own commands run outside of it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from storefront_mcp.cli.serve import UVICORN_OPTIONS
from tests.external.deploy.files import DEPLOY, ROOT, shipped
from tests.external.deploy.processes import serving, settings_file
from tests.serving import free_port

ACCOUNT = 65534 if os.getuid() == 0 else None
"""Somebody without rights; ourselves, if we have none."""
PLACES = re.compile(r"(?<![\w.~])(?=/(?:src|build|opt/storefront-mcp)\b)")
"""Absolute paths of the build, which get another root."""

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """What the file says, line by line as its engine reads it."""
    text = re.sub(r"^\s*#.*\n", "", shipped("Containerfile"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def stages() -> tuple[list[Instruction], list[Instruction]]:
    """The stage that builds, and the one that is kept."""
    first, second = [at for at, (name, _) in enumerate(instructions()) if name == "FROM"]
    return instructions()[first:second], instructions()[second:]


def said(name: str) -> str:
    """The one instruction of that name in the stage that is kept."""
    (found,) = [rest for known, rest in stages()[1] if known == name]
    return found


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(said("ENV")))


def test_the_image_runs_as_somebody_without_rights_and_writes_in_one_place() -> None:
    kept = [name for name, _ in stages()[1]]
    uid, gid = map(int, said("USER").split(":"))
    assert min(uid, gid) >= 10_000
    assert f"--uid {uid} " in said("RUN")
    assert kept.index("USER") > kept.index("RUN")
    assert said("VOLUME") == said("WORKDIR") == str(Path(environment()["STOREFRONT_DATABASE"]).parent)
    assert "ADD" not in kept
    assert not re.search(r"(?i)secret|password|token", " ".join(environment()))


def test_the_image_holds_no_tool_that_only_builds() -> None:
    build, kept = stages()
    assert build[0] == ("FROM", f"{kept[0][1]} AS build")
    assert kept[0][1] == "${BASE}", "one base, which an operator can pin by its digest"
    assert [rest.split()[0] for name, rest in kept if name == "COPY"] == ["--from=build"]


def test_it_is_asked_how_it_is_and_told_to_end_as_the_server_wants() -> None:
    how, _, command = said("HEALTHCHECK").partition("CMD ")
    assert dict(re.findall(r"--(\w+)=(\d+)s", how))["timeout"] == "5"
    program, flag, code = json.loads(command)
    assert (program, flag) == ("python", "-c")
    compile(code, "the health check", "exec")
    assert said("STOPSIGNAL") == "SIGTERM"
    assert json.loads(said("ENTRYPOINT")) == ["storefront-mcp"]
    assert json.loads(said("CMD")) == ["serve"]
    assert environment()["STOREFRONT_PORT"] == said("EXPOSE")
    assert UVICORN_OPTIONS["timeout_graceful_shutdown"] <= 25


def test_everything_that_is_copied_is_there_and_nothing_else_is_sent() -> None:
    copied = {word for name, rest in stages()[0] if name == "COPY" for word in rest.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


@pytest.fixture(scope="module")
def python() -> tuple[str, int | None]:
    """A Python that somebody without rights may run, as the one of the image is, and that account; else our own."""
    ours = f"{sys.base_prefix}/bin/python3"
    for found in (ours, "/usr/local/bin/python3", "/usr/bin/python3"):
        asked = [found, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))"]
        try:
            if subprocess.run(asked, user=ACCOUNT, check=False, capture_output=True, timeout=120).returncode == 0:
                return found, ACCOUNT
        except OSError:
            continue
    return ours, None


@pytest.fixture(scope="module")
def image(python: tuple[str, int | None]) -> Iterator[Path]:
    """The root of what the build makes, by its own commands."""
    folder = Path(tempfile.mkdtemp(prefix="storefront-image-"))
    try:
        folder.chmod(0o755)
        (folder / "opt").mkdir()
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(python[0])
        here = folder / "src"
        here.mkdir()
        for name, rest in stages()[0]:
            if name == "COPY":
                *sources, target = rest.split()
                for source in sources:
                    copy(ROOT / source, here / target)
            elif name == "RUN":
                done = subprocess.run(
                    ["sh", "-euc", PLACES.sub(str(folder), rest)],
                    cwd=here,
                    env={**os.environ, "PATH": f"{folder}/bin:/usr/bin:/bin", "PYTHONPATH": ""},
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=500,
                )
                assert done.returncode == 0, (rest, done.stdout, done.stderr)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy(source: Path, target: Path) -> None:
    """As the engine does, past what the ignore file leaves out."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "rendered"))
    else:
        shutil.copy(source, target if not target.is_dir() else target / source.name)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_build_makes_serves_from_a_tree_that_nobody_may_change(
    image: Path, python: tuple[str, int | None]
) -> None:
    account = python[1]
    made = image / "opt" / "storefront-mcp"
    before = set(made.rglob("*"))
    assert not (made / "bin" / "pip").exists()
    assert not (made / "bin" / "uv").exists()
    for path in (made, *before):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="storefront-state-") as named:
        state = Path(named)
        settings = settings_file(image, port)
        settings.chmod(0o644)
        if account is not None:
            os.chown(state, account, account)
        given = {
            **environment(),
            "PATH": f"{made}/bin:/usr/bin:/bin",
            "PYTHONPATH": "",
            "HOME": "/nonexistent",
            "STOREFRONT_CONFIG": str(settings),
            "STOREFRONT_DATABASE": str(state / "storefront.db"),
            "STOREFRONT_PORT": str(port),
            "STOREFRONT_HOST": "127.0.0.1",
        }
        command = [made / "bin" / json.loads(said("ENTRYPOINT"))[0]]
        with serving(state, port, command=command, variables=given, account=account):
            assert httpx.get(f"http://127.0.0.1:{port}/.well-known/mcp.json").status_code == 200
            _, _, code = json.loads(said("HEALTHCHECK").partition("CMD ")[2])
            asked = [made / "bin" / "python", "-c", code]
            assert subprocess.run(asked, env=given, check=False, timeout=120, user=account).returncode == 0
            opened = subprocess.run(
                [*command, "phases", "open", "p1_browse", "--by", "ops"],
                env=given,
                cwd=state,
                check=False,
                capture_output=True,
                timeout=60,
                user=account,
            )
            assert opened.returncode == 0, opened.stderr
        down = subprocess.run(asked, env=given, check=False, timeout=120, capture_output=True)
        assert down.returncode != 0
        assert (state / "storefront.db").stat().st_mode & 0o077 == 0
    assert set(made.rglob("*")) == before
