"""Which of the locked uv wheels runs on this machine, and how the program is taken out of it."""

import os
import platform
import re
import shutil
import struct
import tomllib
import zipfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tools.bootstrap.fetching import MAX_FILE_BYTES, unwritable
from tools.bootstrap.progress import SetupFailed

NARROW = {"x86_64": "i686", "i386": "i686", "i486": "i686", "i586": "i686", "aarch64": "armv7l", "armv8l": "armv7l"}
"""Linux: what a machine is to a program of 32 bits."""
ALIASES = {"amd64": "x86_64", "arm64": "aarch64"}


class Machine(NamedTuple):
    """What decides whether a wheel runs here."""

    system: str
    architecture: str
    glibc: tuple[int, int] | None = None
    """Linux: the version of the C library where that is glibc."""
    macos: tuple[int, int] = (0, 0)


class LockedUv(NamedTuple):
    """The uv that this project has locked."""

    version: str
    wheels: dict[str, str]
    """File name → SHA-256."""


def this_machine() -> Machine:
    """The machine that this runs on."""
    system, architecture = platform.system(), platform.machine()
    if system == "Darwin":
        major, minor, *_ = [*map(int, re.findall(r"\d+", platform.mac_ver()[0])), 0, 0]
        return Machine(system, architecture, macos=(major, minor))
    architecture = ALIASES.get(architecture, architecture)
    if struct.calcsize("P") == 4:  # noqa: PLR2004 -- bytes of an address
        architecture = NARROW.get(architecture, architecture)
    try:
        library = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        library = ""
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", library)
    return Machine(system, architecture, glibc=(int(found[1]), int(found[2])) if found else None)


def locked_uv(lock: Path) -> LockedUv:
    """What the lock says of uv. Raises SetupFailed."""
    return _locked(lock, "uv")


def has_wheel(lock: Path, name: str, machine: Machine) -> bool:
    """Whether the lock has a wheel of a package that runs on a machine. Raises SetupFailed."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return any(one["name"] == name for one in packages) and bool(fitting(_locked(lock, name).wheels, machine))


def _locked(lock: Path, name: str) -> LockedUv:
    try:
        packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
        (package,) = (package for package in packages if package["name"] == name)
        wheels = {
            PurePosixPath(wheel["url"]).name: wheel["hash"].removeprefix("sha256:") for wheel in package["wheels"]
        }
        return LockedUv(package["version"], wheels)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupFailed(
            f"{lock} cannot be used: {error}. Take this project's own again: git checkout {lock.name}"
        ) from None


def fitting(wheels: dict[str, str], machine: Machine) -> dict[str, str]:
    """The wheels that run on a machine, the best first."""
    ranked = {name: max(_rank(tag, machine) for tag in _tags(name)) for name in wheels}
    return {name: wheels[name] for name in sorted(wheels, key=lambda name: (-ranked[name], name)) if ranked[name]}


def _tags(name: str) -> list[str]:
    """The platform tags of a wheel's name."""
    return name.removesuffix(".whl").rsplit("-", 1)[-1].split(".")


def _rank(tag: str, machine: Machine) -> int:
    """How well a platform tag fits a machine; 0 when it does not."""
    found = re.fullmatch(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(\w+)|linux_(\w+)", tag)
    if found is None or (found[4] or found[5]) != machine.architecture:
        return 0
    version = (int(found[2] or 0), int(found[3] or 0))
    if machine.system == "Darwin":
        return int(found[1] == "macosx" and version <= machine.macos)
    if machine.system != "Linux" or found[1] == "macosx":
        return 0
    if found[1] == "manylinux":
        return 3 if machine.glibc is not None and version <= machine.glibc else 0
    # Those for musl are linked with nothing, so they run beside an old glibc as well.
    return 2 if found[1] == "musllinux" else 1


def unpack(wheel: Path, program: Path) -> None:
    """Take the program out of its wheel. Raises SetupFailed."""
    unfinished = program.with_name(f"{program.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (
                item
                for item in archive.infolist()
                if item.filename.endswith(".data/scripts/uv") and item.file_size <= MAX_FILE_BYTES
            )
            with archive.open(member) as packed, unfinished.open("wb") as file:
                shutil.copyfileobj(packed, file)
        unfinished.chmod(0o755)
        unfinished.replace(program)
    except (zipfile.BadZipFile, ValueError) as error:
        raise SetupFailed(f"{wheel.name} holds no uv: {error}.") from None
    except OSError as error:
        raise SetupFailed(unwritable(program.parent, error)) from None
    finally:
        unfinished.unlink(missing_ok=True)
        wheel.unlink(missing_ok=True)
