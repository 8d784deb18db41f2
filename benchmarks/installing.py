"""What a run needs: peers in environments of their own, the npm packages as locked, wrk and nginx from Debian."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.answer import ANSWER
from benchmarks.mirrored import MIRROR, build_mirror
from benchmarks.servers import BUILD, PEERS

UV: Final = str(Path(sys.executable).with_name("uv"))
VENVS: Final = ("mcp_sdk", "fastmcp", "litestar_mcp")
TOOLS: Final = {"wrk": "wrk", "nginx": "nginx-light", "taskset": "util-linux", "setpriv": "util-linux"}
"""Programs and the Debian packages they are in."""


class ToolMissing(RuntimeError):
    """A program that is not here and that we may not install."""


def install(*, nginx: bool) -> None:
    """Make everything ready; what is there already is left alone. Raises ToolMissing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "answer.json").write_bytes(ANSWER)
    # A database of an earlier run may be one of an earlier schema.
    shutil.rmtree(BUILD / "state", ignore_errors=True)
    _programs([name for name in TOOLS if nginx or name != "nginx"])
    _ours(BUILD / "ours")
    build_mirror(MIRROR)
    for venv in VENVS:
        _venv(BUILD / venv, PEERS / f"{venv}.txt")
    _npm(BUILD / "node")


def _programs(wanted: list[str]) -> None:
    # npm comes with our environment; nginx lies where only root's PATH leads.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
    missing = [TOOLS[name] for name in wanted if shutil.which(name) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ToolMissing(f"The benchmarks need {', '.join(missing)}: sudo apt-get install {' '.join(missing)}")
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdin": subprocess.DEVNULL}
    _run(["apt-get", "update", "-qq"], **quiet)
    _run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing], **quiet)


def _ours(path: Path) -> None:
    """What a shop installs and no more: some libraries load others merely because they are there."""
    variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(path.resolve())}
    variables.pop("VIRTUAL_ENV", None)
    _run(
        [UV, "sync", "--frozen", "--quiet", "--no-default-groups", "--extra", "mirror", "--python", sys.executable],
        env=variables,
    )


def _venv(path: Path, requirements: Path) -> None:
    """An environment made of a pinned list, made anew when the list has changed."""
    made = path / ".made-of"
    if made.exists() and made.read_bytes() == requirements.read_bytes():
        return
    _run([UV, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(path)])
    _run([UV, "pip", "install", "--quiet", "--no-deps", "--python", str(path / "bin/python"), "-r", str(requirements)])
    shutil.copy(requirements, made)


def _npm(path: Path) -> None:
    """The TypeScript server beside its packages: node looks for them from where a module lies."""
    path.mkdir(exist_ok=True)
    lock = "package-lock.json"
    made = path / "node_modules/.made-of"
    for name in ("typescript.mjs", "package.json", lock, ".npmrc"):
        shutil.copy(PEERS / name, path / name)
    if made.exists() and made.read_bytes() == (PEERS / lock).read_bytes():
        return
    command = ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(command, cwd=path, env={**os.environ, "NODE_USE_SYSTEM_CA": "1"})
    shutil.copy(PEERS / lock, made)


def _run(command: list[str], **options: object) -> None:
    subprocess.run(command, check=True, **options)  # type: ignore[call-overload]
