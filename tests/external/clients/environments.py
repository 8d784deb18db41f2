"""Environments of foreign clients, each made of its lock once; as a program, writes the locks anew from matrix.toml."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.external.clients.matrix import MATRIX
from tests.external.clients.programs import BIN

LOCKS = Path(__file__).with_name("environments")
JOURNEYS = Path(__file__).with_name("journeys")
BUILD = Path(__file__).parents[3] / "build" / "clients"
PATIENCE = 300
"""Seconds for one installation."""
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")

SILENT = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "MASTRA_TELEMETRY_DISABLED": "1",
    "MCP_USE_ANONYMIZED_TELEMETRY": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "PYTHONWARNINGS": "ignore",
}
"""Settings under which clients call nobody but us."""


def lock_of(name: str) -> Path:
    """What an environment is made of, to the last package."""
    return LOCKS / name / "package-lock.json" if name in MATRIX.npm else LOCKS / f"{name}.txt"


def environment(name: str) -> Path:
    """The folder of an environment, as locked; made now unless it was made of the same lock and Python before."""
    return made_of_lock(name, lock_of(name), _packages if name in MATRIX.npm else _venv)


def python_environment(name: str, lock: Path) -> Path:
    """The folder of an environment of Python packages that another folder of tests has locked."""
    return made_of_lock(name, lock, _venv)


def journey_in(made: Path, name: str) -> Path:
    """A module of journeys/ with those it imports, in an environment: Node looks for packages from where it lies."""
    text = (JOURNEYS / name).read_text("utf-8")
    for imported in re.findall(r" from '\./([a-z_]+\.mjs)'", text):
        journey_in(made, imported)
    with tempfile.NamedTemporaryFile("w", dir=made, suffix=".mjs", delete=False, encoding="utf-8") as whole:
        whole.write(text)
    # Another run may be reading it.
    return Path(whole.name).replace(made / name)


def made_of_lock(name: str, lock: Path, make: Callable[[Path, Path], None]) -> Path:
    """The folder of what is made of a lock, once."""
    made = BUILD / name
    made.mkdir(parents=True, exist_ok=True)
    # Another run of the tests may want it at the same time.
    with (BUILD / f"{name}.flock").open("w") as flock:
        fcntl.flock(flock, fcntl.LOCK_EX)
        stamp = made / ".made-of"
        made_of = f"{sys.version}\n{lock.read_text('utf-8')}"
        if not stamp.exists() or stamp.read_text("utf-8") != made_of:
            stamp.unlink(missing_ok=True)
            make(made, lock)
            stamp.write_text(made_of, encoding="utf-8")
    return made


def write_lock(name: str) -> None:
    """Resolve what matrix.toml asks for; addresses of registries stay out of it."""
    if name in MATRIX.python:
        compile_lock(lock_of(name), MATRIX.python[name])
        return
    folder = lock_of(name).parent
    folder.mkdir(parents=True, exist_ok=True)
    package = {"name": f"client-{name}", "private": True, "dependencies": _npm_pins(name)}
    (folder / "package.json").write_text(json.dumps(package, indent=2) + "\n", encoding="utf-8")
    _run([BIN / "npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *QUIET], cwd=folder)


def compile_lock(lock: Path, asked: Sequence[str]) -> None:
    """Resolve these requirements of Python packages."""
    options = "--quiet --no-config --no-header --no-annotate --universal --python-version 3.11 --output-file"
    _run([BIN / "uv", "pip", "compile", "-", *options.split(), lock], said="\n".join(asked))


def is_locked(name: str) -> bool:
    """Whether the lock holds what matrix.toml asks for."""
    if name in MATRIX.npm:
        return bool(json.loads(lock_of(name).read_bytes())["packages"][""]["dependencies"] == _npm_pins(name))
    lines = lock_of(name).read_text("utf-8").splitlines()
    pinned = [asked for asked in MATRIX.python[name] if "==" in asked]
    return all(any(_bare(line) == _bare(asked) for line in lines) for asked in pinned)


def _npm_pins(name: str) -> dict[str, str]:
    return {package: version for package, _, version in (pin.rpartition("@") for pin in MATRIX.npm[name])}


def _bare(requirement: str) -> str:
    """Without extras and markers."""
    package, _, version = requirement.partition(";")[0].strip().partition("==")
    return f"{package.partition('[')[0]}=={version}"


def _venv(made: Path, lock: Path) -> None:
    _run([BIN / "uv", "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, made])
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python", made / "bin" / "python"]
    _run([BIN / "uv", "pip", "install", *options, "-r", lock])


def _packages(made: Path, lock: Path) -> None:
    for file in (lock, lock.with_name("package.json")):
        shutil.copy(file, made / file.name)
    _run([BIN / "npm", "ci", "--prefer-offline", *QUIET], cwd=made)


def _run(command: list[Path | str], *, cwd: Path | None = None, said: str | None = None) -> None:
    # The machine's own certificate authorities count too.
    env = {**os.environ, "NODE_USE_SYSTEM_CA": "1", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    env.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        command, cwd=cwd, input=said or "", env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


if __name__ == "__main__":
    for one in sys.argv[1:] or (*MATRIX.python, *MATRIX.npm):
        write_lock(one)
