"""The state folder of a demo: created and marked by it, and the only place where it writes or removes files."""

import base64
import fcntl
import os
import secrets
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storefront_mcp.app.mirror_engine import has_engine
from storefront_mcp.cli.errors import CommandFailed
from storefront_mcp.settings import Settings, demo_settings
from storefront_mcp.settings.demo import DEMO_CATALOGUE, DEMO_DATABASE
from storefront_mcp.settings.program import command_line
from storefront_mcp.settings.storage import KEY_BYTES

DEMO_STATE: Final = Path(".storefront-demo")
DEMO_FILE: Final = "demo.toml"
MARK: Final = "# The state of a demo: made by `storefront-mcp demo`, which throws it away at its next start.\n"
"""First line of `DEMO_FILE`; a folder without it is never written to."""
REMOVED: Final = tuple(f"{DEMO_DATABASE}{end}" for end in ("", "-wal", "-shm", "-journal"))
"""Files of a marked folder that the next start removes."""


def is_demo(path: Path) -> bool:
    """Whether a file begins with `MARK`."""
    try:
        with path.open("rb") as file:
            return file.read(len(MARK.encode())) == MARK.encode()
    except OSError:
        return False


def load_demo_settings(path: Path) -> Settings:
    """The settings of the demo with this `DEMO_FILE`. Raises CommandFailed."""
    try:
        kept = tomllib.loads(path.read_text(encoding="utf-8"))
        return demo_settings(int(kept["port"]), state=path.parent, mirror=has_engine(), key=kept.get("key"))
    except (OSError, KeyError, TypeError, ValueError):
        raise CommandFailed(f"{path} cannot be read. Start the demo again: {_restart(path.parent)}") from None


@contextmanager
def fresh_state(folder: Path, port: int) -> Iterator[Settings]:
    """Settings of a demo with a new database; the folder is locked until the block ends.

    The folder is created, or is marked or empty. Raises CommandFailed for any other, and changes nothing in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark = folder / DEMO_FILE
        if any(folder.iterdir()) and not is_demo(mark):
            raise CommandFailed(
                f"{folder} is not a folder that a demo made, so nothing in it was touched. "
                f"Name one that is not there yet: {_restart('PATH')}"
            )
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CommandFailed(
            f"{folder} cannot be used: {error.strerror}. Name another folder: {_restart('PATH')}"
        ) from None
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandFailed(
                f"A demo is running in {folder} already. To run a second one, name another folder: {_restart('PATH')}"
            ) from None
        try:
            for name in REMOVED:
                (folder / name).unlink(missing_ok=True)
            if (folder / DEMO_CATALOGUE).is_dir():
                shutil.rmtree(folder / DEMO_CATALOGUE)
            key = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()
            file.write(f'{MARK}port = {port}\nkey = "{key}"\n')
            # Written over, not truncated first: the mark is there at every moment.
            file.truncate()
        except OSError as error:
            raise CommandFailed(
                f"{folder} cannot be used: {error.strerror}. Name another folder: {_restart('PATH')}"
            ) from None
        yield demo_settings(port, state=folder, mirror=has_engine(), key=key)


def _restart(folder: object) -> str:
    return command_line("demo", "--state", folder)
