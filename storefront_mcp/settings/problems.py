"""Validation errors of the settings, collected and raised at once."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from msgspec import Struct
from msgspec.structs import force_setattr

URL_CREDENTIALS: Final = re.compile(r"://[^\s/@:]*:[^\s/@]*@")


class SettingProblem(Struct, frozen=True):
    """One invalid setting: `key` is its key in the file, or a variable; `sentence` says what to do.

    User names and passwords of URLs that it quotes are masked.
    """

    key: str
    sentence: str

    def __post_init__(self) -> None:
        """Mask them."""
        force_setattr(self, "sentence", URL_CREDENTIALS.sub("://…@", self.sentence))


class SettingsInvalid(Exception):
    """Invalid settings; the message has the source and every problem."""

    def __init__(self, source: str, problems: Sequence[SettingProblem]) -> None:
        self.problems = tuple(problems)
        lines = (
            f"  {problem.key}: {problem.sentence}" if problem.key else f"  {problem.sentence}" for problem in problems
        )
        super().__init__("\n".join([f"{source} cannot be used:", *lines]))


def unknown_setting(key: str, name: str, known: Iterable[str]) -> SettingProblem:
    """The problem of an unknown setting, with the nearest known name."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    fix = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
    return SettingProblem(key, f"there is no such setting; {fix}")
