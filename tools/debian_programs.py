"""Debian programs that tests run, unpacked into build/debian: `python -m tools.debian_programs [PACKAGE …]`.

Nothing is installed: no root, no service, no change outside build/. What the machine has already is not fetched; apt's
own configuration says where from. Each package gets a folder with what it depends on, and `bin/`, scripts that run its
programs from wherever the folder is.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "build" / "debian"
LIBPYTHON: Final = f"libpython{sysconfig.get_python_version()}"
PROGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "caddy": ("usr/bin/caddy",),
    "chromium": ("usr/lib/chromium/chromium",),
    "curl": ("usr/bin/curl",),
    "nginx": ("usr/sbin/nginx",),
    "postgresql": tuple(
        f"usr/lib/postgresql/*/bin/{name}" for name in "initdb postgres psql pg_dump pg_restore".split()
    ),
    "prometheus": ("usr/bin/prometheus", "usr/bin/promtool"),
    "redis-server": ("usr/bin/redis-server",),
    "sqlite3": ("usr/bin/sqlite3",),
    "systemd": ("usr/bin/systemd-analyze",),
    LIBPYTHON: (),
}
"""By package: where its programs are in it."""
SAME_AS: Final = {"redis-server": "valkey-server"}
"""Programs that do as well."""
OTHER_PLACES: Final = ("/usr/sbin", "/usr/lib/postgresql/*/bin")
"""Where Debian keeps programs off the path."""
NEVER: Final = ("libc6", "libc-bin")
"""The machine's own loader works with the machine's own C library only."""

SCRIPT: Final = """\
#!/bin/sh
here=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export LD_LIBRARY_PATH
[ ! -e "$here/fonts.conf" ] || export FONTCONFIG_FILE="$here/fonts.conf" XDG_CACHE_HOME="$here/cache"
exec "$here/{program}" "$@"
"""
FONTS: Final = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


class NotUnpacked(Exception):
    """A package is not to be had; the message says why, in apt's words."""


def search_path(*, folder: Path = FOLDER) -> str:
    """PATH, then where Debian keeps programs off it, then what was unpacked."""
    elsewhere = [found for place in OTHER_PLACES for found in sorted(Path("/").glob(place[1:]), key=_version)[::-1]]
    places = [os.environ.get("PATH", os.defpath), *map(str, (*elsewhere, *sorted(folder.glob("*/bin"))))]
    return os.pathsep.join(places)


def has_program(name: str, *, folder: Path = FOLDER) -> bool:
    """Whether a program is there, the machine's own or unpacked."""
    return shutil.which(name, path=search_path(folder=folder)) is not None


def is_here(package: str, *, folder: Path = FOLDER) -> bool:
    """Whether the machine can run all that is wanted of a package, or load it."""
    if package == LIBPYTHON:
        return has_libpython() or library_folder(folder=folder) is not None
    names = [Path(program).name for program in PROGRAMS[package]]
    return all(
        has_program(name, folder=folder) or has_program(SAME_AS.get(name, name), folder=folder) for name in names
    )


def has_libpython() -> bool:
    """Whether this Python's shared library is installed."""
    name = str(sysconfig.get_config_var("INSTSONAME") or "none")
    if (Path(str(sysconfig.get_config_var("LIBDIR"))) / name).exists():
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def library_folder(*, folder: Path = FOLDER) -> Path | None:
    """Where this Python's shared library was unpacked."""
    return next((found.parent for found in folder.glob(f"{LIBPYTHON}/**/{LIBPYTHON}.so.*")), None)


def unpack(package: str, *, folder: Path = FOLDER) -> None:
    """Fetch a package with what it depends on and lacks here. Raises NotUnpacked."""
    target, fetched = folder / package, folder / "fetched"
    half = folder / f"{package}.half"
    for old in (half, fetched):
        shutil.rmtree(old, ignore_errors=True)
    (fetched / "partial").mkdir(parents=True)
    half.mkdir()
    _apt(folder, "install", "--yes", "--no-install-recommends", "--download-only", package)
    for archive in sorted(fetched.glob("*.deb")):
        if archive.name.partition("_")[0] not in NEVER:
            _run(["dpkg-deb", "--extract", str(archive), str(half)])
    shutil.rmtree(fetched)
    _write_scripts(half, PROGRAMS[package])
    shutil.rmtree(target, ignore_errors=True)
    half.rename(target)


def _write_scripts(root: Path, programs: Sequence[str]) -> None:
    """Scripts that run the programs with the libraries beside them."""
    usual = [*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*")]
    places = dict.fromkeys([*usual, *sorted({found.parent for found in root.glob("**/lib*.so*")})])
    libraries = ":".join(f"$here/{place.relative_to(root)}" for place in places)
    (root / "bin").mkdir(exist_ok=True)
    for pattern in programs:
        found = sorted(root.glob(pattern), key=_version)
        if not found:
            raise NotUnpacked(f"there is no {pattern} in it")
        script = root / "bin" / Path(pattern).name
        script.write_text(SCRIPT.format(libraries=libraries, program=found[-1].relative_to(root)), encoding="utf-8")
        script.chmod(0o755)
    if (root / "usr" / "share" / "fonts").is_dir():
        (root / "fonts.conf").write_text(FONTS, encoding="utf-8")


def _version(path: Path) -> tuple[int, ...]:
    """For folders that are named by versions."""
    return tuple(int(part) for part in path.parts if part.isdecimal())


def refresh(folder: Path = FOLDER) -> None:
    """Fetch apt's lists into a folder of our own. An archive that does not answer is done without."""
    (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    try:
        _apt(folder, "update")
    except NotUnpacked as incomplete:
        print(
            f"  apt could not read every archive, and does without: {str(incomplete).splitlines()[-1]}", file=sys.stderr
        )


def _apt(folder: Path, *arguments: str) -> None:
    """apt-get with state of its own, so that anybody may call it."""
    options = {
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        "Dir::Cache::Archives": folder / "fetched",
        "Debug::NoLocking": "true",
        "Acquire::Languages": "none",
        # Root's own files need not be readable to whoever else downloads.
        "APT::Sandbox::User": "root",
    }
    _run(["apt-get", "--quiet=2", *(f"--option={name}={value}" for name, value in options.items()), *arguments])


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 -- apt and dpkg, by names of our own
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        raise NotUnpacked((done.stderr or done.stdout).strip() or f"{command[0]} ended with {done.returncode}")


def main(packages: Sequence[str]) -> None:
    """Unpack what is missing; say what could not be had, and that its tests will be skipped."""
    missing = [package for package in packages or PROGRAMS if not is_here(package)]
    if not missing:
        return
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        print(f"Not here, and only Debian's are fetched: {', '.join(missing)}. Tests that need them will be skipped.")
        return
    print(f"Unpacking into build/debian what tests run and this machine lacks: {', '.join(missing)}")
    refresh()
    for package in missing:
        try:
            unpack(package)
        except NotUnpacked as failed:
            print(f"  {package} is not to be had, so tests that need it will be skipped:\n{failed}", file=sys.stderr)


if __name__ == "__main__":
    main([LIBPYTHON if name == "libpython" else name for name in sys.argv[1:]])
