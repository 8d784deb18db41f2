"""Command lines for messages, with the program named as it was started."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from storefront_mcp.settings.environment import STARTED_BY

NAME: Final = "storefront-mcp"


def program() -> str:
    """The program as a new shell would find it."""
    started = sys.argv[0]
    if Path(started).parts[-3:] == ("storefront_mcp", "cli", "__main__.py"):
        return shlex.join([sys.executable, "-m", "storefront_mcp.cli"])
    if Path(started).name != NAME:
        return NAME
    # An environment that is active here, or that uv made for one run, is not active in another terminal.
    if started == shutil.which(NAME) and not os.environ.keys() & {"VIRTUAL_ENV", "UV"}:
        return NAME
    return shlex.quote(started)


def command_line(*words: object) -> str:
    """A command line of this program, quoted for a shell."""
    return f"{program()} {shlex.join(str(word) for word in words)}"


def made_by() -> str | None:
    """The make command that started this program, such as `make run`; else None."""
    return os.environ.get(STARTED_BY) or None
