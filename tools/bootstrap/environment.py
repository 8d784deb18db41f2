"""The steps: uv as locked, then what the lock names, into a folder; a machine without a uv of its own takes pip."""

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.bootstrap.fetching import ELSEWHERE, LOCKED, OFFLINE, OTHER_INDEX, UNTRUSTED, PackageFetcher, unwritable
from tools.bootstrap.progress import ProgressLine, SetupFailed
from tools.bootstrap.sources import PackageSources, package_sources
from tools.bootstrap.wheels import fitting, has_wheel, locked_uv, this_machine, unpack

PROJECT = Path(__file__).parents[2]
BUILD = PROJECT / "build"
TICK_SECONDS = 0.2
HEARD = re.compile(
    r"UV_(?:DEFAULT_INDEX|INDEX(?:_.*)?|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INSECURE_HOST|KEYRING_PROVIDER|OFFLINE"
    r"|CACHE_DIR|NO_CACHE|LINK_MODE|CONFIG_FILE|NO_CONFIG|NATIVE_TLS|SYSTEM_CERTS|HTTP_.*|REQUEST_TIMEOUT|CONCURRENT_.*)"
)
"""uv's variables that say where and how to fetch; those that would change what is made do not count."""
SEARCH_LIBRARY = "tantivy"
"""Of the extra `mirror`, which the demo has where there is a wheel of it."""
UNREAD_PACKAGES = ("pygments", "dnspython", "requests", "urllib3", "charset-normalizer")
"""Nine megabytes that nothing of ours reads: rich would colour code by the first, email-validator look for the hosts of
addresses by the second, and stripe send by the others, where it is given no client."""
COMPILED_SOURCES = ("*.c", "*.pyx")
"""What extension modules were compiled from: four megabytes that some wheels carry along, and nobody runs."""
MEANINGS = {
    r"No space left|Disk quota": "The disk is full: about 300 MB are needed. Make room, then run the same again.",
    r"invalid peer certificate|UnknownIssuer": f"A package index is not trusted. {UNTRUSTED}",
    r"status code: 40[137]|Unauthorized|Forbidden": f"A package index turned us away. {LOCKED}",
    r"[Hh]ash mismatch": (
        f"A package is not the file that this project has locked, so it was thrown away.\n{OTHER_INDEX}"
    ),
    r"not found in the (?:package )?registry|no version of|No solution|not found in the provided": (
        f"The package index does not have all that is needed.\n{ELSEWHERE}"
    ),
    r"error sending request|Connect|dns|timed? ?out|Failed to (?:fetch|download)|Network": (
        f"The package index cannot be reached. {OFFLINE}"
    ),
    r"Permission denied|Read-only file system": (
        "Something here cannot be written. Put this folder where you may write, such as your home."
    ),
}
"""What uv complains of → what that means to who reads it."""

BUILT = """
  {wheel}

  Try it       uvx --from {wheel} storefront-mcp demo
               pipx run --spec {wheel} storefront-mcp demo
  Install it   uv tool install {wheel}
               pipx install {wheel}
               or with pip, into an environment of its own
"""

Show = Callable[[str], None]


def main(arguments: Sequence[str]) -> int:
    """Make the environment, or say why not."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.bootstrap", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the environment is to be, or the wheel")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--dev", action="store_true", help="with what tests and linters need")
    kind.add_argument("--wheel", action="store_true", help="build the wheel instead")
    kind.add_argument("--uv", action="store_true", help="only the locked uv, put into the folder")
    given = parser.parse_args(arguments)
    folder = given.folder.absolute()
    title = "Building the wheel" if given.wheel else "Setting up the tests" if given.dev else "Setting up, this once"
    try:
        with ProgressLine(title) as progress:
            if given.uv:
                fetch_uv(folder, environ=os.environ, show=progress.show)
                return 0
            if not given.wheel:
                make_environment(folder, dev=given.dev, environ=os.environ, show=progress.show)
                return 0
            wheel = make_wheel(folder, environ=os.environ, show=progress.show)
        print(BUILT.format(wheel=os.path.relpath(wheel)))
    except SetupFailed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


def make_environment(folder: Path, *, dev: bool, environ: Mapping[str, str], show: Show) -> None:
    """Install what the lock names into `folder`; what somebody added there stays. Raises SetupFailed."""
    show("looking around")
    usable = _is_usable(folder)
    with _scratch() as scratch:
        if not dev and not _cache_folder(environ).is_dir() and "UV_NO_CACHE" not in environ:
            # Who has no cache yet gets none for a look at the demo: it would be a part of what that takes.
            environ = {**environ, "UV_CACHE_DIR": str(scratch / "cache")}
        tool = _tool(environ, show, folder)
        if tool is None:
            _with_pip(folder, dev=dev, usable=usable, scratch=scratch, run=_Runner(environ, show))
        else:
            _with_uv(tool, folder, dev=dev, usable=usable, scratch=scratch)
            _remove_fetched_uv()
        if not dev and not usable:
            _remove_compiled_sources(folder)


def make_wheel(folder: Path, *, environ: Mapping[str, str], show: Show) -> Path:
    """Build the wheel into `folder`; answers its path. Raises SetupFailed."""
    show("looking around")
    with _scratch() as scratch:
        if (tool := _tool(environ, show, None)) is None:
            raise SetupFailed("There is no uv for this machine. With pip: python3 -m pip wheel --no-deps .")
        tool.run(
            "putting it together",
            tool.uv,
            "build",
            "--wheel",
            "--python",
            sys.executable,
            "--out-dir",
            scratch,
            PROJECT,
        )
        (wheel,) = scratch.glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        _remove_fetched_uv()
        return wheel.replace(folder / wheel.name)


def fetch_uv(folder: Path, *, environ: Mapping[str, str], show: Show) -> None:
    """Put the locked uv into `folder`, and nothing else. Raises SetupFailed."""
    show("looking around")
    with _scratch():
        if (tool := _tool(environ, show, None)) is None:
            raise SetupFailed("There is no uv for this machine.")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(tool.uv, folder / "uv")
        _remove_fetched_uv()


class _Tool(NamedTuple):
    """The locked uv, how it is run, and whether a mirror takes PyPI's place."""

    uv: Path
    run: "_Runner"
    mirror: bool


def _tool(environ: Mapping[str, str], show: Show, folder: Path | None) -> _Tool | None:
    """The locked uv, fetched if it is not here yet; None on a machine that no wheel is made for. Raises SetupFailed."""
    sources = package_sources(environ, PROJECT)
    locked = locked_uv(PROJECT / "uv.lock")
    if (uv := _installed_uv(locked.version, environ)) is None:
        wheels = fitting(locked.wheels, this_machine())
        if not wheels:
            return None
        uv = _fetched_uv(locked.version, wheels, PackageFetcher(sources, environ), show)
    return _Tool(uv, _Runner(_uv_environment(environ, sources, folder), show), sources.has_mirror)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what is needed meanwhile. Raises SetupFailed for what cannot be written."""
    try:
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD, prefix="setup-") as folder:
            yield Path(folder)
    except OSError as error:
        raise SetupFailed(unwritable(PROJECT, error)) from None


class _Runner:
    """Runs programs, whose words go to a log."""

    def __init__(self, environ: Mapping[str, str], show: Show) -> None:
        self._environ = environ
        self._show = show

    def __call__(self, step: str, *command: str | Path) -> None:
        """Raises SetupFailed."""
        log = BUILD / "setup.log"
        with log.open("w+", encoding="utf-8", errors="replace") as said:
            running = subprocess.Popen(  # noqa: S603 -- our own commands
                command, cwd=PROJECT, env=self._environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
            try:
                while True:
                    self._show(step)
                    try:
                        code = running.wait(TICK_SECONDS)
                        break
                    except subprocess.TimeoutExpired:
                        continue
            finally:
                if running.poll() is None:
                    running.terminate()
                    running.wait()
            said.seek(0)
            words = said.read()
        if code:
            raise SetupFailed(_in_plain_words(words, log))
        log.unlink()


def _fetched_uv(version: str, wheels: dict[str, str], fetcher: PackageFetcher, show: Show) -> Path:
    program = _own_uv(version)
    program.parent.mkdir(parents=True, exist_ok=True)
    unpack(fetcher.fetch("uv", wheels, program.parent, show), program)
    if not _is_uv(program, version):
        raise SetupFailed(
            f"{program} was fetched and does not run here. Programs may be forbidden in this folder (a mount with "
            "noexec): put it elsewhere, such as your home."
        )
    return program


def _own_uv(version: str) -> Path:
    return BUILD / f"uv-{version}" / "uv"


def _remove_fetched_uv() -> None:
    """It takes a fifth of the disk, and is wanted again only when the lock changes."""
    for folder in BUILD.glob("uv-*"):
        shutil.rmtree(folder)


def _remove_compiled_sources(folder: Path) -> None:
    for pattern in COMPILED_SOURCES:
        for path in (folder / "lib").glob(f"python*/site-packages/**/{pattern}"):
            path.unlink()


def _installed_uv(version: str, environ: Mapping[str, str]) -> Path | None:
    """The uv of that version that is here already."""
    named = shutil.which("uv", path=environ.get("PATH"))
    for path in (_own_uv(version), *([Path(named)] if named else [])):
        if path.is_file() and _is_uv(path, version):
            return path
    return None


def _is_uv(program: Path, version: str) -> bool:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, check=False, text=True)  # noqa: S603 -- ours
    except OSError:
        return False
    return answer.stdout.split()[:2] == ["uv", version]


def _uv_environment(environ: Mapping[str, str], sources: PackageSources, folder: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith("UV_") or HEARD.fullmatch(name)}
    for other in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        kept.pop(other, None)
    made = {**kept, **sources.uv_environment, "UV_NO_PROGRESS": "true", "UV_PYTHON_DOWNLOADS": "never"}
    if folder is not None:
        made["UV_PROJECT_ENVIRONMENT"] = str(folder)
    if not _has_cache(environ):
        made["UV_CACHE_DIR"] = str(BUILD / "cache")
    return made


def _has_cache(environ: Mapping[str, str]) -> bool:
    """Whether uv can keep what it fetches where it usually does."""
    folder = _cache_folder(environ)
    if environ.get("UV_NO_CACHE"):
        return True
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _cache_folder(environ: Mapping[str, str]) -> Path:
    """Where uv usually keeps what it fetches."""
    home = Path(environ.get("HOME") or Path("~").expanduser())
    return Path(environ.get("UV_CACHE_DIR") or Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "uv")


def _is_usable(folder: Path) -> bool:
    """Whether an environment that works is there already. Raises SetupFailed where something else is."""
    python = folder / "bin" / "python"
    try:
        check = "import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)"
        return not subprocess.run([python, "-c", check], capture_output=True, check=False).returncode  # noqa: S603 -- ours
    except OSError:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").exists():
            raise SetupFailed(
                f"{folder} is there and is no Python environment. Move it away, then run the same command again."
            ) from None
        return False


def _with_uv(tool: _Tool, folder: Path, *, dev: bool, usable: bool, scratch: Path) -> None:
    uv, run, mirror = tool
    if not usable:
        run("making room", uv, "venv", "--clear", "--python", sys.executable, folder)
    group = [] if dev else ["--no-dev"]
    if not dev and has_wheel(PROJECT / "uv.lock", SEARCH_LIBRARY, this_machine()):
        group += ["--extra", "mirror"]
    without = () if dev else UNREAD_PACKAGES
    step = "fetching what tests and linters need" if dev else "fetching what the server is made of"
    if not mirror:
        run(step, uv, "sync", "--frozen", "--inexact", *group, *(f"--no-install-package={one}" for one in without))
        return
    # The lock knows where PyPI has its files; a mirror is asked for them by name, and they are checked all the same.
    wanted = scratch / "requirements.txt"
    left = (f"--no-emit-package={one}" for one in without)
    run("looking around", uv, "export", "--frozen", "--output-file", wanted, *group, *left)
    run(step, uv, "pip", "install", "--no-deps", "--verify-hashes", "--python", folder, "--requirements", wanted)


def _with_pip(folder: Path, *, dev: bool, usable: bool, scratch: Path, run: _Runner) -> None:
    """For machines that no wheel of uv is made for: the versions of the lock, by Python's own venv and pip."""
    machine = this_machine()
    if not usable:
        try:
            run("making room", sys.executable, "-m", "venv", "--clear", folder)
        except SetupFailed:
            raise SetupFailed(
                f"There is no installer for {machine.system} on {machine.architecture}, and this Python has no pip to "
                "do without it.\nInstall Python's venv module (Debian: sudo apt-get install python3-venv), then run "
                "the same command again."
            ) from None
    packages = tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))["package"]
    versions = [f"{each['name']}=={each['version']}" for each in packages if "registry" in each["source"]]
    constraints = scratch / "constraints.txt"
    constraints.write_text("\n".join(versions), encoding="utf-8")
    group = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["dev"]
    more = [each for each in group if dev and not re.match(r"uv\b", each)]
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints)
    run("fetching what is needed", *pip, "--editable", PROJECT, *more)


def _in_plain_words(words: str, log: Path) -> str:
    """What went wrong, for who typed `make run`; the log has the rest."""
    meaning = next((meaning for pattern, meaning in MEANINGS.items() if re.search(pattern, words)), None)
    if meaning is not None:
        return f"{meaning}\n  More is in {log}."
    tail = "\n".join(f"  {line}" for line in words.strip().splitlines()[-10:])
    return f"The environment could not be made; the last words were:\n{tail}\n  More is in {log}."
