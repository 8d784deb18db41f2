"""The files of deploy/, and the few changes that a machine with other ports needs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
DEPLOY: Final = ROOT / "deploy"


def shipped(name: str) -> str:
    """A file's text."""
    return (DEPLOY / name).read_text(encoding="utf-8")


def changed(text: str, changes: Mapping[str, str]) -> str:
    """The text with other words in place of some, which it must hold."""
    for before, after in changes.items():
        assert before in text, f"{before!r} is gone from the file"
        text = text.replace(before, after)
    return text


def uncommented(text: str, pattern: str) -> str:
    """The text with the commented lines that begin so switched on."""
    result, count = re.subn(rf"^(\s*)# ?(?={pattern})", r"\1", text, flags=re.MULTILINE)
    assert count, f"no commented line begins with {pattern}"
    return result
